// Arrays that go to a backend and come back: as state, by name, read and written whole or not at all, and as inputs and results of programs.
import { ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test, vi } from 'vitest';
import { add, assign, f32, flatten, gradients, i32, mul, read, square, sum } from '../../src/index.ts';
import { backends, engineOf } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { numbers, vector } from '../support/evaluate.ts';

const tree = () => ({
  encoder: { weight: ndarray('float32', [2, 2], Float32Array.of(1, 2, 3, 4)), bias: vector(5, 6) },
  layers: [{ scale: vector(7) }, { scale: vector(8) }],
  step: ndarray('int32', [], Int32Array.of(9)),
});

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`arrays on ${backend.name}${backend.skipped}`, () => {
    test('has the leaves of its tree by names joined with dots, in order', () => {
      const state = engineOf(backend).state(tree());
      expect(state.names).toEqual(['encoder.weight', 'encoder.bias', 'layers.0.scale', 'layers.1.scale', 'step']);
      expect(state.read()).toEqual(Object.fromEntries(flatten<NdArray>(tree())));
      expect(state.readOne('layers.1.scale')).toEqual(vector(8));
      state.dispose();
    });

    test('is a copy, and so is what is read', () => {
      const given = tree();
      const state = engineOf(backend).state(given);
      given.encoder.bias.data.fill(0);
      (state.read()['encoder.bias']!.data as Float32Array).fill(0);
      expect(state.readOne('encoder.bias')).toEqual(vector(5, 6));
      const written = vector(1, 1);
      state.write({ 'encoder.bias': written });
      written.data.fill(0);
      expect(state.readOne('encoder.bias')).toEqual(vector(1, 1));
      state.dispose();
    });

    test('is written whole or not at all', () => {
      const state = engineOf(backend).state(tree());
      const before = state.read();
      const good = { 'encoder.bias': vector(0, 0), 'layers.0.scale': vector(0) };
      expect(() => state.write({ ...good, 'layers.2.scale': vector(1) })).toThrow(/no 'layers.2.scale'/);
      expect(() => state.write({ ...good, 'layers.1.scale': vector(1, 2) })).toThrow(/of shape \[1\]/);
      expect(() => state.write({ ...good, step: ndarray('float32', []) })).toThrow(/int32/);
      expect(() => state.write({ ...good, 'layers.1.scale': { ...vector(1), data: new Float32Array(3) } })).toThrow(
        /3/,
      );
      expect(state.read()).toEqual(before);
      state.write(good);
      expect(state.read()).toEqual({ ...before, ...good });
      state.dispose();
    });

    test('programs see it as the same tree, and what write has changed', () => {
      const state = engineOf(backend).state(tree());
      const program = state.program('p', {}, (_, { encoder, layers }) => ({
        y: add(encoder.bias, mul(layers[0]!.scale, layers[1]!.scale)),
      }));
      expect(numbers(program.run({}).y)).toEqual([61, 62]);
      state.write({ 'layers.0.scale': vector(0) });
      expect(numbers(program.run({}).y)).toEqual([5, 6]);
      program.dispose();
      state.dispose();
    });

    test('two programs share it, two states do not', () => {
      const [one, two] = [engineOf(backend).state({ n: vector(0) }), engineOf(backend).state({ n: vector(0) })];
      const count = [one, two].map((state, k) =>
        state.program('count', {}, (_, { n }) => {
          assign(n, add(n, k + 1));
          return {};
        }),
      );
      const look = one.program('look', {}, (_, { n }) => ({ n }));
      for (const program of [...count, ...count, count[0]!]) program.run({});
      expect(numbers(look.run({}).n)).toEqual([3]);
      expect([numbers(one.readOne('n')), numbers(two.readOne('n'))]).toEqual([[3], [4]]);
      for (const program of [...count, look]) program.dispose();
      one.dispose();
      two.dispose();
    });

    test('eager functions read and change it; those that throw do not', () => {
      const state = engineOf(backend).state({ x: vector(1, 2), y: vector(0, 0) });
      const slope = state.eager(({ x, y }) => {
        const [dx] = gradients(sum(square(x)), [x]);
        assign(y, dx!);
        expect(numbers(read(y))).toEqual([0, 0]);
        return numbers(read(dx!));
      });
      expect(slope).toEqual([2, 4]);
      expect(state.read()).toEqual({ x: vector(1, 2), y: vector(2, 4) });
      expect(() =>
        state.eager(({ x, y }) => {
          assign(y, x);
          throw new Error('stop');
        }),
      ).toThrow('stop');
      expect(state.readOne('y')).toEqual(vector(2, 4));
      state.dispose();
    });

    test('a program that asks for numbers on its way runs op by op, changes the state as others do, and says so once', () => {
      const lines: string[] = [];
      const warn = vi.spyOn(console, 'warn').mockImplementation((line: string) => void lines.push(line));
      const state = engineOf(backend).state({ x: vector(1, 2), count: vector(0) });
      const make = () =>
        state.program('halve', { limit: f32() }, ({ limit }, { x, count }) => {
          let [halved, halvings] = [x, 0];
          while (Number(read(sum(halved)).data[0]) > Number(read(limit).data[0])) {
            halved = mul(halved, 0.5);
            halvings++;
          }
          assign(count, add(count, halvings));
          return { halved };
        });
      const before = engineOf(backend).tensorCount();
      const programs = [make(), make()];
      expect(numbers(programs[0]!.run({ limit: 1 }).halved)).toEqual([0.25, 0.5]);
      expect(numbers(programs[1]!.run({ limit: 2 }).halved)).toEqual([0.5, 1]);
      expect(numbers(state.readOne('count'))).toEqual([3]);
      expect(() => programs[0]!.run({ limit: vector(1, 2) })).toThrow(ShapeError);
      expect(engineOf(backend).tensorCount()).toBe(before);
      expect(lines).toEqual([
        "program 'halve': it reads numbers on its way, so it cannot be recorded and runs op by op, which is slow.",
      ]);
      for (const program of programs) program.dispose();
      expect(() => programs[0]!.run({ limit: 1 })).toThrow(/run after dispose/);
      state.dispose();
      warn.mockRestore();
    });

    test("numbers are scalars, the order of keys is free, arrays stay the caller's", () => {
      const program = engineOf(backend).program(
        'p',
        { a: f32(2), b: f32(2), k: i32(), s: f32() },
        ({ a, b, k, s }) => ({
          difference: add(a, mul(b, -1)),
          scaled: mul(a, s),
          k,
        }),
      );
      const [a, b] = [vector(1, 2), vector(10, 20)];
      const first = program.run({ s: 0.5, b, k: -7, a });
      expect(numbers(first.difference)).toEqual([-9, -18]);
      expect(numbers(first.scaled)).toEqual([0.5, 1]);
      expect(first.k).toEqual(ndarray('int32', [], Int32Array.of(-7)));
      expect(a).toEqual(vector(1, 2));
      (first.difference.data as Float32Array).fill(0);
      expect(numbers(program.run({ s: 0.5, b, k: -7, a }).difference)).toEqual([-9, -18]);
      program.dispose();
    });

    test('views into larger buffers', () => {
      const program = engineOf(backend).program('p', { a: f32(2) }, ({ a }) => ({ y: add(a, 1) }));
      const whole = Float32Array.of(1, 2, 3, 4, 5);
      expect(program.run({ a: ndarray('float32', [2], whole.subarray(3)) }).y).toEqual(vector(5, 6));
      expect(program.run({ a: ndarray('float32', [2], whole.subarray(1, 3)) }).y).toEqual(vector(3, 4));
      program.dispose();
    });

    test('used after dispose', () => {
      const state = engineOf(backend).state({ x: vector(1) });
      const program = state.program('p', {}, (_, { x }) => ({ y: add(x, 1) }));
      program.run({});
      state.dispose();
      state.dispose();
      expect(() => state.read()).toThrow('state: used after dispose.');
      expect(() => state.readOne('x')).toThrow('state: used after dispose.');
      expect(() => state.write({ x: vector(1) })).toThrow('state: used after dispose.');
      expect(() => program.run({})).toThrow('state: used after dispose.');
      expect(() => state.eager(() => 1)).toThrow('state: used after dispose.');
      program.dispose();
    });
  });
}

