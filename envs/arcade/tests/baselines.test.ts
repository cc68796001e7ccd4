// Returns of simple policies against those measured on MinAtar's own package (and the exact one of Catch). They rest on every rule at once.
import { test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { Breakout, Catch } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import { boardOf } from './board.ts';
import type { BoardData } from './board.ts';

interface Summary {
  mean: number;
  error: number;
  length: number;
}

function summarize(returns: readonly number[], steps: number): Summary {
  const n = returns.length;
  const mean = returns.reduce((sum, x) => sum + x, 0) / n;
  const variance = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n), length: steps / n };
}

function play(episodes: number, cap: number, policy: (env: Breakout) => number): Summary {
  const env = new Breakout();
  env.reset({ seed: 2019 });
  const returns: number[] = [];
  let steps = 0;
  while (returns.length < episodes) {
    let sum = 0;
    for (let t = 0; t < cap; t++) {
      const { reward, terminated } = env.step(policy(env));
      sum += reward;
      steps += 1;
      if (terminated) break;
    }
    returns.push(sum);
    env.reset();
  }
  return summarize(returns, steps);
}

const towards = (target: number, paddle: number): number => (target > paddle ? 3 : target < paddle ? 1 : 0);
const clip = (column: number): number => Math.min(9, Math.max(0, column));
const follow = (target: (board: BoardData) => number) => (env: Breakout) => {
  const board = boardOf(env);
  return towards(target(board), board.paddle);
};

describe('Breakout', () => {
  test('random: 0.513, length 11.2', () => {
    const chance = npRandom(7);
    const { mean, error, length } = play(20_000, Infinity, () => chance.integers(6));
    // The measured mean has an error of its own, of the same size.
    expect(Math.abs(mean - 0.513)).toBeLessThan(4 * Math.hypot(error, 0.005));
    expect(Math.abs(length - 11.2)).toBeLessThan(0.3);
  });

  test('no-op: the right start is caught once, then the return is what the ball brings', () => {
    const { mean, error } = play(4000, Infinity, () => 0);
    expect(Math.abs(mean - 0.508)).toBeLessThan(4 * Math.hypot(error, 0.025));
  });

  test("to the ball's next column, held within the board: 57.7, and 34.2 when cut at 1000 steps", () => {
    const tracker = follow((board) => clip(board.ballColumn + board.directionColumn));
    const free = play(250, Infinity, tracker);
    expect(Math.abs(free.mean - 57.7)).toBeLessThan(4 * Math.hypot(free.error, 1.4));
    expect(Math.abs(free.length / 1488 - 1)).toBeLessThan(0.3);
    const cut = play(250, 1000, tracker);
    expect(Math.abs(cut.mean - 34.2)).toBeLessThan(4 * Math.hypot(cut.error, 0.8));
  });

  test("to the ball's present column: 8.3", () => {
    const { mean, error } = play(
      600,
      Infinity,
      follow((board) => board.ballColumn),
    );
    expect(Math.abs(mean - 8.3)).toBeLessThan(4 * Math.hypot(error, 0.4));
  });

  test('to the next column mirrored at the wall: 5.0', () => {
    const mirror = (column: number): number => (column < 0 ? 1 : column > 9 ? 8 : column);
    const { mean, error } = play(
      600,
      Infinity,
      follow((board) => mirror(board.ballColumn + board.directionColumn)),
    );
    expect(Math.abs(mean - 5)).toBeLessThan(4 * Math.hypot(error, 0.2));
  });
});

describe('Catch', () => {
  function playCatch(episodes: number, policy: (data: { ballColumn: number; paddle: number }) => number): Summary {
    const env = new Catch();
    env.reset({ seed: 1 });
    const returns: number[] = [];
    let steps = 0;
    while (returns.length < episodes) {
      const state = env.getState()['data'] as { ballColumn: number; paddle: number };
      const { reward, terminated } = env.step(policy(state));
      steps += 1;
      if (!terminated) continue;
      returns.push(reward);
      env.reset();
    }
    return summarize(returns, steps);
  }

  test.each([
    ['random', (chance: () => number) => chance()],
    ['no-op', () => 1],
  ] as const)('%s: -0.60 exactly, as a policy that is blind to the ball catches one in five', (_name, action) => {
    const chance = npRandom(3);
    const { mean, error, length } = playCatch(5000, () => action(() => chance.integers(3)));
    expect(Math.abs(mean + 0.6)).toBeLessThan(4 * error);
    expect(error).toBeLessThan(0.012);
    expect(length).toBe(9);
  });

  test('towards the ball: always +1', () => {
    expect(playCatch(500, ({ ballColumn, paddle }) => 1 + Math.sign(ballColumn - paddle))).toMatchObject({
      mean: 1,
      error: 0,
    });
  });
});
