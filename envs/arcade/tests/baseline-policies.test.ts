// The baselines that see frames: what they score, and that they act as a rule would that sees the state.
import { fc, test } from '@fast-check/vitest';
import { ConfigError, ShapeError, npRandom } from '@tessera/core';
import { Breakout, Catch, baselinePolicies } from '@tessera/env-arcade';
import type { FramePolicy } from '@tessera/env-arcade';
import { make } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { boardOf, bricksAt, breakoutAt } from './board.ts';
import { actions, cellsAt, names, newGame, playedAt } from './games.ts';
import type { Name } from './games.ts';

const catchPolicies = baselinePolicies('Catch-v0')!;
const breakoutPolicies = baselinePolicies('Breakout-v0')!;

/** Returns of episodes of at most `cap` steps. */
function play(env: Env<Uint8Array, number>, policy: FramePolicy, run: { episodes: number; cap?: number }): number[] {
  const { episodes, cap = Infinity } = run;
  let { observation } = env.reset({ seed: 5 });
  return Array.from({ length: episodes }, () => {
    let sum = 0;
    for (let t = 0; t < cap; t++) {
      const result = env.step(policy(observation));
      ({ observation } = result);
      sum += result.reward;
      if (result.terminated || result.truncated) break;
    }
    ({ observation } = env.reset());
    return sum;
  });
}

function summary(returns: readonly number[]): { mean: number; error: number } {
  const mean = returns.reduce((sum, x) => sum + x, 0) / returns.length;
  const squares = returns.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (returns.length - 1) / returns.length) };
}

describe('Catch', () => {
  test('under the ball: +1, always', () => {
    expect(play(new Catch(), catchPolicies.trivial.policy, { episodes: 500 }).every((sum) => sum === 1)).toBe(true);
  });

  test('no-op: -0.60 exactly, as each column of five is as likely', () => {
    const { mean, error } = summary(play(new Catch(), catchPolicies.noop, { episodes: 4000 }));
    expect(Math.abs(mean + 0.6)).toBeLessThan(3 * error);
    expect(error).toBeLessThan(0.014);
  });

  test.prop([fc.nat(), fc.array(fc.nat(2), { maxLength: 8 })])('acts as if it saw ball and paddle', (seed, actions) => {
    const env = new Catch();
    let { observation } = env.reset({ seed });
    for (const action of [...actions, 1]) {
      const { ballColumn, paddle } = env.getState()['data'] as { ballColumn: number; paddle: number };
      expect(catchPolicies.trivial.policy(observation)).toBe(1 + Math.sign(ballColumn - paddle));
      ({ observation } = env.step(action));
    }
  });
});

