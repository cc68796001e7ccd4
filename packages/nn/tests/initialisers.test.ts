import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { glorotUniform, heNormal, lecunNormal, normal, ones, orthogonal, uniform, zeros } from '../src/initialisers.ts';
import { expectMoments, flat, gaussian, moments } from './moments.ts';

const seeds = fc.nat(1e6);
const few = { numRuns: 15 };
const shape = [32, 128]; // 4096 draws

describe('distributions', () => {
  test.prop([seeds, fc.constantFrom(1e-3, 1, 50)], few)('normal has mean 0 and the deviation', (seed, deviation) => {
    expectMoments(normal(npRandom(seed), shape, deviation), deviation, gaussian);
  });

  test.prop([seeds, fc.constantFrom(1e-3, 1, 50)], few)('uniform fills [-limit, limit)', (seed, limit) => {
    const array = uniform(npRandom(seed), shape, limit);
    expectMoments(array, limit / Math.sqrt(3), flat);
    expect(moments(array).largest).toBeLessThanOrEqual(Math.fround(limit));
    expect(moments(array).largest).toBeGreaterThan(0.99 * limit);
  });

  test.prop([seeds, fc.integer({ min: 1, max: 500 })], few)('heNormal: sqrt(2 / fanIn)', (seed, fanIn) => {
    expectMoments(heNormal(npRandom(seed), shape, { fanIn }), Math.sqrt(2 / fanIn), gaussian);
  });

  test.prop([seeds, fc.integer({ min: 1, max: 500 })], few)('lecunNormal: sqrt(1 / fanIn)', (seed, fanIn) => {
    expectMoments(lecunNormal(npRandom(seed), shape, { fanIn }), Math.sqrt(1 / fanIn), gaussian);
  });

  test.prop([seeds, fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 })], few)(
    'glorotUniform: limit sqrt(6 / (fanIn + fanOut))',
    (seed, fanIn, fanOut) => {
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      const array = glorotUniform(npRandom(seed), shape, { fanIn, fanOut });
      expectMoments(array, limit / Math.sqrt(3), flat);
      expect(moments(array).largest).toBeLessThanOrEqual(Math.fround(limit));
    },
  );

  test.prop([seeds])('the same seed gives the same numbers', (seed) => {
    const make = () => heNormal(npRandom(seed), [3, 4], { fanIn: 3 });
    expect(make()).toEqual(make());
  });

  test('zeros and ones', () => {
    expect(zeros([2, 2])).toEqual({ dtype: 'float32', shape: [2, 2], data: new Float32Array(4) });
    expect(ones([])).toEqual({ dtype: 'float32', shape: [], data: Float32Array.of(1) });
  });

  test('a fan that is no number of inputs', () => {
    expect(() => heNormal(npRandom(0), [2], { fanIn: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: initialiser: expected a fan of at least 1, got 0.]`,
    );
    expect(() => lecunNormal(npRandom(0), [2], { fanIn: NaN })).toThrow(ConfigError);
    expect(() => glorotUniform(npRandom(0), [2], { fanIn: 1, fanOut: -1 })).toThrow(ConfigError);
  });
});

/** The products of the rows or the columns, whichever are fewer, with one another. */
function products({ shape, data }: NdArray<'float32'>): { i: number; j: number; product: number }[] {
  const [rows, columns] = shape as [number, number];
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)];
  const at = (vector: number, k: number) => data[rows <= columns ? vector * columns + k : k * columns + vector]!;
  const all = [];
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let product = 0;
      for (let k = 0; k < length; k++) product += at(i, k) * at(j, k);
      all.push({ i, j, product });
    }
  }
  return all;
}

/** The largest difference from vectors of length `gain` with right angles between them, in units of `gain^2`. */
function skewness(array: NdArray<'float32'>, gain: number): number {
  const errors = products(array).map(({ i, j, product }) => Math.abs(product / gain ** 2 - (i === j ? 1 : 0)));
  return errors.reduce((most, error) => (error <= most ? most : error), 0);
}

describe('orthogonal', () => {
  const sizes = fc.integer({ min: 1, max: 24 });
  const gains = fc.constantFrom(0.01, 1, Math.SQRT2, 50, -3);

  test.prop([sizes, sizes, gains, seeds])(
    'its rows or columns, whichever are fewer, have right angles and the length of the gain',
    (rows, columns, gain, seed) => {
      const array = orthogonal(npRandom(seed), [rows, columns], gain);
      expect([array.dtype, array.shape]).toEqual(['float32', [rows, columns]]);
      expect(skewness(array, gain)).toBeLessThan(1e-6);
    },
  );

  test.prop([fc.integer({ min: 2, max: 40 }), seeds], few)('a square one has both', (size, seed) => {
    const array = orthogonal(npRandom(seed), [size, size], 1);
    const turned = zeros([size, size]);
    for (let i = 0; i < size * size; i++) turned.data[i] = array.data[(i % size) * size + Math.floor(i / size)]!;
    expect(skewness(array, 1)).toBeLessThan(1e-6);
    expect(skewness(turned, 1)).toBeLessThan(1e-6);
  });

  test.prop([fc.integer({ min: 1, max: 200 }), fc.boolean(), gains, seeds], few)(
    'a single row or column is a direction times the gain',
    (length, upright, gain, seed) => {
      const { data } = orthogonal(npRandom(seed), upright ? [length, 1] : [1, length], gain);
      expect(Math.hypot(...data) / Math.abs(gain)).toBeCloseTo(1, 6);
      const along = npRandom(seed);
      const drawn = Array.from({ length }, () => along.standardNormal());
      const norm = Math.hypot(...drawn);
      for (let i = 0; i < length; i++) expect(data[i]! / gain).toBeCloseTo(drawn[i]! / norm, 6);
    },
  );

  test.prop([seeds, gains], few)('the generator decides, the gain only scales', (seed, gain) => {
    const make = (factor: number) => orthogonal(npRandom(seed), [5, 3], factor);
    expect(make(gain)).toEqual(make(gain));
    expect(make(gain)).not.toEqual(orthogonal(npRandom(seed + 1), [5, 3], gain));
    const one = make(1);
    make(gain).data.forEach((x, i) => expect(x / gain).toBeCloseTo(one.data[i]!, 6));
    const generator = npRandom(seed);
    expect(orthogonal(generator, [5, 3], 1)).not.toEqual(orthogonal(generator, [5, 3], 1));
  });

  test('every direction is as likely as its opposite: entries have mean 0 and variance 1 / length', () => {
    const generator = npRandom(3);
    const entries = zeros([256, 16]);
    for (let i = 0; i < 256; i++) entries.data.set(orthogonal(generator, [4, 4], 1).data, 16 * i);
    expectMoments(entries, 0.5, gaussian);
    const diagonal = zeros([256, 4]);
    for (let i = 0; i < 1024; i++) diagonal.data[i] = entries.data[16 * (i >> 2) + 5 * (i & 3)]!;
    expectMoments(diagonal, 0.5, gaussian);
  });

  test('draws that are almost one direction still give right angles', () => {
    const draws = [1, 2, 3, 4, 1 + 1e-12, 2, 3, 4, 1, 2 - 1e-12, 3, 4];
    const scripted = { standardNormal: () => draws.shift()! } as unknown as Generator;
    expect(skewness(orthogonal(scripted, [3, 4], 1), 1)).toBeLessThan(1e-6);
  });

  test('layers of thousands of inputs, and vectors too long to be the arguments of a call', () => {
    expect(skewness(orthogonal(npRandom(0), [4096, 64], Math.SQRT2), Math.SQRT2)).toBeLessThan(1e-6);
    expect(skewness(orthogonal(npRandom(0), [1, 300_000], 1), 1)).toBeLessThan(1e-6);
  });
});
