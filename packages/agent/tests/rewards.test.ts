// The two-hot code of rewards: there and back, in closed form and inside programs, and the slope of its loss.
import { ndarray } from '@tessera/core';
import { constant, f32, gradients, read, mean } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { symexp, symlog } from '../src/index.ts';
import { expectedReward, rewardHeads, twoHot } from '../src/world-model/rewards.ts';
import { engines, floats } from './toy.ts';

/** Rewards of every size that a game may pay, and some that none does. */
const reward = fc.oneof(
  fc.double({ min: -10, max: 10, noNaN: true }),
  fc.double({ min: -4e8, max: 4e8, noNaN: true }),
  fc.constantFrom(0, -0, 1, -1, 1e-9, -1e-9, 1e8),
);

test.prop([fc.double({ min: -1e12, max: 1e12, noNaN: true })])(
  'symexp is the inverse of symlog, odd and rising',
  (x) => {
    expect(symexp(symlog(x))).toBeCloseTo(x, 8 - Math.ceil(Math.log10(1 + Math.abs(x))));
    expect(symlog(-x)).toBe(-symlog(x));
    expect(symlog(x + Math.abs(x) * 1e-3 + 1e-3)).toBeGreaterThan(symlog(x));
  },
);

describe('two-hot', () => {
  test.prop([fc.array(reward, { minLength: 1, maxLength: 5 })])(
    'has two neighbours whose weights sum to 1 and whose mean is the reward',
    (rewards) => {
      const { data, shape } = twoHot(rewards);
      expect(shape).toEqual([rewards.length, 255]);
      for (const [row, own] of rewards.entries()) {
        const weights = [...data.subarray(row * 255, (row + 1) * 255)];
        const used = [...weights.keys()].filter((bin) => weights[bin] !== 0);
        expect(used.length === 1 || (used.length === 2 && used[1] === used[0]! + 1)).toBe(true);
        expect(weights.every((weight) => weight >= 0)).toBe(true);
        expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
        const mean = weights.reduce((sum, weight, bin) => sum + weight * (-20 + (40 * bin) / 254), 0);
        expect(mean).toBeCloseTo(symlog(own), 5);
      }
    },
  );

  test('of 0 is the bin in the middle, and of what is beyond e^20 the last one', () => {
    const at = (x: number) =>
      [...twoHot([x]).data].map((weight, bin) => [bin, weight]).filter(([, weight]) => weight !== 0);
    expect([at(0), at(1e30), at(-1e30), at(Infinity)]).toEqual([[[127, 1]], [[254, 1]], [[0, 1]], [[254, 1]]]);
  });

  for (const [name, engine] of engines) {
    test.prop([fc.array(reward, { minLength: 1, maxLength: 4 })], { numRuns: 20 })(
      `on ${name} logits of these weights expect the reward`,
      (rewards) => {
        const { shape, data } = twoHot(rewards);
        const logits = ndarray(
          'float32',
          shape,
          data.map((weight) => (weight > 0 ? Math.log(weight) : -1e3)),
        );
        const given = engine.state({}).eager(() => read(expectedReward(constant(logits))));
        // The sum of probabilities and places is right to about 1e-6 of 20, and a step in symlog is a factor.
        for (const [row, own] of rewards.entries()) {
          expect(Math.abs((given.data[row] as number) - own)).toBeLessThan(1e-4 * (1 + Math.abs(own)));
        }
      },
    );

    test(`on ${name} the slope of the loss is the probabilities less the weights, over the rows`, () => {
      const logits = floats([3, 255], 1);
      const targets = twoHot([-3, 0.2, 1000]);
      const state = engine.state({ logits });
      const program = state.program('loss', { targets: f32(3, 255) }, (x, tree) => {
        const loss = mean(rewardHeads['two-hot'].losses(tree.logits, x.targets));
        return { loss, slope: gradients(loss, [tree.logits])[0]! };
      });
      const out = program.run({ targets });
      let expected = 0;
      for (let row = 0; row < 3; row++) {
        const own = [...logits.data.subarray(row * 255, (row + 1) * 255)];
        const total = own.reduce((sum, x) => sum + Math.exp(x), 0);
        for (const [bin, x] of own.entries()) {
          const weight = targets.data[row * 255 + bin]!;
          expect(out.slope.data[row * 255 + bin]).toBeCloseTo((Math.exp(x) / total - weight) / 3, 6);
          expected -= (weight * Math.log(Math.exp(x) / total)) / 3;
        }
      }
      expect(out.loss.data[0]).toBeCloseTo(expected, 4);
    });
  }
});

test('the sign of a reward is a class of its own', () => {
  const given = rewardHeads.sign.targets(Float32Array.of(-7, 0, 0.5));
  expect([...given.data]).toEqual([0, 1, 2]);
  expect([...rewardHeads.sign.read(given)]).toEqual([-1, 0, 1]);
});
