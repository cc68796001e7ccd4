// The rules of Breakout, one by one, on boards set up for them.
import { fc, test } from '@fast-check/vitest';
import { Breakout, breakoutActions } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import { boardOf, breakoutAt, bricksAt, change } from './board.ts';

const [noop, left, right] = [0, 1, 3];
const bricksInRow = (row: number): (readonly [number, number])[] =>
  Array.from({ length: 10 }, (_, column) => [row, column] as const);
const allBricks = [1, 2, 3].flatMap((row) => bricksInRow(row).map(([r, c]) => r * 10 + c));
const cellsOf = (bricks: Uint8Array): number[] =>
  [...bricks.entries()].filter(([, brick]) => brick === 1).map(([cell]) => cell);

describe('start', () => {
  test('is one of two, both likely, with three full rows of bricks', () => {
    const env = new Breakout();
    const sides = [0, 0];
    env.reset({ seed: 3 });
    for (let i = 0; i < 2000; i++) {
      env.reset();
      const { bricks, ...board } = boardOf(env);
      const side = board.ballColumn === 0 ? 0 : 1;
      sides[side]! += 1;
      const edge = [0, 9][side]!;
      expect(board).toMatchObject({ ballRow: 3, ballColumn: edge, trailRow: 3, trailColumn: edge, paddle: 4 });
      expect(board).toMatchObject({ directionRow: 1, directionColumn: [1, -1][side], strike: false, ended: false });
      expect(cellsOf(bricks)).toEqual(allBricks);
    }
    // Five standard errors of a fair coin thrown 2000 times.
    expect(Math.abs(sides[0]! - 1000)).toBeLessThan(5 * Math.sqrt(500));
  });

  test.each([
    [0, [5, 6]],
    [1, [4, 3]],
  ])('first descent from side %i is caught with the paddle at %o only', (side, caught) => {
    for (let paddle = 0; paddle < 10; paddle++) {
      const env = breakoutAt({ paddle });
      if (side === 1) change(env, { ballRow: 3, ballColumn: 9, directionColumn: -1 });
      const rows = Array.from({ length: 5 }, () => (env.step(noop), boardOf(env).ballRow));
      expect(rows).toEqual([4, 5, 6, 7, 8]);
      expect([paddle, env.step(noop).terminated]).toEqual([paddle, !caught.includes(paddle)]);
    }
  });

  test('standing still catches the right start and misses the left one', () => {
    const env = new Breakout({ stickyActions: 0 });
    for (let seed = 0; seed < 20; seed++) {
      env.reset({ seed });
      const fromLeft = boardOf(env).ballColumn === 0;
      const ends = Array.from({ length: 6 }, () => env.step(noop).terminated);
      expect(ends).toEqual([false, false, false, false, false, fromLeft]);
    }
  });
});

describe('paddle', () => {
  test.prop([fc.array(fc.nat({ max: 5 }), { maxLength: 30 })])(
    'moves one cell on left and right, within the board',
    (actions) => {
      // Far from the paddle the ball flies up and down between row 0 and the strike flag's absence: bricks away.
      const env = breakoutAt({ bricks: bricksAt([5, 5]), ballRow: 0, ballColumn: 5, directionRow: -1 });
      let paddle = 4;
      for (const action of actions) {
        if (env.step(action).terminated) break;
        const name = breakoutActions[action];
        paddle = Math.min(9, Math.max(0, paddle + (name === 'right' ? 1 : name === 'left' ? -1 : 0)));
        expect(boardOf(env).paddle).toBe(paddle);
      }
    },
  );

  test('moves before the ball: a ball in row 8 is caught by a paddle that arrives in this step', () => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 3, directionColumn: 1, paddle: 4 });
    expect(env.step(left).terminated).toBe(false);
    expect(boardOf(env)).toMatchObject({ paddle: 3, ballRow: 8, ballColumn: 4, directionRow: -1, directionColumn: 1 });
  });
});

