// The rules of Space Invaders, one by one, on boards set up for them.
import { fc, test } from '@fast-check/vitest';
import type { RampingGameOptions } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import { actions, cellsAt, cellsOf, cellsSeen, playedAt } from './games.ts';
import type { Cell, Played, States } from './games.ts';

const { noop, left, up, right, down, fire } = actions;
const block: Cell[] = [0, 1, 2, 3].flatMap((row) => [2, 3, 4, 5, 6, 7].map((column) => [row, column] as const));
const at = (
  changes: Partial<States['SpaceInvaders']> = {},
  options: RampingGameOptions = {},
): Played<'SpaceInvaders'> => playedAt('SpaceInvaders', changes, options);
// Out of the way of everything, and no shots of its own for a while.
const quiet = { alienShotTimer: 1000 };
const far = cellsAt([0, 5]);

test('the start is always the same', () => {
  const { aliens, bullets, enemyBullets, ...state } = at().state();
  expect(cellsOf(aliens)).toEqual(block);
  expect(cellsOf(bullets)).toEqual([]);
  expect(cellsOf(enemyBullets)).toEqual([]);
  expect(state).toEqual({
    cannon: 5,
    alienDirection: -1,
    moveInterval: 12,
    moveTimer: 12,
    alienShotTimer: 10,
    shotTimer: 0,
    rampIndex: 0,
    ended: false,
    executed: 0,
  });
});

describe('cannon', () => {
  test.prop([fc.array(fc.nat({ max: 5 }), { maxLength: 40 })])('moves on left and right, within the board', (moves) => {
    const game = at({ ...quiet, aliens: far, moveTimer: 1000 });
    let cannon = 5;
    for (const action of moves) {
      game.step(action);
      cannon = Math.min(9, Math.max(0, cannon + (action === right ? 1 : action === left ? -1 : 0)));
      expect(game.state().cannon).toBe(cannon);
    }
  });

  test.each([
    [left, 0],
    [right, 9],
  ])('action %i twelve times brings it to column %i', (action, column) => {
    const game = at({ ...quiet, aliens: far, moveTimer: 1000 });
    for (let step = 0; step < 12; step++) game.step(action);
    expect(game.state().cannon).toBe(column);
  });

  test('fires from row 9: the bullet is first seen in row 8, goes up a row in each step, and leaves', () => {
    const game = at({ ...quiet, aliens: cellsAt([0, 0]), moveTimer: 1000, cannon: 3 });
    const rows = [8, 7, 6, 5, 4, 3, 2, 1, 0];
    for (const [i, row] of rows.entries()) {
      const { observation } = game.step(i === 0 ? fire : noop);
      expect(cellsSeen('SpaceInvaders', observation, 'friendly_bullet')).toEqual([[row, 3]]);
    }
    expect(cellsSeen('SpaceInvaders', game.step().observation, 'friendly_bullet')).toEqual([]);
  });

  test('fires again 5 steps after a shot', () => {
    const game = at({ ...quiet, aliens: cellsAt([0, 0]), moveTimer: 1000 });
    const shots = Array.from({ length: 12 }, () => {
      game.step(fire);
      return game.state().bullets[85] === 1;
    });
    expect(shots.flatMap((shot, i) => (shot ? [i] : []))).toEqual([0, 5, 10]);
  });

  test.each([up, down, noop])('does nothing on action %i', (action) => {
    const game = at(quiet);
    game.step(action);
    expect(game.state()).toMatchObject({ cannon: 5, shotTimer: 0 });
  });
});

