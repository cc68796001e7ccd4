import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import { attr } from '../../src/tensorflow/attributes.ts';
import { GraphWriter } from '../../src/tensorflow/graph-writer.ts';
import { available, skipped, withSession } from './available.ts';

const float = { T: attr.type('float32') };
const scalar = (value: number) => ndarray('float32', [], Float32Array.of(value));
const vector = (...values: number[]) => ndarray('float32', [values.length], Float32Array.from(values));

// A variable w of two elements that is set from a feed, read, and counted up by an effect.
function counter() {
  const graph = new GraphWriter();
  const w = graph.variable('w', 'float32', [2]);
  const value = graph.placeholder('value', 'float32', [2]);
  const set = graph.group([graph.assign(w, value)], { name: 'set' });
  const add = graph.effect('AssignAddVariableOp', [w, graph.constant(vector(1, 1))], { dtype: attr.type('float32') });
  return { graph, w, value, set, add: graph.group([add], { name: 'add' }), read: graph.read(w) };
}

describe.skipIf(!available)(`variables${skipped}`, () => {
  test('keep their values from run to run, each session its own', () => {
    const { graph, value, set, add, read } = counter();
    withSession(graph, (one) =>
      withSession(graph, (other) => {
        one.runTargets([{ name: value, array: vector(1, 2) }], [set]);
        other.runTargets([{ name: value, array: vector(10, 20) }], [set]);
        one.runTargets([], [add]);
        one.runTargets([], [add]);
        expect(one.run([], [read])).toEqual([vector(3, 4)]);
        expect(other.run([], [read])).toEqual([vector(10, 20)]);
      }),
    );
  });

  // TensorFlow uses the memory of a fed array only where it is aligned (to 64 bytes at most): one of these 16 views is.
  test.each(Array.from({ length: 16 }, (_, offset) => offset))(
    'share no memory with the array that was fed, in either direction (offset %i)',
    (offset) => {
      const { graph, value, set, add, read } = counter();
      const array = ndarray('float32', [2], new Float32Array(32).subarray(offset, offset + 2));
      array.data.set([1, 2]);
      withSession(graph, (session) => {
        session.runTargets([{ name: value, array }], [set]);
        array.data[0] = 100;
        expect(session.run([], [read])).toEqual([vector(1, 2)]);
        session.runTargets([], [add]);
        expect(session.run([], [read])).toEqual([vector(2, 3)]);
        expect([...array.data]).toEqual([100, 2]);
      });
    },
  );

  test('have no value before they are set', () => {
    const { graph, read } = counter();
    withSession(graph, (session) => {
      expect(() => session.run([], [read])).toThrow(/^GraphSession\.run: TensorFlow failed in 'w\/read': .*w/);
    });
  });

  test('a fetch of a read that waits for the update is the new value', () => {
    const { graph, w, value, set } = counter();
    const add = graph.effect('AssignAddVariableOp', [w, graph.constant(vector(1, 1))], { dtype: attr.type('float32') });
    const after = graph.read(w, { control: [add] });
    withSession(graph, (session) => {
      session.runTargets([{ name: value, array: vector(0, 5) }], [set]);
      expect(session.run([], [after])).toEqual([vector(1, 6)]);
    });
  });
});

// loss = (w x - y)^2, w <- w - rate dloss/dw, all inside one run; the fetched loss waits for the update.
function regression() {
  const graph = new GraphWriter();
  const w = graph.variable('w', 'float32', []);
  const x = graph.placeholder('x', 'float32', []);
  const y = graph.placeholder('y', 'float32', []);
  const rate = graph.placeholder('rate', 'float32', []);
  const set = graph.group([graph.assign(w, x)], { name: 'set' });
  const op = (name: string, ...inputs: string[]) => graph.node(name, inputs, float)[0]!;
  const error = op('Sub', op('Mul', graph.read(w), x), y);
  const gradient = op('Mul', op('AddV2', error, error), x);
  const train = graph.effect('ResourceApplyGradientDescent', [w, rate, gradient], float, { name: 'train' });
  const loss = graph.node('Identity', [op('Square', error)], float, { name: 'loss', control: [train] })[0]!;
  return { graph, x, y, rate, set, loss, w: graph.read(w) };
}

describe.skipIf(!available)(`a training step in one run${skipped}`, () => {
  const number = fc.integer({ min: -8, max: 8 });

  test.prop([number, number, number], { numRuns: 10 })(
    'returns the loss before the update and makes the update: w - rate 2 (w x - y) x',
    (w0, x, y) => {
      const { graph, ...names } = regression();
      withSession(graph, (session) => {
        session.runTargets([{ name: names.x, array: scalar(w0) }], [names.set]);
        let w = w0;
        for (let step = 0; step < 3; step++) {
          const feeds = Object.entries({ x, y, rate: 2 ** -7 }).map(([name, value]) => ({
            name,
            array: scalar(value),
          }));
          const [loss] = session.run(feeds, [names.loss]);
          expect(loss!.data[0]).toBe(Math.fround((w * x - y) ** 2));
          w = Math.fround(w - 2 ** -7 * 2 * (w * x - y) * x);
          expect(session.run([], [names.w])[0]!.data[0]).toBeCloseTo(w, 4);
        }
      });
    },
  );
});