describe('paddle test', () => {
  const at = (paddle: number, ballColumn: number, directionColumn: number): Breakout =>
    breakoutAt({ ballRow: 8, ballColumn, directionRow: 1, directionColumn, paddle });

  test('under the column the ball comes from: it turns upwards only', () => {
    const env = at(4, 4, 1);
    expect(env.step(noop)).toMatchObject({ reward: 0, terminated: false });
    expect(boardOf(env)).toMatchObject({ ballRow: 8, ballColumn: 5, directionRow: -1, directionColumn: 1 });
  });

  test('under the column it comes to: it turns both ways', () => {
    const env = at(5, 4, 1);
    expect(env.step(noop).terminated).toBe(false);
    expect(boardOf(env)).toMatchObject({ ballRow: 8, ballColumn: 5, directionRow: -1, directionColumn: -1 });
  });

  test.each([3, 6, 9])('elsewhere (paddle %i): the episode ends with the ball in row 9', (paddle) => {
    const env = at(paddle, 4, 1);
    expect(env.step(noop)).toMatchObject({ reward: 0, terminated: true, truncated: false });
    expect(boardOf(env)).toMatchObject({ ballRow: 9, ballColumn: 5, ended: true });
  });

  test('with a wall in the way the first test comes first, so the wall has turned the ball already', () => {
    const env = at(9, 9, 1);
    expect(env.step(noop).terminated).toBe(false);
    // Old and new column are both 9: turned at the wall, upwards by the first test, not turned back by the second.
    expect(boardOf(env)).toMatchObject({ ballRow: 8, ballColumn: 9, directionRow: -1, directionColumn: -1 });
  });
});

describe('walls', () => {
  test.each([
    [0, -1],
    [9, 1],
  ])('the side wall holds the ball in column %i for a step', (ballColumn, directionColumn) => {
    const env = breakoutAt({ ballRow: 5, ballColumn, directionColumn });
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 6, ballColumn, directionColumn: -directionColumn, directionRow: 1 });
  });

  test('the ceiling holds the ball in row 0 for a step', () => {
    const env = breakoutAt({ ballRow: 0, ballColumn: 4, directionRow: -1, directionColumn: 1 });
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 0, ballColumn: 5, directionRow: 1, directionColumn: 1 });
  });

  test('a corner turns both ways', () => {
    const env = breakoutAt({ ballRow: 0, ballColumn: 9, directionRow: -1, directionColumn: 1 });
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 0, ballColumn: 9, directionRow: 1, directionColumn: -1 });
  });
});

describe('bricks', () => {
  const rising = { ballRow: 4, ballColumn: 4, directionRow: -1, directionColumn: 1 };

  test('a brick in the way falls: +1, the ball keeps its row, takes the new column and turns', () => {
    const env = breakoutAt(rising);
    expect(env.step(noop).reward).toBe(1);
    expect(boardOf(env)).toMatchObject({
      ballRow: 4,
      ballColumn: 5,
      directionRow: 1,
      directionColumn: 1,
      strike: true,
    });
    expect(cellsOf(boardOf(env).bricks)).toEqual(allBricks.filter((cell) => cell !== 35));
    expect(boardOf(env).bricksLeft).toBe(29);
  });

  test('the one after it stands: the ball flies into it, and strike stays on', () => {
    const env = breakoutAt({ ...rising, strike: true });
    expect(env.step(noop).reward).toBe(0);
    expect(boardOf(env)).toMatchObject({ ballRow: 3, ballColumn: 5, directionRow: -1, strike: true, bricksLeft: 30 });
    // On through the next row, too, as its cells are never free of bricks.
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 2, ballColumn: 6, strike: true, bricksLeft: 30 });
  });

  test('a free cell in the way turns strike off, whatever else happens', () => {
    const env = breakoutAt({ ...rising, strike: true, bricks: bricksAt([1, 0]) });
    env.step(noop);
    expect(boardOf(env).strike).toBe(false);
    change(env, { strike: true, ballRow: 0, directionRow: -1 });
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ strike: false, ballRow: 0 });
    change(env, { strike: true, ballRow: 8, ballColumn: 4, directionRow: 1 });
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ strike: false });
  });

  test('the one the ball starts in stays until it is hit', () => {
    const env = breakoutAt();
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 4, ballColumn: 1, bricksLeft: 30 });
  });

  test('do not come back when the last one falls', () => {
    const env = breakoutAt({ ...rising, bricks: bricksAt([3, 5]) });
    expect(env.step(noop).reward).toBe(1);
    expect(boardOf(env).bricksLeft).toBe(0);
    env.step(noop);
    expect(boardOf(env)).toMatchObject({ ballRow: 5, bricksLeft: 0 });
  });

  test.each([
    ['caught', 4, false],
    ['missed', 0, true],
  ])('come back when the ball reaches row 9, %s', (_how, paddle, ends) => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle, bricks: bricksAt() });
    expect(env.step(noop)).toMatchObject({ reward: 0, terminated: ends });
    expect(cellsOf(boardOf(env).bricks)).toEqual(allBricks);
  });

  test('do not come back while one is left', () => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle: 4, bricks: bricksAt([1, 1]) });
    env.step(noop);
    expect(boardOf(env).bricksLeft).toBe(1);
  });
});