describe('bullets of aliens', () => {
  test('come in steps 11, 21, 31, ... from the lowest alien of the column nearest to the cannon, first in its own cell', () => {
    const game = at({ aliens: cellsAt([0, 4], [2, 4], [1, 9]), moveTimer: 1000, cannon: 0 });
    // Those that fly are taken away before each step, so that each one seen is new.
    const shots = [...Array(31).keys()].map((i) => {
      game.change({ enemyBullets: cellsAt() });
      game.step(i === 0 ? left : noop);
      return cellsOf(game.state().enemyBullets);
    });
    expect(shots.flatMap((cells, i) => (cells.length > 0 ? [[i + 1, ...cells]] : []))).toEqual([
      [11, [2, 4]],
      [21, [2, 4]],
      [31, [2, 4]],
    ]);
  });

  test.each([
    [
      'the smaller column of two as near',
      [
        [0, 3],
        [0, 7],
      ],
      [0, 3],
    ],
    [
      'the nearer one though it is higher',
      [
        [5, 2],
        [0, 6],
      ],
      [0, 6],
    ],
    [
      'the one overhead',
      [
        [5, 4],
        [0, 5],
        [5, 6],
      ],
      [0, 5],
    ],
    [
      'the lowest, when one is far below',
      [
        [0, 9],
        [7, 9],
        [3, 9],
      ],
      [7, 9],
    ],
  ] as [string, Cell[], Cell][])('come from %s', (_which, aliens, shooter) => {
    const game = at({ aliens: cellsAt(...aliens), moveTimer: 1000, alienShotTimer: 0, cannon: 5 });
    game.step();
    expect(cellsOf(game.state().enemyBullets)).toEqual([shooter]);
    // It moves from the next step on.
    game.step();
    expect(cellsOf(game.state().enemyBullets)).toEqual([[shooter[0] + 1, shooter[1]]]);
  });

  test('end the episode in the cell of the cannon', () => {
    const game = at({ ...quiet, enemyBullets: cellsAt([7, 5]) });
    expect(game.step().terminated).toBe(false);
    expect(game.step()).toMatchObject({ terminated: true, truncated: false, reward: 0 });
  });

  test('meet a cannon that moves under them, and miss one that moves away', () => {
    expect(at({ ...quiet, enemyBullets: cellsAt([8, 6]) }).step(right).terminated).toBe(true);
    expect(at({ ...quiet, enemyBullets: cellsAt([8, 5]) }).step(right).terminated).toBe(false);
  });

  test('in row 9 are harmless: they leave before the next test, so driving into one is safe', () => {
    const game = at({ ...quiet, enemyBullets: cellsAt([9, 6]) });
    expect(game.step(right).terminated).toBe(false);
    expect(cellsOf(game.state().enemyBullets)).toEqual([]);
  });

  test('pass those of the cannon, in a cell and between two', () => {
    const game = at({
      ...quiet,
      aliens: cellsAt([0, 0]),
      bullets: cellsAt([5, 4], [6, 3]),
      enemyBullets: cellsAt([3, 4], [5, 3]),
    });
    game.step();
    expect(cellsOf(game.state().bullets)).toEqual([
      [4, 4],
      [5, 3],
    ]);
    expect(cellsOf(game.state().enemyBullets)).toEqual([
      [4, 4],
      [6, 3],
    ]);
    game.step();
    expect(cellsOf(game.state().bullets)).toEqual([
      [3, 4],
      [4, 3],
    ]);
    expect(cellsOf(game.state().enemyBullets)).toEqual([
      [5, 4],
      [7, 3],
    ]);
  });
});

describe('aliens', () => {
  const columns = (game: Played<'SpaceInvaders'>): string => {
    const cells = cellsOf(game.state().aliens);
    return [cells[0]!, cells.at(-1)!].join(' ');
  };

  test('first move in step 13, then in 25, both to the left; in 37 they turn and go down', () => {
    const game = at(quiet);
    let before = columns(game);
    const seen: unknown[] = [];
    for (let step = 1; step <= 49; step++) {
      game.step();
      if (columns(game) !== before) seen.push([step, (before = columns(game)), game.state().alienDirection]);
    }
    expect(seen).toEqual([
      [13, '0,1 3,6', -1],
      [25, '0,0 3,5', -1],
      [37, '1,0 4,5', 1],
      [49, '1,1 4,6', 1],
    ]);
  });

  test.each([1, 2, 5, 11, 12, 13, 24])('%i of them move every min(aliens, 12) steps', (count) => {
    const aliens = cellsAt(...block.slice(0, count));
    const game = at({ ...quiet, aliens, moveTimer: 0 });
    let before = String(aliens);
    const moved = game.stepsWhere(40, () => before !== (before = String(game.state().aliens)));
    const period = Math.min(count, 12);
    expect(moved).toEqual([...Array(40).keys()].map((i) => i + 1).filter((step) => (step - 1) % period === 0));
  });

  test('turn at the right edge as at the left one', () => {
    const game = at({ ...quiet, aliens: cellsAt([2, 9], [3, 4]), alienDirection: 1, moveTimer: 0 });
    game.step();
    expect(cellsOf(game.state().aliens)).toEqual([
      [3, 9],
      [4, 4],
    ]);
    expect(game.state().alienDirection).toBe(-1);
  });

  test.prop([fc.uniqueArray(fc.nat({ max: 79 }), { minLength: 1, maxLength: 30 }), fc.constantFrom(-1, 1)])(
    'all move together, one column or one row',
    (places, alienDirection) => {
      const aliens = cellsAt(...places.map((place) => [Math.floor(place / 10), place % 10] as const));
      const game = at({ ...quiet, aliens, alienDirection, moveTimer: 0, cannon: 0 });
      game.step();
      const edge = alienDirection < 0 ? 0 : 9;
      const turns = cellsOf(aliens).some(([, column]) => column === edge);
      const expected = cellsOf(aliens).map(([row, column]) =>
        turns ? [row + 1, column] : [row, column + alienDirection],
      );
      expect(cellsOf(game.state().aliens)).toEqual(expected);
      expect(game.state().alienDirection).toBe(turns ? -alienDirection : alienDirection);
    },
  );

  test('are seen in the channel of their direction', () => {
    for (const [alienDirection, seen, empty] of [
      [-1, 'alien_left', 'alien_right'],
      [1, 'alien_right', 'alien_left'],
    ] as const) {
      const { observation } = at({ ...quiet, alienDirection }).step();
      expect(cellsSeen('SpaceInvaders', observation, 'alien')).toEqual(block);
      expect(cellsSeen('SpaceInvaders', observation, seen)).toEqual(block);
      expect(cellsSeen('SpaceInvaders', observation, empty)).toEqual([]);
    }
  });

  test('end the episode in the cell of the cannon: driven into, or coming to it', () => {
    expect(at({ ...quiet, aliens: cellsAt([9, 6]) }).step(right).terminated).toBe(true);
    expect(at({ ...quiet, aliens: cellsAt([9, 6]), moveTimer: 0 }).step(noop).terminated).toBe(true);
    expect(at({ ...quiet, aliens: cellsAt([8, 5], [8, 0]), moveTimer: 0 }).step(noop).terminated).toBe(true);
  });

  test('in row 9 beside the cannon end it only when all go down again', () => {
    const game = at({ ...quiet, aliens: cellsAt([9, 1], [0, 1]), moveTimer: 0, cannon: 8 });
    expect(game.step().terminated).toBe(false);
    expect(cellsOf(game.state().aliens)).toEqual([
      [0, 0],
      [9, 0],
    ]);
    game.change({ moveTimer: 0 });
    expect(game.step().terminated).toBe(true);
  });
});

