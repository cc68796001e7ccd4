// Lambda-returns against closed forms, and against the definition as a weighted mean of n-step returns.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { lambdaReturns } from '../src/index.ts';
import type { ReturnOptions, Stretch } from '../src/index.ts';

const number = fc.double({ min: -100, max: 100, noNaN: true }).map(Math.fround);
const share = fc.oneof(fc.constantFrom(0, 1, 0.5), fc.double({ min: 0, max: 1, noNaN: true }));
const stretch = fc.integer({ min: 0, max: 12 }).chain((steps) =>
  fc.record({
    rewards: fc.array(number, { minLength: steps, maxLength: steps }),
    values: fc.array(number, { minLength: steps + 1, maxLength: steps + 1 }),
    terminated: fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: steps, maxLength: steps }),
  }),
);

/**
 * Sutton and Barto 2018: the n-step return `G_{t:t+n}` (equation 12.1) and the lambda-return as its mean, weighted with `(1 - lambda) lambda^(n-1)` and with what
 * is left for the longest (12.3). A step into a terminal state is the longest there is, and nothing follows it.
 */
function byDefinition({ rewards, values, terminated }: Stretch, { gamma, lambda }: ReturnOptions): number[] {
  return Array.from(rewards, (_, t) => {
    let end = t;
    while (end < rewards.length - 1 && !terminated[end]) end++;
    const longest = end - t + 1;
    const nStep = (n: number) => {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += gamma ** k * rewards[t + k]!;
      return sum + (terminated[t + n - 1] ? 0 : gamma ** n * values[t + n]!);
    };
    let sum = lambda ** (longest - 1) * nStep(longest);
    for (let n = 1; n < longest; n++) sum += (1 - lambda) * lambda ** (n - 1) * nStep(n);
    return sum;
  });
}

/** Generalised advantages (arXiv 1506.02438, equation 16): the discounted sum of one-step errors. */
function generalisedAdvantages({ rewards, values, terminated }: Stretch, { gamma, lambda }: ReturnOptions): number[] {
  return Array.from(rewards, (_, t) => {
    let sum = 0;
    for (let l = t, weight = 1; l < rewards.length; l++, weight *= gamma * lambda) {
      sum += weight * (rewards[l]! + (terminated[l] ? 0 : gamma * values[l + 1]!) - values[l]!);
      if (terminated[l]) break;
    }
    return sum;
  });
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(actual[i]! - value) / (1 + Math.abs(value))).toBeLessThan(1e-4);
  }
}

describe('lambda-returns', () => {
  test.prop([stretch, share, share], { numRuns: 300 })(
    'are the weighted mean of n-step returns',
    (own, gamma, lambda) => {
      expectClose(lambdaReturns(own, { gamma, lambda }), byDefinition(own, { gamma, lambda }));
    },
  );

  test.prop([stretch, share, share], { numRuns: 300 })(
    'less the values are generalised advantages',
    (own, gamma, lambda) => {
      const advantages = Array.from(lambdaReturns(own, { gamma, lambda }), (g, t) => g - own.values[t]!);
      const expected = generalisedAdvantages(own, { gamma, lambda });
      for (const [t, value] of expected.entries()) expect(Math.abs(advantages[t]! - value)).toBeLessThan(0.02);
    },
  );

  test.prop([stretch, share])('with lambda 0 look one step ahead', (own, gamma) => {
    const { rewards, values, terminated } = own;
    const expected = rewards.map((reward, t) => reward + (terminated[t] ? 0 : gamma * values[t + 1]!));
    expectClose(lambdaReturns(own, { gamma, lambda: 0 }), expected);
  });

  test.prop([stretch, share])('with gamma 0 are the rewards', (own, lambda) => {
    expect([...lambdaReturns(own, { gamma: 0, lambda })].map((x) => x + 0)).toEqual(own.rewards.map((x) => x + 0));
  });

  test('with lambda 1 are the discounted sum and the value at the end', () => {
    const own = { rewards: [1, 2, 4], values: [9, 9, 9, 16], terminated: [0, 0, 0] };
    // 1 + 0.5 (2 + 0.5 (4 + 0.5 * 16)) = 5
    expect([...lambdaReturns(own, { gamma: 0.5, lambda: 1 })]).toEqual([5, 8, 12]);
  });

  test('of a truncated step go on with the value, of a terminated one end', () => {
    const own = { rewards: [1, 1], values: [0, 0, 100] };
    const options = { gamma: 1, lambda: 1 };
    expect([...lambdaReturns({ ...own, terminated: [0, 0] }, options)]).toEqual([102, 101]);
    expect([...lambdaReturns({ ...own, terminated: [0, 1] }, options)]).toEqual([2, 1]);
  });

  test('never let anything from behind an end through, whatever it is', () => {
    const own = { rewards: [1, 1e30, 1], values: [0, 1e30, 1e30, 1e30], terminated: [1, 0, 0] };
    expect(lambdaReturns(own, { gamma: 0.9, lambda: 0.9 })[0]).toBe(1);
    const none = { rewards: [1, 1], values: [0, NaN, 3], terminated: [1, 0] };
    expect(lambdaReturns(none, { gamma: 0.9, lambda: 0.9 })[0]).toBe(1);
  });

  test('of lengths that do not fit are an error', () => {
    expect(() =>
      lambdaReturns({ rewards: [1], values: [1], terminated: [0] }, { gamma: 1, lambda: 1 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: lambdaReturns: 1 rewards need 2 values and 1 ends, got 1 and 1.]`,
    );
    expect(() =>
      lambdaReturns({ rewards: [1], values: [1, 2], terminated: [] }, { gamma: 1, lambda: 1 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: lambdaReturns: 1 rewards need 2 values and 1 ends, got 2 and 0.]`,
    );
  });
});