describe('Breakout', () => {
  const { policy } = breakoutPolicies.trivial;

  test('tracker: 51.1 +- 1.8 at 2500 steps and stickiness 0.1', () => {
    const { mean, error } = summary(play(new Breakout(), policy, { episodes: 200, cap: 2500 }));
    expect(Math.abs(mean - 51.1)).toBeLessThan(3 * Math.hypot(error, 1.8));
    expect(error).toBeLessThan(3.5);
  });

  test('no-op: 0.508 +- 0.025', () => {
    const { mean, error } = summary(play(new Breakout(), breakoutPolicies.noop, { episodes: 4000 }));
    expect(Math.abs(mean - 0.508)).toBeLessThan(3 * Math.hypot(error, 0.025));
  });

  test('tracker without stickiness: 21, then it plays in a circle', () => {
    const returns = play(new Breakout({ stickyActions: 0 }), policy, { episodes: 10, cap: 2500 });
    expect(summary(returns).mean).toBe(21);
  });

  // Half of the actions are the tracker's, so that games are long enough to see every kind of bounce, and half are anything.
  test.prop([fc.nat(), fc.constantFrom(1, 2, 3), fc.double({ min: 0, max: 0.4, noNaN: true })])(
    'acts as if it saw the ball, its direction and the paddle',
    (seed, cellSize, noise) => {
      const chance = npRandom(seed);
      const seeing = baselinePolicies('Breakout-v0', { cellSize })!.trivial.policy;
      const env = new Breakout({ cellSize });
      let { observation } = env.reset({ seed });
      for (let t = 0; t < 400; t++) {
        const { ballColumn, directionColumn, paddle, ended } = boardOf(env);
        const action = seeing(observation);
        if (!ended) {
          const target = Math.min(9, Math.max(0, ballColumn + directionColumn));
          expect(action).toBe(target > paddle ? 3 : target < paddle ? 1 : 0);
        }
        expect([0, 1, 3]).toContain(action);
        const result = env.step(chance.random() < noise ? chance.integers(6) : action);
        observation = result.terminated ? env.reset().observation : result.observation;
      }
    },
  );

  test('the ball that the paddle turns sideways goes back where it came from', () => {
    // From (8, 3) heading right the ball comes to column 4, where the paddle is.
    const env = breakoutAt({ ballRow: 8, ballColumn: 3, directionRow: 1, directionColumn: 1, paddle: 4 });
    const { observation } = env.step(0);
    expect(boardOf(env)).toMatchObject({ ballRow: 8, ballColumn: 4, directionColumn: -1 });
    expect(policy(observation)).toBe(1);
  });

  test('things that share a cell do not hide each other', () => {
    // Ball, trail and brick in one cell, as in the first frame; then ball and brick, trail and brick.
    const env = breakoutAt({
      ballRow: 3,
      ballColumn: 0,
      directionRow: -1,
      bricks: bricksAt([3, 0], [2, 1]),
      strike: true,
    });
    for (let t = 0; t < 2; t++) {
      const { observation } = env.step(0);
      const { ballColumn, directionColumn, paddle } = boardOf(env);
      expect(policy(observation)).toBe(ballColumn + directionColumn < paddle ? 1 : 0);
    }
  });
});

