// Statistics over seeds: laws of the interquartile mean and of the bootstrap, closed forms, and scipy's numbers.
import { ConfigError, NonFiniteError, npRandom } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { bootstrapInterval, interquartileMean, quantile } from '../src/index.ts';
import { errorOf } from './toy.ts';

const score = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const scores = fc.array(score, { minLength: 1, maxLength: 30 });
const tasks = fc.array(scores, { minLength: 1, maxLength: 4 });
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
/** Close enough for sums of numbers of this size. */
const near = (values: readonly number[]) => 1e-9 * (1 + Math.max(...values.map(Math.abs)));
const interval = (strata: readonly (readonly number[])[], seed = 0, samples = 200) =>
  bootstrapInterval(strata, { generator: npRandom(seed), samples });

describe('interquartile mean', () => {
  test.prop([scores, fc.integer({ min: 0 })])('does not see the order', (values, seed) => {
    expect(interquartileMean(npRandom(seed).permutation(values))).toBe(interquartileMean(values));
  });

  test.prop([scores, fc.double({ min: -100, max: 100, noNaN: true }), score])(
    'moves with the unit and the zero of the scores, and turns with their sign',
    (values, scale, shift) => {
      const moved = values.map((x) => scale * x + shift);
      const difference = interquartileMean(moved) - (scale * interquartileMean(values) + shift);
      expect(Math.abs(difference)).toBeLessThanOrEqual(100 * near([...values, shift]));
    },
  );

  test.prop([scores])('lies between the quartiles', (values) => {
    // Half of the weight lies between the scores at which the shares 1/4 and 3/4 are reached.
    const sorted = values.toSorted((a, b) => a - b);
    const found = interquartileMean(values);
    expect(found).toBeGreaterThanOrEqual(sorted[Math.floor(values.length / 4)]!);
    expect(found).toBeLessThanOrEqual(sorted[Math.ceil((3 * values.length) / 4) - 1]!);
  });

  test.prop([scores, fc.integer({ min: 2, max: 5 })])('does not see how often all scores come', (values, times) => {
    const repeated = Array.from({ length: times }, () => values).flat();
    expect(Math.abs(interquartileMean(repeated) - interquartileMean(values))).toBeLessThanOrEqual(near(values));
  });

  test.prop([fc.array(score, { minLength: 4, maxLength: 40 })])(
    'does not see how far the best quarter goes',
    (values) => {
      const sorted = values.toSorted((a, b) => a - b);
      const top = Math.floor(values.length / 4);
      const higher = sorted.map((x, i) => (i >= values.length - top ? x + 1e9 : x));
      expect(interquartileMean(higher)).toBe(interquartileMean(values));
    },
  );

  test('is that of scipy where 4 divides the count', () => {
    // scipy.stats.trim_mean([3.5, -1, 4, 1.25, -5, 9, 2, 6], 0.25), trim_mean([7, 1, 3, 2], 0.25)
    expect(interquartileMean([3.5, -1, 4, 1.25, -5, 9, 2, 6])).toBe(2.6875);
    expect(interquartileMean([7, 1, 3, 2])).toBe(2.5);
  });

  test('counts the scores on the border in part', () => {
    expect(interquartileMean([5])).toBe(5);
    expect(interquartileMean([1, 4])).toBe(2.5);
    expect(interquartileMean([0, 6, 30])).toBe((0.25 * 0 + 6 + 0.25 * 30) / 1.5);
    expect(interquartileMean([100, 10, 20, 30, -100])).toBeCloseTo((0.75 * 10 + 20 + 0.75 * 30) / 2.5, 12);
  });
});

describe('quantile', () => {
  test.prop([scores, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })])(
    'rises with its share, from the least value to the largest',
    (values, p, q) => {
      const [low, high] = [quantile(values, Math.min(p, q)), quantile(values, Math.max(p, q))];
      expect(low).toBeLessThanOrEqual(high + 1e-12 * Math.abs(high)); // up to rounding
      // Zeros of both signs are one number to a quantile.
      expect(quantile(values, 0) === Math.min(...values)).toBe(true);
      expect(quantile(values, 1) === Math.max(...values)).toBe(true);
    },
  );

  test('is that of numpy', () => {
    // np.quantile([3., 1., 4., 1., 5.], [.05, .25, .5, .9])
    const found = [0.05, 0.25, 0.5, 0.9].map((q) => quantile([3, 1, 4, 1, 5], q));
    for (const [i, expected] of [1, 1, 3, 4.6].entries()) expect(found[i]).toBeCloseTo(expected, 12);
    expect(quantile([], 0.5)).toBeNaN();
    expect(quantile([-Number.MAX_VALUE, Number.MAX_VALUE], 0.5)).toBe(0);
  });
});

