// Statistics of codes over sets and batches, stability under noise, and likelihoods.
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  batchCodeStatistics,
  bitsPerDimension,
  codeUsage,
  countCodes,
  datasetCodeStatistics,
  gaussianNll,
  greyNoiseChurn,
  toUnit,
  uniformCodeBound,
  usageCeilings,
} from '../src/index.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const drawn = (seed: number, count: number, vocabulary: number) => {
  const generator = npRandom(seed);
  return Int32Array.from({ length: count }, () => generator.integers(vocabulary));
};

describe('code statistics', () => {
  test.prop([fc.integer({ min: 1, max: 50 }), fc.nat(200), seeds])('of a set', (vocabulary, count, seed) => {
    const tokens = drawn(seed, count, vocabulary);
    const statistics = datasetCodeStatistics(tokens, vocabulary);
    const usage = codeUsage(countCodes(tokens, vocabulary));
    expect(statistics).toMatchObject({
      datasetTokens: count,
      datasetPerplexity: usage.perplexity,
      deadCodes: usage.dead,
    });
    expect(statistics.datasetUsageCeiling).toBe(usageCeilings({ vocabulary, tokens: count }).usage);
    expect(2 ** statistics.entropy).toBeCloseTo(usage.perplexity, 9);
    expect(statistics.entropyCorrected).toBeGreaterThanOrEqual(
      Math.min(statistics.entropy, Math.log2(vocabulary)) - 1e-12,
    );
    expect(statistics.entropyCorrected).toBeLessThanOrEqual(Math.log2(vocabulary));
    expect(statistics.efficiency).toBeLessThanOrEqual(1 + 1e-12);
  });

  test("Miller's and Madow's correction removes most of the bias of small samples", () => {
    const [vocabulary, count, samples] = [32, 128, 400];
    const means = ['entropy', 'entropyCorrected'].map((name) => {
      let total = 0;
      for (let seed = 0; seed < samples; seed++)
        total += datasetCodeStatistics(drawn(seed, count, vocabulary), vocabulary)[name as 'entropy'];
      return 5 - total / samples;
    });
    expect(means[0]).toBeGreaterThan(0.15);
    expect(Math.abs(means[1]!)).toBeLessThan(0.03);
  });

  test('batches see fewer codes than the set, and say of how many tokens they speak', () => {
    const tokens = ndarray('int32', [64, 4], drawn(0, 256, 64));
    const batch = batchCodeStatistics(tokens, { vocabulary: 64, batch: 8 });
    const set = datasetCodeStatistics(tokens.data, 64);
    expect(batch.batchTokens).toBe(32);
    expect(batch.batchUsage).toBeLessThan(set.datasetUsage);
    expect(batch.batchUsageCeiling).toBe(usageCeilings({ vocabulary: 64, tokens: 32 }).usage);
    expect(batchCodeStatistics(tokens, { vocabulary: 64, batch: 64 }).batchPerplexity).toBeCloseTo(
      set.datasetPerplexity,
      9,
    );
    expect(() => batchCodeStatistics(tokens, { vocabulary: 64, batch: 65 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: batchCodeStatistics: expected a batch of 1 to 64 frames, got 65.]`,
    );
  });
});

test.prop([fc.integer({ min: 1, max: 254 }), seeds], { numRuns: 20 })(
  'a grey level of noise changes the tokens of a threshold at it and of no other',
  (level, seed) => {
    const encode = (threshold: number) => ({
      encode: ({ shape, data }: { shape: readonly number[]; data: unknown }) =>
        ndarray(
          'int32',
          shape,
          Int32Array.from(data as Float32Array, (x) => (Math.round(x * 255) > threshold ? 1 : 0)),
        ),
    });
    const frames = toUnit(ndarray('uint8', [2, 8, 8, 1], new Uint8Array(128).fill(level)));
    const churn = (threshold: number) => greyNoiseChurn(encode(threshold) as never, frames, npRandom(seed));
    expect(churn(level + 1)).toBe(0);
    expect(churn(level - 2)).toBe(0);
    // Half of the numbers go up.
    expect(Math.abs(churn(level) - 0.5)).toBeLessThan(0.3);
  },
);

test('noise leaves no byte as it was, at the ends neither', () => {
  const seen: number[] = [];
  const encoder = {
    encode: ({ shape, data }: { shape: readonly number[]; data: unknown }) => {
      const bytes = Int32Array.from(data as Float32Array, (x) => Math.round(x * 255));
      seen.push(...bytes);
      return ndarray('int32', shape, bytes);
    },
  };
  const frames = toUnit(ndarray('uint8', [1, 2, 2, 1], Uint8Array.of(0, 255, 7, 0)));
  expect(greyNoiseChurn(encoder as never, frames, npRandom(1))).toBe(1);
  expect(seen.slice(4)).toEqual([1, 254, expect.toSatisfy((x: number) => x === 6 || x === 8), 1]);
});

describe('likelihoods', () => {
  test.prop([fc.integer({ min: 1, max: 50 }), fc.double({ min: 0.01, max: 10, noNaN: true })])(
    'of the mean itself is the constant of the density',
    (dimensions, deviation) => {
      const density = (1 / (deviation * Math.sqrt(2 * Math.PI))) ** dimensions;
      expect(gaussianNll(0, { dimensions, deviation })).toBeCloseTo(-Math.log(density), 6);
      expect(
        gaussianNll(2 * deviation ** 2, { dimensions, deviation }) - gaussianNll(0, { dimensions, deviation }),
      ).toBeCloseTo(1, 9);
    },
  );

  test('bits a dimension: uniform bytes cost 8, whether as bytes or scaled', () => {
    expect(bitsPerDimension(3 * Math.log(256), 3)).toBeCloseTo(8, 12);
    expect(bitsPerDimension(0, 3, { levels: 256 })).toBe(8);
    expect(uniformCodeBound(1, { tokens: 4, vocabulary: 8 })).toBeCloseTo(1 + 12 * Math.LN2, 12);
    expect(() => gaussianNll(1, { dimensions: 1, deviation: 0 })).toThrow(ConfigError);
  });
});
