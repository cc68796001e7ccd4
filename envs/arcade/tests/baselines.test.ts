// Returns of simple policies against those measured on MinAtar's own package (and the exact one of Catch). They rest on every rule at once.
import { test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { Breakout, Catch } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';
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

describe('games after MinAtar, against the returns measured on its package', () => {
  // With `scripts/measure-returns.mjs` over 10,000 episodes all are within 3 combined standard errors; fewer and a fixed seed here.
  test.each([
    ['SpaceInvaders-v0', 3000, { mean: 2.79, error: 0.04, length: 50.6 }],
    ['Asterix-v0', 3000, { mean: 0.507, error: 0.012, length: 71.4 }],
    ['Freeway-v0', 60, { mean: 0.23, error: 0.07, length: 2501 }],
    ['Seaquest-v0', 6000, { mean: 0.097, error: 0.007, length: 30.2 }],
  ])('%s, random', (id, episodes, theirs) => {
    const chance = npRandom(5);
    const ours = playGame(id, episodes, () => chance.integers(6));
    expect(Math.abs(ours.mean - theirs.mean)).toBeLessThan(3 * Math.hypot(ours.error, theirs.error));
    expect(Math.abs(ours.length / theirs.length - 1)).toBeLessThan(0.06);
  });

  test('Freeway-v0, always up: 19.3', () => {
    const { mean, error } = playGame('Freeway-v0', 40, () => 2);
    expect(Math.abs(mean - 19.3)).toBeLessThan(3 * Math.hypot(error, 1.7));
    // Cars are as slow or as fast as they were drawn until the next goal, so episodes differ much.
    expect(Math.abs(error * Math.sqrt(40) - 13)).toBeLessThan(4);
  });

  test('no-op: the first alien bullet hits the cannon in step 17, cars never reach the chicken, the surface is safe', () => {
    const still = (id: string): Summary => playGame(id, 3, () => 0);
    expect(still('SpaceInvaders-v0')).toEqual({ mean: 0, error: 0, length: 17 });
    expect(still('Freeway-v0')).toEqual({ mean: 0, error: 0, length: 2501 });
    expect(still('Seaquest-v0')).toEqual({ mean: 0, error: 0, length: 10_000 });
  });

  function playGame(id: string, episodes: number, policy: () => number): Summary {
    const env = make(id, { cellSize: 1, disableEnvChecker: true });
    env.reset({ seed: 2019 });
    const returns: number[] = [];
    let steps = 0;
    for (let sum = 0; returns.length < episodes;) {
      const { reward, terminated, truncated } = env.step(policy());
      sum += reward;
      steps += 1;
      if (!terminated && !truncated) continue;
      returns.push(sum);
      sum = 0;
      env.reset();
    }
    return summarize(returns, steps);
  }
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