describe('bootstrap interval', () => {
  test.prop([tasks, fc.integer({ min: 0 })], { numRuns: 30 })(
    'is a function of scores and generator',
    (strata, seed) => {
      const [low, high] = interval(strata, seed);
      expect(interval(strata, seed)).toEqual([low, high]);
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(Math.min(...strata.flat()));
      expect(high).toBeLessThanOrEqual(Math.max(...strata.flat()));
    },
  );

  test.prop([tasks, fc.constantFrom(0.25, 2, 1024)], { numRuns: 30 })('moves with the unit', (drawn, unit) => {
    // A power of two times a number is exact, but for those next to 0 that have no more bits to give.
    const strata = drawn.map((own) => own.map((x) => (Math.abs(x) < 1e-200 ? 0 : x)));
    const [low, high] = interval(strata);
    expect(interval(strata.map((own) => own.map((x) => x * unit)))).toEqual([low * unit, high * unit]);
  });

  test.prop([fc.array(fc.tuple(score, fc.integer({ min: 1, max: 9 })), { minLength: 1, maxLength: 4 })])(
    'is a point where the seeds of each task agree, however much tasks differ',
    (levels) => {
      const strata = levels.map(([value, seeds]) => Array.from({ length: seeds }, () => value));
      const point = interquartileMean(strata.flat());
      expect(interval(strata)).toEqual([point, point]);
    },
  );

  test('draws the shares of a coin as the binomial distribution has them', () => {
    const coin = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0];
    const statistic = (sample: readonly (readonly number[])[]) => mean(sample.flat());
    // scipy.stats.binom.ppf([.025, .975], 10, .4) / 10
    expect(bootstrapInterval([coin], { generator: npRandom(3), statistic, samples: 5000 })).toEqual([0.1, 0.7]);
    // scipy.stats.binom.ppf([.25, .75], 10, .4) / 10
    expect(bootstrapInterval([coin], { generator: npRandom(3), statistic, samples: 5000, level: 0.5 })).toEqual([
      0.3, 0.5,
    ]);
  });

  test('covers the true mean of normal scores as often as it should', () => {
    const generator = npRandom(7);
    const statistic = (sample: readonly (readonly number[])[]) => mean(sample.flat());
    const trials = 400;
    let inside = 0;
    for (let trial = 0; trial < trials; trial++) {
      const values = Array.from({ length: 20 }, () => 5 + generator.standardNormal());
      const [low, high] = bootstrapInterval([values], { generator, statistic, samples: 400 });
      if (low <= 5 && 5 <= high) inside++;
    }
    // 2 * scipy.stats.t.cdf(1.959964 * (19 / 20) ** .5, 19) - 1 = 0.9287; the deviation of this share is 0.013.
    expect(inside / trials).toBeGreaterThan(0.89);
    expect(inside / trials).toBeLessThan(0.967);
  });

  test('says what is wrong', async () => {
    const generator = npRandom(0);
    const wrong: (() => unknown)[] = [
      () => interquartileMean([]),
      () => interquartileMean([1, NaN]),
      () => bootstrapInterval([], { generator }),
      () => bootstrapInterval([[1], []], { generator }),
      () => bootstrapInterval([[1, Infinity]], { generator }),
      () => bootstrapInterval([[1]], { generator, level: 1 }),
      () => bootstrapInterval([[1]], { generator, level: NaN }),
      () => bootstrapInterval([[1]], { generator, samples: 0 }),
      () => bootstrapInterval([[1]], { generator, samples: 1.5 }),
    ];
    const messages = await Promise.all(wrong.map(async (call) => errorOf(async () => call())));
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "ConfigError: interquartileMean: expected at least one score, got none.
      NonFiniteError: interquartileMean: expected finite scores, got NaN.
      ConfigError: bootstrapInterval: expected scores of at least one task, got none.
      ConfigError: bootstrapInterval: expected at least one score, got none.
      NonFiniteError: bootstrapInterval: expected finite scores, got Infinity.
      ConfigError: bootstrapInterval: expected a level inside (0, 1), got 1.
      ConfigError: bootstrapInterval: expected a level inside (0, 1), got NaN.
      ConfigError: bootstrapInterval: expected a number of samples, 1 or more, got 0.
      ConfigError: bootstrapInterval: expected a number of samples, 1 or more, got 1.5."
    `);
    expect(() => interquartileMean([])).toThrow(ConfigError);
    expect(() => interquartileMean([-Infinity])).toThrow(NonFiniteError);
  });
});