describe('after the end', () => {
  test.prop([fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 10 })])(
    'nothing changes, at reward 0',
    (actions) => {
      const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle: 0 });
      const last = env.step(noop);
      const before = boardOf(env);
      for (const action of actions) {
        const result = env.step(action);
        expect(result).toEqual({ ...last, reward: 0, info: { executedAction: action } });
        expect(boardOf(env)).toEqual({ ...before, executed: action });
      }
    },
  );

  test('the draw for stickiness still happens', () => {
    const env = breakoutAt({ ballRow: 8, ballColumn: 4, paddle: 0 }, { stickyActions: 0.5 });
    env.step(noop);
    const random = env.npRandom.getState();
    env.step(noop);
    expect(env.npRandom.getState()).not.toEqual(random);
  });
});

describe('sticky actions', () => {
  test.prop([
    fc.nat(),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 40 }),
  ])(
    'execute the action executed before when one uniform number is below the probability',
    (seed, stickyActions, actions) => {
      const env = new Breakout({ stickyActions });
      const twin = new Breakout();
      env.reset({ seed });
      twin.reset({ seed });
      let executed = 0;
      for (const action of actions) {
        if (!(twin.npRandom.random() < stickyActions)) executed = action;
        expect(env.step(action).info).toEqual({ executedAction: executed });
      }
    },
  );

  test('happen in a tenth of the steps', () => {
    const env = new Breakout();
    env.reset({ seed: 11 });
    let sticky = 0;
    for (let i = 0; i < 20_000; i++) {
      const action = i % 2 === 0 ? left : right;
      const { terminated, info } = env.step(action);
      if (info['executedAction'] !== action) sticky += 1;
      if (terminated) env.reset();
    }
    // A repeat can only be told from the action where it differs: after an even number of repeats in a row it does not, so 0.1 / 1.1.
    expect(Math.abs(sticky / 20_000 - 0.1 / 1.1)).toBeLessThan(5 * Math.sqrt(0.0909 / 20_000));
  });

  test('remember across a reset, but not across a seeded one', () => {
    const firstExecuted = (reset: (env: Breakout) => void): unknown => {
      const env = new Breakout({ stickyActions: 0 });
      env.reset({ seed: 0 });
      env.step(right);
      const sticky = new Breakout({ stickyActions: 1 });
      sticky.setState(env.getState());
      reset(sticky);
      return sticky.step(left).info['executedAction'];
    };
    expect(firstExecuted((env) => env.reset())).toBe(right);
    expect(firstExecuted((env) => env.reset({ seed: 0 }))).toBe(noop);
  });

  test('begin with no-op', () => {
    const env = new Breakout({ stickyActions: 1 });
    env.reset();
    expect(env.step(right).info['executedAction']).toBe(noop);
  });
});

test('a saved state stays as it was when bricks fall after it, and after it was restored', () => {
  const env = breakoutAt({ ballRow: 4, ballColumn: 4, directionRow: -1, directionColumn: 1 });
  const state = env.getState();
  const copy = structuredClone(state);
  expect(env.step(noop).reward).toBe(1);
  expect(state).toEqual(copy);
  env.setState(state);
  expect(env.step(noop).reward).toBe(1);
  expect(state).toEqual(copy);
});
