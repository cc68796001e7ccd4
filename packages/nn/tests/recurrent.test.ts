// The LSTM against its equations in double precision, and pooling against the largest of each block.
import { ShapeError, ndarray, npRandom } from '@tessera/core';
import { constant, gradients, read, sum } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { initLstm, lstmStep, maxPool } from '../src/index.ts';
import { call, engines, expectClose, floats, shaken } from './backends.ts';

const sizes = fc.integer({ min: 1, max: 4 });
const seeds = fc.noShrink(fc.nat(1e6));
const few = { numRuns: 12 };
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe.each(engines)('on %s', (_, engine) => {
  test.prop([sizes, sizes, sizes, seeds], few)('an LSTM step is its four gates', (batch, inputs, width, seed) => {
    const parameters = shaken(initLstm(npRandom(seed), { inputs, width }), seed);
    const [x, hidden, cell] = [inputs, width, width].map((size, i) => floats([batch, size], seed + 10 + i)) as [
      ReturnType<typeof floats>,
      ReturnType<typeof floats>,
      ReturnType<typeof floats>,
    ];
    const next = { hidden: new Float64Array(batch * width), cell: new Float64Array(batch * width) };
    for (let row = 0; row < batch; row++) {
      for (let unit = 0; unit < width; unit++) {
        const [enter, keep, candidate, leave] = [0, 1, 2, 3].map((gate) => {
          const column = gate * width + unit;
          let total = parameters.bias.data[column]!;
          for (let i = 0; i < inputs; i++)
            total += x.data[row * inputs + i]! * parameters.input.data[i * 4 * width + column]!;
          for (let i = 0; i < width; i++)
            total += hidden.data[row * width + i]! * parameters.recurrent.data[i * 4 * width + column]!;
          return total;
        }) as [number, number, number, number];
        const at = row * width + unit;
        next.cell[at] = sigmoid(keep) * cell.data[at]! + sigmoid(enter) * Math.tanh(candidate);
        next.hidden[at] = sigmoid(leave) * Math.tanh(next.cell[at]!);
      }
    }
    for (const part of ['hidden', 'cell'] as const) {
      const given = call(
        engine,
        { parameters, x },
        (traced, input) => lstmStep(traced, input, { hidden: constant(hidden), cell: constant(cell) })[part],
      );
      expectClose(given, { shape: [batch, width], data: [...next[part]] });
    }
  });

  test.prop([sizes, sizes, sizes, fc.integer({ min: 1, max: 3 }), seeds], few)(
    'pooling takes the largest of each block, and its gradient goes there',
    (batch, rows, columns, size, seed) => {
      const channels = 2;
      const x = floats([batch, rows * size, columns * size, channels], seed);
      const expected = ndarray('float32', [batch, rows, columns, channels]);
      const from = new Int32Array(expected.data.length);
      expected.data.fill(-Infinity);
      for (const [i, value] of x.data.entries()) {
        const channel = i % channels;
        const column = Math.floor(i / channels) % (columns * size);
        const row = Math.floor(i / channels / (columns * size));
        const at = (Math.floor(row / size) * columns + Math.floor(column / size)) * channels + channel;
        if (value > expected.data[at]!) [expected.data[at], from[at]] = [value, i];
      }
      const given = call(engine, { parameters: {}, x }, (__, input) => maxPool(input, { size }));
      expect(given).toEqual(expected);
      const slope = engine.state({ x }).eager((tree) => read(gradients(sum(maxPool(tree.x, { size })), [tree.x])[0]!));
      const hits = new Float32Array(x.data.length);
      for (const i of from) hits[i] = 1;
      expect(slope.data).toEqual(hits);
    },
  );

  test('pictures that blocks do not fill are refused', () => {
    const x = floats([1, 3, 4, 1], 1);
    expect(() => call(engine, { parameters: {}, x }, (__, input) => maxPool(input, { size: 2 }))).toThrow(ShapeError);
  });
});

test('an LSTM starts by remembering', () => {
  const { bias } = initLstm(npRandom(0), { inputs: 2, width: 3 });
  expect([...bias.data]).toEqual([0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
});