describe('games after MinAtar', () => {
  // Measured by scripts/measure-returns.mjs over 1000 episodes.
  test.each([
    ['SpaceInvaders-v0', 40, 40.9, 0.97],
    ['Asterix-v0', 25, 40.1, 0.73],
    ['Freeway-v0', 6, 62.99, 0.18],
    ['Seaquest-v0', 25, 42.3, 1.08],
  ])('%s: the simple rule scores what its page says', (id, episodes, mean, error) => {
    const kwargs = { cellSize: 1 };
    const env = make(id, { ...kwargs, disableEnvChecker: true }) as Env<Uint8Array, number>;
    const ours = summary(play(env, baselinePolicies(id, kwargs)!.trivial.policy, { episodes }));
    expect(Math.abs(ours.mean - mean)).toBeLessThan(3 * Math.hypot(ours.error, error));
    expect(ours.error).toBeLessThan(0.2 * mean);
  });

  test.prop([fc.constantFrom(...names), fc.nat(), fc.constantFrom(10, 20, 64)], { numRuns: 12 })(
    'a rule does the same with pictures as with channels',
    (name, seed, frameSize) => {
      const policyOf = (kwargs: object): FramePolicy => baselinePolicies(`${name}-v0`, { ...kwargs })!.trivial.policy;
      const [byPicture, byChannels] = [policyOf({ frameSize }), policyOf({ obsType: 'channels' })];
      const [pictures, channels] = [newGame(name, { obsType: 'rgb', frameSize }), newGame(name)];
      let shown = pictures.reset({ seed });
      let board = channels.reset({ seed });
      for (let t = 0; t < 200; t++) {
        const action = byPicture(shown.observation);
        expect(action).toBe(byChannels(board.observation));
        const [result, twin] = [pictures.step(action), channels.step(action)];
        [shown, board] = result.terminated ? [pictures.reset(), channels.reset()] : [result, twin];
      }
    },
  );

  const actOn = (name: Name, game: { env: Env<Uint8Array, number>; step: () => { observation: Uint8Array } }): number =>
    baselinePolicies(`${name}-v0`, { obsType: 'channels' })!.trivial.policy(game.step().observation);

  test('Space Invaders: fires under aliens, leaves the column of a bullet, goes to aliens', () => {
    const at = (changes: object): number =>
      actOn('SpaceInvaders', playedAt('SpaceInvaders', { alienShotTimer: 99, moveTimer: 99, ...changes }));
    expect(at({})).toBe(actions.fire);
    expect([actions.left, actions.right]).toContain(at({ enemyBullets: cellsAt([6, 5]) }));
    expect(at({ enemyBullets: cellsAt([6, 5], [6, 4]) })).toBe(actions.right);
    expect(at({ cannon: 0, aliens: cellsAt([1, 7]) })).toBe(actions.right);
    // A bullet in the next column: better to wait.
    expect(at({ cannon: 0, aliens: cellsAt([1, 7]), enemyBullets: cellsAt([6, 1]) })).toBe(actions.fire);
  });

  test('Freeway: goes up, but for a car that is about to come', () => {
    const lane = (column: number, direction: number, speed: number): number => {
      const lists = {
        columns: new Uint8Array(8),
        directions: new Int8Array(8).fill(-1),
        speeds: new Uint8Array(8).fill(5),
      };
      lists.columns[4] = column;
      lists.directions[4] = direction;
      lists.speeds[4] = speed;
      return actOn('Freeway', playedAt('Freeway', { row: 6, ...lists, timers: new Uint8Array(8).fill(99) }));
    };
    expect([lane(4, 1, 5), lane(3, 1, 5), lane(5, -1, 5), lane(2, 1, 1)]).toEqual([0, 0, 0, 0]);
    expect([lane(5, 1, 5), lane(3, -1, 5), lane(2, 1, 5), lane(0, 1, 1)]).toEqual([2, 2, 2, 2]);
  });

  test('Asterix: goes to gold, and not into the way of an enemy', () => {
    const row5 = (column: number, direction: number, kind: number): number => {
      const lists = { kinds: new Uint8Array(8), columns: new Int8Array(8), directions: new Int8Array(8) };
      lists.kinds[4] = kind;
      lists.columns[4] = column;
      lists.directions[4] = direction;
      return actOn('Asterix', playedAt('Asterix', { ...lists, spawnTimer: 99, moveTimer: 99 }));
    };
    expect(row5(8, 1, 2)).toBe(actions.right);
    expect(row5(2, -1, 2)).toBe(actions.left);
    expect([actions.up, actions.down]).toContain(row5(6, -1, 1));
    expect(row5(6, 1, 1)).toBe(actions.noop);
  });

  test('Seaquest: dives, shoots, and surfaces with a diver when air is short, but never with nobody aboard', () => {
    const at = (changes: object): number =>
      actOn('Seaquest', playedAt('Seaquest', { spawnTimer: 99, diverSpawnTimer: 99, ...changes }));
    const fish = [{ row: 4, column: 1, direction: -1, timer: 99 }];
    expect(at({})).toBe(actions.down);
    expect(at({ row: 4, surfaced: false, fish })).toBe(actions.fire);
    expect(at({ row: 4, surfaced: false, oxygen: 60, aboard: 1 })).toBe(actions.up);
    for (const oxygen of [1, 60, 200]) expect(at({ row: 1, surfaced: false, oxygen })).not.toBe(actions.up);
  });
});

test('games that it does not know, arguments and frames that are wrong', () => {
  expect(baselinePolicies('CartPole-v1')).toBeUndefined();
  expect(baselinePolicies('Breakout-v1')).toBeUndefined();
  expect(() => baselinePolicies('Breakout-v0', { cellSize: 2.5 })).toThrow(ConfigError);
  expect(() => baselinePolicies('Breakout-v0', { cellSize: '2' })).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: baselinePolicies: expected a whole number from 1 to 64 as cellSize, got 2.]`,
  );
  expect(() => breakoutPolicies.trivial.policy(new Uint8Array(12))).toThrow(ShapeError);
  expect(() => catchPolicies.trivial.policy(new Uint8Array(20 * 20 * 3))).toThrow(ShapeError);
  expect(breakoutPolicies.trivial.policy(new Uint8Array(20 * 20 * 3))).toBe(0);
  expect(catchPolicies.trivial.policy(new Uint8Array(40 * 40 * 3))).toBe(1);
});
