// Drawing actions: how often, which ones never, and how many numbers of the generator it takes.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { chooseActions } from '../src/index.ts';
import { logProbability } from '../src/behaviour/choose-actions.ts';

const rowsOf = (rows: readonly (readonly number[])[]): NdArray<'float32'> =>
  ndarray('float32', [rows.length, rows[0]!.length], Float32Array.from(rows.flat()));

const logit = fc.oneof(
  { weight: 4, arbitrary: fc.float({ min: -80, max: 80, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(-Infinity, -1e38, 1e38, 0) },
);
const logits = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
  .chain(([rows, count]) =>
    fc.array(fc.array(logit, { minLength: count, maxLength: count }), { minLength: rows, maxLength: rows }),
  )
  .filter((rows) => rows.every((row) => row.some((x) => x !== -Infinity)));

describe('chosen actions', () => {
  test('come as often as softmax says', () => {
    const row = [0.3, -1, 2, 0, -0.5];
    const draws = 20_000;
    const generator = npRandom(1);
    const { actions, logProbabilities } = chooseActions(rowsOf(Array.from({ length: draws }, () => row)), {
      generator,
    });
    const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
    let chiSquare = 0;
    for (const [action, x] of row.entries()) {
      const expected = (draws * Math.exp(x)) / total;
      const came = actions.filter((chosen) => chosen === action).length;
      chiSquare += (came - expected) ** 2 / expected;
    }
    // scipy.stats.chi2.ppf(0.999, 4) = 18.47
    expect(chiSquare).toBeLessThan(18.47);
    for (let i = 0; i < 50; i++) expect(logProbabilities[i]).toBeCloseTo(row[actions[i]!]! - Math.log(total), 5);
  });

  test.prop([logits, fc.nat()], { numRuns: 300 })(
    'can be chosen, have the probability they were drawn with, and take one number a row',
    (rows, seed) => {
      const generator = npRandom(seed);
      const { actions, logProbabilities } = chooseActions(rowsOf(rows), { generator });
      const again = npRandom(seed);
      for (const [i, row] of rows.entries()) {
        again.random();
        const own = Float32Array.from(row);
        expect(own[actions[i]!]).not.toBe(-Infinity);
        expect(logProbabilities[i]).toBeGreaterThan(-Infinity);
        expect(logProbabilities[i]).toBeLessThanOrEqual(0);
        expect(Math.abs(logProbability(own, actions[i]!) - logProbabilities[i]!)).toBeLessThan(1e-4);
      }
      expect(generator.getState()).toEqual(again.getState());
    },
  );

  test.prop([logits])('that are greedy are the first of the most likely, and draw nothing', (rows) => {
    const generator = npRandom(0);
    const { actions } = chooseActions(rowsOf(rows), { generator, greedy: true });
    expect([...actions]).toEqual(rows.map((row) => row.map(Math.fround).indexOf(Math.fround(Math.max(...row)))));
    expect(generator.getState()).toEqual(npRandom(0).getState());
  });

  test('are never impossible, whatever is drawn', () => {
    // Rounding can do to a number just below 1 what 1 does.
    for (const drawn of [0, 0.5, 1 - 2 ** -53, 1]) {
      const generator = Object.assign(npRandom(0), { random: () => drawn });
      const rows = rowsOf([
        [-Infinity, 0.1, 0.7, -Infinity],
        [-Infinity, -Infinity, 3, -Infinity],
      ]);
      const { actions } = chooseActions(rows, { generator });
      expect([1, 2]).toContain(actions[0]);
      expect(actions[1]).toBe(2);
    }
  });

  test.each([
    [NaN, 0],
    [0, NaN],
    [Infinity, 0],
    [-Infinity, -Infinity],
  ])('of logits %d, %d are an error', (a, b) => {
    const rows = rowsOf([
      [0, 0],
      [a, b],
    ]);
    for (const greedy of [false, true]) {
      expect(() => chooseActions(rows, { generator: npRandom(0), greedy })).toThrow(
        /^policy: expected finite logits, got .* in row 1\.$/,
      );
    }
  });
});