describe('hits', () => {
  test('take alien and bullet away, +1 for each', () => {
    const game = at({ ...quiet, aliens: cellsAt([3, 4], [2, 7], [0, 0]), bullets: cellsAt([4, 4], [3, 7], [3, 1]) });
    expect(game.step()).toMatchObject({ reward: 2, terminated: false });
    expect(cellsOf(game.state().aliens)).toEqual([[0, 0]]);
    expect(cellsOf(game.state().bullets)).toEqual([[2, 1]]);
  });

  test('an alien still fires in the step in which it is hit', () => {
    const game = at({ aliens: cellsAt([3, 5], [0, 0]), bullets: cellsAt([4, 5]), alienShotTimer: 0 });
    expect(game.step().reward).toBe(1);
    expect(cellsOf(game.state().enemyBullets)).toEqual([[3, 5]]);
  });

  test('a bullet directly below an alien passes it when the aliens go down in that step', () => {
    const game = at({ ...quiet, aliens: cellsAt([3, 4], [0, 0]), bullets: cellsAt([4, 4]), moveTimer: 0 });
    expect(game.step().reward).toBe(0);
    expect(cellsOf(game.state().aliens)).toEqual([
      [1, 0],
      [4, 4],
    ]);
    expect(cellsOf(game.state().bullets)).toEqual([[3, 4]]);
  });

  test('count in the step that ends the episode', () => {
    const game = at({
      ...quiet,
      aliens: cellsAt([3, 4], [0, 0]),
      bullets: cellsAt([4, 4]),
      enemyBullets: cellsAt([8, 5]),
    });
    expect(game.step()).toMatchObject({ reward: 1, terminated: true });
  });
});

describe('a new block', () => {
  const lastAlien = { ...quiet, aliens: cellsAt([3, 4]), bullets: cellsAt([4, 4]) };

  test('comes at once, with all else as it was, and lowers the move interval', () => {
    const game = at({ ...lastAlien, alienDirection: 1, moveTimer: 7, enemyBullets: cellsAt([2, 2]) });
    expect(game.step().reward).toBe(1);
    expect(cellsOf(game.state().aliens)).toEqual(block);
    expect(game.state()).toMatchObject({ alienDirection: 1, moveTimer: 6, moveInterval: 11, rampIndex: 1 });
    expect(cellsOf(game.state().enemyBullets)).toEqual([[3, 2]]);
  });

  test('lowers the interval six times, to 6', () => {
    const game = at(lastAlien);
    const intervals = Array.from({ length: 8 }, () => {
      game.change(lastAlien);
      const { info } = game.step();
      return [game.state().moveInterval, info['rampIndex']];
    });
    expect(intervals).toEqual([
      [11, 1],
      [10, 2],
      [9, 3],
      [8, 4],
      [7, 5],
      [6, 6],
      [6, 6],
      [6, 6],
    ]);
  });

  test('leaves the interval alone without difficultyRamping', () => {
    const game = at(lastAlien, { difficultyRamping: false });
    game.step();
    expect(cellsOf(game.state().aliens)).toEqual(block);
    expect(game.state()).toMatchObject({ moveInterval: 12, rampIndex: 0 });
  });
});

test.prop([fc.nat(), fc.nat(), fc.array(fc.nat({ max: 5 }), { maxLength: 60 })], { numRuns: 15 })(
  'nothing but stickiness is random',
  (seed, other, moves) => {
    const play = (from: number): unknown[] => {
      const game = at();
      game.env.reset({ seed: from });
      return moves.map((action) => game.step(action));
    };
    expect(play(seed)).toEqual(play(other));
  },
);
