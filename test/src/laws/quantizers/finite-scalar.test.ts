// Laws 32 and 33: the levels of finite scalar quantization, and the numbering of their combinations.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fsqCodes } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { engines } from './samples.ts';
import { decode, quantizerOf, rowsOf, run, slopes, vectors } from './run.ts';
import { runs } from './runs.ts';

/** The bound in float64: `tanh(z + shift) h - o`. */
function bound(levels: number, z: number): number {
  const half = ((levels - 1) * 1.001) / 2;
  const offset = levels % 2 === 0 ? 0.5 : 0;
  return Math.tanh(z + Math.atanh(offset / half)) * half - offset;
}

/** Its inverse. */
function inverse(levels: number, y: number): number {
  const half = ((levels - 1) * 1.001) / 2;
  const offset = levels % 2 === 0 ? 0.5 : 0;
  return Math.atanh((y + offset) / half) - Math.atanh(offset / half);
}

const column = (values: readonly number[]) => ndarray('float32', [values.length, 1], Float32Array.from(values));

/** Vectors whose bound is each code exactly, up to rounding. */
function preimages(levels: readonly number[]): NdArray<'float32'> {
  const codes = fsqCodes(levels);
  const z = codes.data.map((code, i) => {
    const count = levels[i % levels.length]!;
    return inverse(count, code * Math.floor(count / 2));
  });
  return ndarray('float32', codes.shape, z);
}

const someLevels = fc
  .array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 6 })
  .filter((levels) => levels.reduce((a, b) => a * b, 1) <= 1500);

describe.each(engines)('%s', (_, engine) => {
  test.each([2, 3, 4, 5, 6, 7, 8, 9])('32: %i levels are reached, each of them, in order, and none else', (levels) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels: [levels] });
    const grid = Array.from({ length: 4001 }, (_unused, i) => (i - 2000) / 200);
    const { quantized } = run(engine, quantizer, { z: column(grid) });
    const half = Math.floor(levels / 2);
    const expected = Array.from({ length: levels }, (_unused, i) => Math.fround((i - half) / half));
    expect([...new Set(quantized.data)].map((x) => x + 0)).toEqual(expected.map((x) => x + 0));
    expect([...quantized.data].every((x, i) => i === 0 || x >= quantized.data[i - 1]!)).toBe(true);
    expect([...quantized.data].every((x) => Math.abs(x) <= 1)).toBe(true);
    expect(quantized.data[2000]! + 0).toBe(0);
    const rounded = [...quantized.data].map((x) => Math.round(x * half) + 0);
    // Where the bound lies half-way between two levels, float32 may take either.
    const clear = [...grid.keys()].filter((i) => Math.abs((bound(levels, grid[i]!) % 1) ** 2 - 0.25) > 1e-5);
    expect(clear.map((i) => rounded[i])).toEqual(clear.map((i) => Math.round(bound(levels, grid[i]!)) + 0));
  });

  test.prop([fc.integer({ min: 2, max: 12 }), vectors(3)], runs)('32: odd levels are an odd function', (levels, z) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels: [levels, 3, 5] });
    const negative = ndarray(
      'float32',
      z.shape,
      z.data.map((x) => -x),
    );
    const [there, back] = [z, negative].map((given) =>
      rowsOf(run(engine, quantizer, { z: given }).quantized, () => true),
    );
    const from = levels % 2 === 1 ? 0 : 1;
    for (const [i, row] of there!.entries()) {
      expect(row.slice(from).map((x) => 0 - x)).toEqual(back![i]!.slice(from).map((x) => x + 0));
    }
  });

  test.each([3, 5, 7, 9])('32: exactly at the thresholds of %i levels, too', (levels) => {
    // All float32 numbers around each threshold, both signs.
    const quantizer = quantizerOf({ kind: 'fsq', levels: [levels] });
    for (let i = 0; i < (levels - 1) / 2; i++) {
      const bits = new Int32Array(Float32Array.of(inverse(levels, i + 0.5)).buffer)[0]!;
      const near = Array.from({ length: 9 }, (_unused, d) => new Float32Array(Int32Array.of(bits + d - 4).buffer)[0]!);
      const up = run(engine, quantizer, { z: column(near) }).tokens.data;
      const down = run(engine, quantizer, { z: column(near.map((x) => -x)) }).tokens.data;
      expect(new Set(up).size).toBe(2);
      expect([...up].map((token) => levels - 1 - token)).toEqual([...down]);
    }
  });

  test.prop([someLevels, fc.noShrink(fc.nat(1e6))], runs)(
    '32: the gradient is that of the bound, and not 0',
    (levels, seed) => {
      const quantizer = quantizerOf({ kind: 'fsq', levels });
      const z = floats([5, levels.length], seed);
      const weights = floats(z.shape, seed + 1);
      const slope = slopes(engine, quantizer, { z, weights })['z']!;
      for (const [i, x] of z.data.entries()) {
        const count = levels[i % levels.length]!;
        const half = ((count - 1) * 1.001) / 2;
        const t = Math.tanh(x + Math.atanh((count % 2 === 0 ? 0.5 : 0) / half));
        const expected = (weights.data[i]! * (1 - t * t) * half) / Math.floor(count / 2);
        expect(Math.abs(slope.data[i]! - expected)).toBeLessThanOrEqual(2e-6 * Math.abs(weights.data[i]! * half));
        if (1 - t * t > 1e-5) expect(slope.data[i]).not.toBe(0);
      }
    },
  );

  test.prop([someLevels], runs)('33: number, code and back is the identity for every number', (levels) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels });
    const { tokens, quantized } = run(engine, quantizer, { z: preimages(levels) });
    expect([...tokens.data]).toEqual([...tokens.data.keys()]);
    expect(decode(engine, quantizer, { tokens })).toEqual(quantized);
    expect(new Set(rowsOf(quantized, () => true).map(String)).size).toBe(quantizer.slots[0]);
  });

  test.prop([someLevels, fc.noShrink(fc.nat(1e6))], runs)('33: numbers stay in [0, K)', (levels, seed) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels });
    const { data, shape } = floats([7, levels.length], seed);
    const z = ndarray(
      'float32',
      shape,
      data.map((x) => [x, 1e3 * x, 3e38 * Math.sign(x), 1e-30 * x][seed % 4]!),
    );
    const { tokens } = run(engine, quantizer, { z });
    expect(tokens.data.every((token) => token >= 0 && token < quantizer.slots[0]!)).toBe(true);
  });
});

const wasm = engines.find(([name]) => name === 'wasm')![1];

// The plain backend takes half a minute for each of these.
test.each([[[8, 8, 8, 5, 5, 5]], [Array<number>(16).fill(2)], [[64, 64]], [[256]]])(
  '33: number, code and back for all numbers of %j',
  (levels) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels });
    const { tokens } = run(wasm, quantizer, { z: preimages(levels) });
    expect(tokens.data.every((token, i) => token === i)).toBe(true);
    expect(tokens.data).toHaveLength(quantizer.slots[0]!);
  },
);
