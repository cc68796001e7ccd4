import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  glorotUniform,
  heNormal,
  initAdam,
  initAttention,
  initBlock,
  initConv,
  initConvTranspose,
  initDense,
  initEmbedding,
  initNorm,
  lecunNormal,
  normal,
  ones,
  uniform,
  zeros,
} from '../src/index.ts';

const seeds = fc.nat(1e6);
const few = { numRuns: 15 };
const shape = [32, 128]; // 4096 draws
const draws = 4096;

function moments({ data }: NdArray<'float32'>): { mean: number; deviation: number; largest: number } {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  return { mean, deviation: Math.sqrt(variance), largest: data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
}

/** Mean and deviation of a sample within six of their own standard errors; `kurtosis` is that of the distribution. */
function expectMoments(array: NdArray<'float32'>, deviation: number, kurtosis: number): void {
  const n = array.data.length;
  const sample = moments(array);
  expect(Math.abs(sample.mean)).toBeLessThan((6 * deviation) / Math.sqrt(n));
  expect(Math.abs(sample.deviation / deviation - 1)).toBeLessThan(6 * Math.sqrt((kurtosis - 1) / (4 * n)));
}

const gaussian = 3;
const flat = 9 / 5;

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

describe('layers start at', () => {
  const generator = () => npRandom(7);

  test('dense: He, times the gain, zero bias', () => {
    const { kernel, bias } = initDense(generator(), { inputs: 64, outputs: 64, gain: 0.5 });
    expect(kernel.shape).toEqual([64, 64]);
    expect(kernel.data.length).toBe(draws);
    expectMoments(kernel, 0.5 * Math.sqrt(2 / 64), gaussian);
    expect(bias).toEqual(zeros([64]));
  });

  test('conv: He over size * size * inputs', () => {
    const { kernel, bias } = initConv(generator(), { size: 4, inputs: 8, outputs: 32 });
    expect(kernel.shape).toEqual([4, 4, 8, 32]);
    expectMoments(kernel, Math.sqrt(2 / 128), gaussian);
    expect(bias).toEqual(zeros([32]));
  });

  test.each([
    [1, 16],
    [2, 4],
    [4, 1],
    [8, 1],
  ])('convTranspose of stride %i: He over %i taps times inputs', (stride, taps) => {
    const { kernel, bias } = initConvTranspose(generator(), { size: 4, inputs: 8, outputs: 32, stride });
    expect(kernel.shape).toEqual([4, 4, 32, 8]);
    expectMoments(kernel, Math.sqrt(2 / (taps * 8)), gaussian);
    expect(bias).toEqual(zeros([32]));
  });

  test('embedding: deviation 0.02', () => {
    const table = initEmbedding(generator(), { vocabulary: 64, width: 64 });
    expect(table.shape).toEqual([64, 64]);
    expectMoments(table, 0.02, gaussian);
    expectMoments(initEmbedding(generator(), { vocabulary: 64, width: 64, deviation: 3 }), 3, gaussian);
  });

  test('attention and block: variance 1 / fanIn, and 2 / fanIn in front of the GELU', () => {
    const { qkv, output } = initAttention(generator(), 64);
    expect(qkv.kernel.shape).toEqual([64, 192]);
    expectMoments(qkv.kernel, Math.sqrt(1 / 64), gaussian);
    expectMoments(output.kernel, Math.sqrt(1 / 64), gaussian);
    const { up, down, attentionNorm, mlpNorm } = initBlock(generator(), { width: 64, expansion: 2 });
    expectMoments(up.kernel, Math.sqrt(2 / 64), gaussian);
    expectMoments(down.kernel, Math.sqrt(1 / 128), gaussian);
    expect([attentionNorm, mlpNorm]).toEqual([initNorm(64), initNorm(64)]);
    expect(initNorm(2)).toEqual({ scale: ones([2]), bias: zeros([2]) });
  });

  test('Adam: moments of 0 under names without dots', () => {
    const parameters = { encoder: { down: [initDense(generator(), { inputs: 2, outputs: 3 })] } };
    expect(initAdam(parameters)).toEqual({
      step: zeros([]),
      first: { 'encoder/down/0/kernel': zeros([2, 3]), 'encoder/down/0/bias': zeros([3]) },
      second: { 'encoder/down/0/kernel': zeros([2, 3]), 'encoder/down/0/bias': zeros([3]) },
    });
  });
});
