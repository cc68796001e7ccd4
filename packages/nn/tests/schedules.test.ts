import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import { learningRateAt } from '../src/schedules.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const kinds = fc.constantFrom('constant' as const, 'linear' as const, 'cosine' as const);

describe('learningRateAt', () => {
  test.each([
    ['constant', 0, 1],
    ['constant', 1, 1],
    ['linear', 0, 1],
    ['linear', 0.25, 0.775],
    ['linear', 1, 0.1],
    ['cosine', 0, 1],
    ['cosine', 0.25, 0.1 + 0.9 * ((1 + Math.SQRT1_2) / 2)],
    ['cosine', 0.5, 0.55],
    ['cosine', 1, 0.1],
  ] as const)('%s at %d of the run is %d of the peak, when a tenth is left at the end', (decay, progress, share) => {
    const rate = learningRateAt({ peak: 2e-3, decay, end: decay === 'constant' ? 0 : 0.1 }, { step: 50, progress });
    expect(rate).toBeCloseTo(2e-3 * share, 12);
  });

  test('warms up by a straight line whose first step is not lost', () => {
    const rates = [0, 1, 2, 3, 4, 99].map((step) => learningRateAt({ peak: 8, warmup: 4 }, { step, progress: 0 }));
    expect(rates).toEqual([2, 4, 6, 8, 8, 8]);
  });

  test('warm-up multiplies the decay', () => {
    expect(learningRateAt({ peak: 8, warmup: 4, decay: 'linear' }, { step: 1, progress: 0.5 })).toBe(2);
  });

  test.prop([unit, unit, kinds, unit, unit])('falls from the peak to the end', (peak, end, decay, a, b) => {
    const at = (progress: number) => learningRateAt({ peak, decay, end }, { step: 0, progress });
    const [early, late] = a < b ? [a, b] : [b, a];
    expect(at(early) + 1e-12).toBeGreaterThanOrEqual(at(late));
    expect(at(late)).toBeLessThanOrEqual(peak * (1 + 1e-12));
    expect(at(late)).toBeGreaterThanOrEqual((decay === 'constant' ? 1 : end) * peak * (1 - 1e-12));
  });

  test.prop([kinds])('progress beyond the run is held at its ends', (decay) => {
    const at = (progress: number) => learningRateAt({ peak: 1, decay, end: 0.2 }, { step: 0, progress });
    expect(at(7)).toBe(at(1));
    expect(at(-7)).toBe(at(0));
  });

  test('wrong settings', () => {
    const at = (options: object, progress = 0) => learningRateAt({ peak: 1, ...options }, { step: 0, progress });
    expect(() => at({ peak: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: schedule: expected a peak >= 0 and an end in [0, 1], got -1 and 0.]`,
    );
    expect(() => at({ decay: 'cosin' })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: schedule: expected a decay out of constant, linear, cosine, got 'cosin'. Did you mean 'cosine'?]`,
    );
    expect(() => at({ warmup: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: schedule: expected a warm-up of at least 0 updates, got -1.]`,
    );
    expect(() => at({}, NaN)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: schedule: expected a progress in [0, 1], got NaN.]`,
    );
    expect(() => at({ end: 1.5 })).toThrow(ConfigError);
    expect(() => at({ peak: NaN })).toThrow(ConfigError);
    expect(() => at({ peak: Infinity })).toThrow(ConfigError);
    expect(() => at({ end: NaN })).toThrow(ConfigError);
  });
});
