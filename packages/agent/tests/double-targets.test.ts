// Double Q-learning's targets, by hand and by their formula.
import { ndarray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { doubleTargets } from '../src/index.ts';
import type { DoubleSteps } from '../src/index.ts';
import { errorOf, floats } from './toy.ts';

const table = (rows: number, count: number, values: readonly number[]) =>
  ndarray('float32', [rows, count], Float32Array.from(values));

describe('double targets', () => {
  test('let one network choose and the other say what that is worth', () => {
    const online = table(4, 3, [1, 5, 2, 9, 0, 0, 4, 4, 1, 7, 8, 9]);
    const target = table(4, 3, [10, 20, 30, -8, 50, 60, 3, 100, 100, 1, 1, 1]);
    const steps = { rewards: [1, 0, -1, 1], terminated: [0, 0, 0, 1], online, target };
    // 1 + 20 / 2, 0 - 8 / 2, -1 + 3 / 2 (the first of two equals), and 1 alone: nothing follows an end.
    expect([...doubleTargets(steps, 0.5)]).toEqual([11, -4, 0.5, 1]);
  });

  test.prop([
    fc.integer({ min: 1, max: 8 }),
    fc.integer({ min: 1, max: 5 }),
    fc.nat(10_000),
    fc.double({ min: 0, max: 1, noNaN: true }),
  ])(
    'of a network with itself are those of Q-learning, and never above them with another',
    (rows, count, seed, gamma) => {
      const [own, other] = [floats([rows, count], seed), floats([rows, count], seed + 1)];
      const steps = { rewards: floats([rows], seed + 2).data, terminated: new Uint8Array(rows) };
      const [same, double] = [own, other].map((online) => doubleTargets({ ...steps, online, target: own }, gamma));
      for (let row = 0; row < rows; row++) {
        const best = Math.max(...own.data.subarray(row * count, (row + 1) * count));
        expect(same![row]).toBeCloseTo(steps.rewards[row]! + gamma * best, 5);
        expect(double![row]).toBeLessThanOrEqual(same![row]!);
      }
    },
  );

  test('refuses what does not fit', async () => {
    const good: DoubleSteps = {
      rewards: [1, 2],
      terminated: [0, 0],
      online: floats([2, 3], 0),
      target: floats([2, 3], 1),
    };
    const wrong = [{ terminated: [0] }, { online: floats([3, 3], 0) }, { target: floats([2, 2], 0) }, { rewards: [1] }];
    const messages = wrong.map(async (change) => errorOf(() => doubleTargets({ ...good, ...change }, 1)));
    expect((await Promise.all(messages)).join('\n')).toMatchInlineSnapshot(`
      "ShapeError: doubleTargets: 2 rewards need as many ends and rows of values, got 1, [2, 3] and [2, 3].
      ShapeError: doubleTargets: 2 rewards need as many ends and rows of values, got 2, [3, 3] and [2, 3].
      ShapeError: doubleTargets: 2 rewards need as many ends and rows of values, got 2, [2, 3] and [2, 2].
      ShapeError: doubleTargets: 1 rewards need as many ends and rows of values, got 2, [2, 3] and [2, 3]."
    `);
  });
});