describe('mistakes', () => {
  const state = cpu.state(tree());

  test('a name that is not there', () => {
    expect(() => state.readOne('encoder.wieght')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: state: there is no 'encoder.wieght'. Did you mean 'encoder.weight'?]`,
    );
    expect(() => state.write({ bias: vector(1) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: state: there is no 'bias'.]`,
    );
  });

  test('another shape or dtype', () => {
    expect(() => state.write({ 'encoder.bias': vector(1) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: state: 'encoder.bias' is of shape [2], got [1].]`,
    );
    expect(() => state.write({ step: ndarray('float32', []) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: state: 'step' is int32, got float32.]`,
    );
    expect(() =>
      state.write({ 'encoder.bias': { dtype: 'float32', shape: [2], data: new Float32Array(3) } }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: state: expected 2 numbers in 'encoder.bias' of shape [2], got 3.]`,
    );
  });

  test('trees that are none', () => {
    expect(() => cpu.state({ 'a.b': vector(1) })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tree: the name 'a.b' at '' has a dot, which joins names.]`,
    );
    expect(() => cpu.state({ a: { b: 3 } })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tree: expected arrays in nested records, got 3 at 'a.b'.]`,
    );
    expect(() => cpu.state({ a: null })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: tree: expected arrays in nested records, got null at 'a'.]`,
    );
    expect(() => cpu.state({ a: ndarray('uint8', [1]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: state: expected float32 or int32 arrays, got uint8 as 'a'.]`,
    );
  });
});
