// Dropout: what is dropped is a function of the key, the expectation stays, and gradients pass where numbers do.
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import { f32, gradients, i32, sum } from '@tessera/engine';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { dropout, randomKey } from '../src/index.ts';
import { engines } from './backends.ts';

const ones = (count: number) => ndarray('float32', [count], new Float32Array(count).fill(1));

describe.each(engines)('dropout on %s', (_, engine) => {
  test.prop([fc.nat(1000), fc.double({ min: 0.01, max: 0.95, noNaN: true })], { numRuns: 15 })(
    'drops a share `rate`, scales the others, and its gradient is the mask itself',
    (seed, rate) => {
      const count = 4000;
      const program = engine.program('drop', { x: f32(count), key: i32(2) }, ({ x, key }) => {
        const y = dropout(x, { rate, key });
        return { y, slope: gradients(sum(y), [x])[0]! };
      });
      const key = randomKey(npRandom(seed));
      const { y, slope } = program.run({ x: ones(count), key });
      const kept = [...y.data].filter((value) => value !== 0);
      for (const value of kept) expect(value).toBeCloseTo(1 / (1 - rate), 4);
      // Five standard deviations of a binomial.
      const spread = 5 * Math.sqrt(count * rate * (1 - rate));
      expect(Math.abs(kept.length - count * (1 - rate))).toBeLessThanOrEqual(spread);
      expect(slope).toEqual(y);
      expect(program.run({ x: ones(count), key })).toEqual({ y, slope });
      expect(program.run({ x: ones(count), key: randomKey(npRandom(seed + 1)) }).y).not.toEqual(y);
      program.dispose();
    },
  );

  test('a rate of 0 is nothing, one outside of [0, 1) an error', () => {
    const program = engine.program('none', { x: f32(3), key: i32(2) }, ({ x, key }) => ({
      y: dropout(x, { rate: 0, key }),
    }));
    expect(program.run({ x: ones(3), key: randomKey(npRandom(0)) }).y).toEqual(ones(3));
    program.dispose();
    for (const rate of [-0.1, 1, 2, NaN]) {
      expect(() =>
        engine.program('p', { x: f32(3), key: i32(2) }, ({ x, key }) => ({ y: dropout(x, { rate, key }) })),
      ).toThrow(ConfigError);
    }
  });
});

test('keys are numbers of their generator', () => {
  const generator = npRandom(7);
  const [first, second] = [randomKey(generator), randomKey(generator)];
  expect(first.shape).toEqual([2]);
  expect(first).not.toEqual(second);
  expect(randomKey(npRandom(7))).toEqual(first);
});
