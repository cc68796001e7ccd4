// Laws 8 to 12: what moving, scaling and turning vectors and codes together leaves as it is; cosine similarity; more codes.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import { clearRows, nearest } from './nearest.ts';
import { bits, pass, quantizerFor, rowsOf, stateFor } from './quantizing.ts';
import type { Floats } from './quantizing.ts';
import { runs } from './runs.ts';
import { distance, distancesOf, engines, regretBounds, row, samples, take } from './samples.ts';

const mapped = ({ shape, data }: Floats, f: (x: number, i: number) => number): Floats =>
  ndarray('float32', shape, data.map(f));
const seeds = fc.noShrink(fc.nat(1e6));

// Whole numbers over 8, codes a power of two many: their sums, mean and products are exact in float32.
const dyadic = fc
  .record({
    rows: fc.constantFrom(0, 1, 6),
    codes: fc.constantFrom(1, 2, 8),
    width: fc.constantFrom(1, 3),
    seed: seeds,
  })
  .map(({ rows, codes, width, seed }) => {
    const generator = npRandom(seed);
    const numbers = (count: number) =>
      rowsOf(
        width,
        Array.from({ length: count * width }, () => (generator.integers(33) - 16) / 8),
      );
    return { z: numbers(rows), codebook: numbers(codes) };
  });

/** An orthogonal map: reflections at hyperplanes, in float64. */
function turn(width: number, seed: number): (x: Floats) => Floats {
  const generator = npRandom(seed);
  const normals = Array.from({ length: width }, () => {
    const v = Array.from({ length: width }, () => generator.normal());
    const length = Math.hypot(...v);
    return v.map((x) => x / length);
  });
  return (array) =>
    rowsOf(
      width,
      Array.from({ length: array.shape[0]! }, (_, i) => {
        let x = [...row(array, i)];
        for (const v of normals) {
          const along = 2 * v.reduce((total, y, d) => total + y * x[d]!, 0);
          x = x.map((y, d) => y - along * v[d]!);
        }
        return x;
      }).flat(),
    );
}

/** Rows at length 1 in float64; rows of zeros stay. */
function units(array: Floats): number[][] {
  return Array.from({ length: array.shape[0]! }, (_, i) => {
    const length = Math.hypot(...row(array, i));
    return [...row(array, i)].map((x) => (length === 0 ? 0 : x / length));
  });
}

describe.each(engines)('%s', (_, engine) => {
  test.prop([dyadic, fc.constantFrom(1, -128, 1024, 16_384)], runs)(
    '8: moving vectors and codes together changes no index, exactly where the numbers are exact',
    ({ z, codebook }, by) => {
      const moved = (x: Floats) => mapped(x, (value) => value + by);
      expect(nearest(engine, { z: moved(z), codebook: moved(codebook) })).toEqual(nearest(engine, { z, codebook }));
    },
  );

  test.prop([samples(), fc.integer({ min: -20, max: 20 })], runs)(
    '9: scaling both by a power of two changes no index',
    ({ z, codebook }, power) => {
      const scaled = (x: Floats) => mapped(x, (value) => value * 2 ** power);
      expect(nearest(engine, { z: scaled(z), codebook: scaled(codebook) })).toEqual(nearest(engine, { z, codebook }));
    },
  );

  test.prop([samples(), seeds], runs)(
    '10: turning both changes no index that is not a matter of rounding',
    (sample, seed) => {
      const { z, codebook } = sample;
      const width = z.shape[1]!;
      const rotate = turn(width, seed);
      const after = nearest(engine, { z: rotate(z), codebook: rotate(codebook) });
      const before = nearest(engine, sample);
      // Turned numbers are rounded, by parts of their size and not of their distance to the mean code.
      const size = (x: Floats) => Math.max(0, ...units(x).map((__, i) => Math.hypot(...row(x, i))));
      const bound = 8 * (width + 2) * 2 ** -24 * (size(z) + size(codebook)) ** 2;
      const clear = clearRows(sample, Array<number>(z.shape[0]!).fill(bound));
      for (const i of clear) expect(after[i]).toBe(before[i]);
    },
  );

  test.prop([samples({ minCodes: 2 }), fc.constantFrom('vq' as const, 'ema' as const), seeds], runs)(
    '11: cosine similarity is the distance of vectors at length 1, whatever their lengths',
    (sample, kind, seed) => {
      const { z, codebook } = sample;
      const [rows, width] = z.shape as [number, number];
      const quantizer = quantizerFor(sample, { kind, distance: 'cosine' });
      const state = stateFor(quantizer, sample);
      const weights = mapped(z, (__, i) => Math.sin(i + seed));
      const { tokens, quantized, slope } = pass(engine, quantizer, state, { z, weights });
      const [vectors, codes] = [units(z), units(codebook)];
      for (let i = 0; i < rows; i++) {
        const code = tokens.data[i]!;
        const distances = codes.map((e) => distance(vectors[i]!, e));
        expect(distances[code]! - Math.min(...distances)).toBeLessThanOrEqual(64 * (width + 4) * 2 ** -24);
        const isZero = codes[code]!.every((x) => x === 0);
        expect(Math.hypot(...row(quantized, i))).toBeCloseTo(isZero ? 0 : 1, 6);
      }
      expect(slope.data.every(Number.isFinite)).toBe(true);
      // Powers of two round nothing, so not a bit may change.
      const generator = npRandom(seed);
      const lengths = Array.from({ length: rows }, () => 2 ** (generator.integers(41) - 20));
      const longer = mapped(z, (x, i) => x * lengths[Math.floor(i / width)]!);
      const again = pass(engine, quantizer, state, { z: longer });
      expect(again.tokens).toEqual(tokens);
      expect(bits(again.quantized)).toEqual(bits(quantized));
    },
  );

  test.prop([samples({ minCodes: 2 })], runs)('12: another code brings no vector farther from its code', (sample) => {
    const { z, codebook } = sample;
    const fewer = { z, codebook: take(codebook, [...Array(codebook.shape[0]! - 1).keys()]) };
    const [before, after] = [nearest(engine, fewer), nearest(engine, sample)];
    for (const [i, bound] of regretBounds(sample).entries()) {
      const distances = distancesOf(sample, i);
      expect(distances[after[i]!]).toBeLessThanOrEqual(distances[before[i]!]! + bound);
    }
  });
});
