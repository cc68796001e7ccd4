import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, npRandom } from '@tessera/core';
import { glorotUniform, heNormal, lecunNormal, normal, ones, uniform, zeros } from '../src/initialisers.ts';
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
