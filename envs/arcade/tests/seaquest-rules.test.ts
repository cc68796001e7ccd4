// The rules of Seaquest, one by one, on boards set up for them.
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import type { RampingGameOptions } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import type { SeaquestBullet, SeaquestSub, SeaquestSwimmer } from '../src/seaquest-state.ts';
import { actions, cellsSeen, playedAt } from './games.ts';
import type { Played, States } from './games.ts';

const { noop, left, up, right, down, fire } = actions;
const at = (changes: Partial<States['Seaquest']> = {}, options: RampingGameOptions = {}): Played<'Seaquest'> =>
  playedAt('Seaquest', changes, options);

// Nothing enters, and nothing moves by itself, for a long time.
const quiet = { spawnTimer: 1000, diverSpawnTimer: 1000 };
const swimmer = (row: number, column: number, direction = 1, timer = 100): SeaquestSwimmer => ({
  row,
  column,
  direction,
  timer,
});
const sub = (row: number, column: number, direction = 1, timer = 100, shotTimer = 100): SeaquestSub => ({
  ...swimmer(row, column, direction, timer),
  shotTimer,
});
const bullet = (row: number, column: number, direction = 1): SeaquestBullet => ({ row, column, direction });
const diving = { ...quiet, row: 4, column: 5, surfaced: false };

test('the start is always the same', () => {
  expect(at().state()).toEqual({
    row: 0,
    column: 5,
    facing: -1,
    oxygen: 200,
    aboard: 0,
    surfaced: true,
    spawnPeriod: 20,
    spawnTimer: 20,
    diverSpawnTimer: 30,
    moveValue: 5,
    shotTimer: 0,
    rampIndex: 0,
    bullets: [],
    divers: [],
    subs: [],
    enemyBullets: [],
    fish: [],
    ended: false,
    executed: 0,
  });
});

describe('submarine', () => {
  test.prop([fc.array(fc.nat({ max: 5 }), { maxLength: 60 })])(
    'moves one cell within rows 0 to 8, turns on left and right, also when held, and has its back on the board',
    (moves) => {
      const game = at({ ...quiet, aboard: 1 });
      let [row, column, facing] = [0, 5, -1];
      for (const action of moves) {
        // A diver is always aboard, so surfacing does not end it.
        game.change({ aboard: 1 });
        const { observation } = game.step(action);
        row = Math.min(8, Math.max(0, row + Number(action === down) - Number(action === up)));
        column = Math.min(9, Math.max(0, column + Number(action === right) - Number(action === left)));
        if (action === left) facing = -1;
        if (action === right) facing = 1;
        expect(game.state()).toMatchObject({ row, column, facing });
        expect(cellsSeen('Seaquest', observation, 'sub_front')).toEqual([[row, column]]);
        expect(cellsSeen('Seaquest', observation, 'sub_back')).toEqual([[row, column - facing]]);
      }
    },
  );

  test.each([
    [left, { row: 4, column: 0 }],
    [up, { row: 0, column: 5 }],
    [right, { row: 4, column: 9 }],
    [down, { row: 8, column: 5 }],
  ])('action %i twelve times brings it to an edge: %o', (action, edge) => {
    const game = at({ ...diving, aboard: 1 });
    for (let step = 0; step < 12; step++) game.step(action);
    expect(game.state()).toMatchObject(edge);
  });

  test.each([-1, 1])('fires the way it faces (%i): the bullet goes a cell a step, the first one at once', (facing) => {
    const game = at({ ...diving, facing });
    expect(cellsSeen('Seaquest', game.step(fire).observation, 'friendly_bullet')).toEqual([[4, 5 + facing]]);
    expect(cellsSeen('Seaquest', game.step().observation, 'friendly_bullet')).toEqual([[4, 5 + 2 * facing]]);
    for (let step = 0; step < 4; step++) game.step();
    expect(game.state().bullets).toEqual([]);
  });

  test('fires again 5 steps after a shot', () => {
    const game = at(diving);
    const shots = Array.from({ length: 12 }, () => {
      game.change({ bullets: [] });
      game.step(fire);
      return game.state().bullets.length;
    });
    expect(shots.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([0, 5, 10]);
  });
});

describe('own bullets', () => {
  test('take a fish away, and themselves: +1', () => {
    const game = at({ ...diving, bullets: [bullet(2, 3)], fish: [swimmer(2, 4), swimmer(2, 8)] });
    expect(game.step().reward).toBe(1);
    expect(game.state()).toMatchObject({ bullets: [], fish: [{ column: 8 }] });
  });

  test('take the oldest fish of a cell before any enemy submarine there, one for each bullet', () => {
    const game = at({
      ...diving,
      bullets: [bullet(2, 3)],
      fish: [swimmer(2, 4, 1, 50), swimmer(2, 4, 1, 60)],
      subs: [sub(2, 4)],
    });
    expect(game.step().reward).toBe(1);
    expect(game.state().fish.map(({ timer }) => timer)).toEqual([59]);
    expect(game.state().subs).toHaveLength(1);
    game.change({ bullets: [bullet(2, 3)], fish: [] });
    expect(game.step().reward).toBe(1);
    expect(game.state()).toMatchObject({ bullets: [], subs: [] });
  });

  test('are met by enemies that move into their cell: +1', () => {
    // The bullet is in its new cell first: from 6 to 5 while the fish comes from 4 to 5.
    const game = at({ ...diving, row: 8, bullets: [bullet(2, 6, -1)], fish: [swimmer(2, 4, 1, 0)] });
    expect(game.step().reward).toBe(1);
    expect(game.state()).toMatchObject({ bullets: [], fish: [] });
    const other = at({ ...diving, row: 8, bullets: [bullet(2, 6, -1)], subs: [sub(2, 4, 1, 0)] });
    expect(other.step().reward).toBe(1);
    expect(other.state()).toMatchObject({ bullets: [], subs: [] });
  });

  test('pass those of enemies, and divers', () => {
    const game = at({ ...diving, bullets: [bullet(2, 3)], enemyBullets: [bullet(2, 5, -1)], divers: [swimmer(2, 4)] });
    expect(game.step().reward).toBe(0);
    expect(game.state()).toMatchObject({
      bullets: [{ column: 4 }],
      enemyBullets: [{ column: 4 }],
      divers: [{ column: 4 }],
    });
  });

  test('leave at the edges', () => {
    const game = at({ ...diving, bullets: [bullet(1, 0, -1), bullet(2, 9, 1)] });
    game.step();
    expect(game.state().bullets).toEqual([]);
  });
});

describe('divers', () => {
  test('come aboard when the front comes to them, and when they come to the front', () => {
    const game = at({ ...diving, divers: [swimmer(4, 4)] });
    game.step(left);
    expect(game.state()).toMatchObject({ aboard: 1, divers: [] });
    game.change({ divers: [swimmer(4, 3, 1, 0)] });
    game.step();
    expect(game.state()).toMatchObject({ aboard: 2, divers: [] });
  });

  test('do not at the back, and not when six are aboard', () => {
    const game = at({ ...diving, facing: -1, divers: [swimmer(4, 6)] });
    game.step();
    expect(game.state()).toMatchObject({ aboard: 0, divers: [{ column: 6 }] });
    game.change({ aboard: 6, divers: [swimmer(4, 5), swimmer(4, 4, 1, 0)] });
    game.step();
    expect(game.state()).toMatchObject({ aboard: 6, divers: [{ column: 5 }, { column: 5 }] });
  });

  test('count singly up to six', () => {
    const game = at({ ...diving, aboard: 5, divers: [swimmer(4, 5, 1, 1), swimmer(4, 5, 1, 2)] });
    game.step();
    // The newest comes first.
    expect(game.state()).toMatchObject({ aboard: 6, divers: [{ timer: 0 }] });
  });

  test('move every 6 steps, and leave at the edge', () => {
    const game = at({ ...diving, divers: [swimmer(1, 7, 1, 5)] });
    const columns = Array.from({ length: 18 }, () => (game.step(), game.state().divers[0]?.column));
    expect(columns).toEqual([...Array(5).fill(7), ...Array(6).fill(8), ...Array(6).fill(9), undefined]);
  });
});

describe('enemies', () => {
  test.each(['fish', 'subs'] as const)('%s move every (move value + 1) steps, and leave at the edge', (kind) => {
    const enemy = { ...sub(1, 8, 1, 5), shotTimer: 1000 };
    const game = at({ ...diving, [kind]: [enemy] });
    const columns = Array.from({ length: 12 }, () => (game.step(), game.state()[kind][0]?.column));
    expect(columns).toEqual([...Array(5).fill(8), ...Array(6).fill(9), undefined]);
    const fast = at({ ...diving, moveValue: 2, [kind]: [{ ...enemy, column: 0, timer: 2 }] });
    const moves = fast.stepsWhere(9, () => fast.state()[kind][0]!.timer === 2);
    expect(moves).toEqual([3, 6, 9]);
  });

  test.each(['fish', 'subs'] as const)('%s end the episode in the front cell, standing or coming', (kind) => {
    expect(at({ ...diving, [kind]: [sub(4, 4)] }).step(left)).toMatchObject({ terminated: true, truncated: false });
    expect(at({ ...diving, [kind]: [sub(4, 4, 1, 0)] }).step().terminated).toBe(true);
    // Before they move, too, so changing places is no way out.
    expect(at({ ...diving, [kind]: [sub(4, 4, 1, 0)] }).step(left).terminated).toBe(true);
  });

  test('do nothing at the back', () => {
    const game = at({
      ...diving,
      facing: -1,
      fish: [swimmer(4, 6)],
      subs: [sub(4, 6)],
      enemyBullets: [bullet(4, 5, 1)],
    });
    game.change({ enemyBullets: [bullet(4, 7, 1)] });
    expect(game.step().terminated).toBe(false);
  });

  test('fire their first shot 10 steps after they entered, then every 11 steps, seen one cell ahead of them', () => {
    const game = at({ ...diving, row: 8, subs: [sub(1, 0, 1, 100, 10)] });
    const shots: unknown[] = [];
    for (let step = 1; step <= 40; step++) {
      const { observation } = game.step();
      for (const cell of cellsSeen('Seaquest', observation, 'enemy_bullet')) shots.push([step, cell]);
      game.change({ enemyBullets: [] });
    }
    // The step of entering is the first of these.
    expect(shots).toEqual([11, 22, 33].map((step) => [step, [1, 1]]));
  });

  test('that are shot, or leave, still fire in that step', () => {
    const hit = at({ ...diving, row: 8, bullets: [bullet(2, 6, -1)], subs: [sub(2, 4, 1, 0, 0)] });
    expect(hit.step().reward).toBe(1);
    expect(hit.state()).toMatchObject({ subs: [], enemyBullets: [{ row: 2, column: 6 }] });
    const gone = at({ ...diving, row: 8, subs: [sub(2, 9, 1, 0, 0)] });
    gone.step();
    expect(gone.state()).toMatchObject({ subs: [], enemyBullets: [] });
  });

  test('that a bullet took before they were updated do not', () => {
    const game = at({ ...diving, row: 8, bullets: [bullet(2, 3)], subs: [sub(2, 4, 1, 0, 0)] });
    expect(game.step().reward).toBe(1);
    expect(game.state()).toMatchObject({ subs: [], enemyBullets: [] });
  });
});

describe('bullets of enemies', () => {
  test('go one cell a step and leave at the edge', () => {
    const game = at({ ...diving, enemyBullets: [bullet(1, 8, 1), bullet(2, 1, -1)] });
    game.step();
    expect(game.state().enemyBullets.map(({ column }) => column)).toEqual([9, 0]);
    game.step();
    expect(game.state().enemyBullets).toEqual([]);
  });

  test('end the episode in the front cell, before or after they move', () => {
    expect(at({ ...diving, enemyBullets: [bullet(4, 4, 1)] }).step().terminated).toBe(true);
    expect(at({ ...diving, enemyBullets: [bullet(4, 4, 1)] }).step(left).terminated).toBe(true);
    expect(at({ ...diving, enemyBullets: [bullet(4, 4, 1)] }).step(up).terminated).toBe(false);
  });
});

test('what is hit in the step that ends the episode still counts', () => {
  const game = at({
    ...diving,
    enemyBullets: [bullet(4, 4, 1)],
    bullets: [bullet(2, 6, -1)],
    fish: [swimmer(2, 4, 1, 0)],
  });
  expect(game.step()).toMatchObject({ reward: 1, terminated: true });
});

describe('entering', () => {
  test('enemies enter in steps 21, 41, ..., divers in 31, 61, ...; both first move 5 steps later', () => {
    const game = at();
    const seen: string[] = [];
    for (let step = 1; step <= 66; step++) {
      game.step();
      const { fish, subs, divers } = game.state();
      const enemies = [...fish, ...subs];
      if (enemies.length > 0) seen.push(`enemy ${step}`);
      if (divers.length > 0) seen.push(`diver ${step}`);
      for (const { timer, column, direction } of [...enemies, ...divers]) {
        expect([timer, column]).toEqual([4, direction > 0 ? 0 : 9]);
      }
      game.change({ fish: [], subs: [], divers: [] });
    }
    expect(seen).toEqual(['enemy 21', 'diver 31', 'enemy 41', 'enemy 61', 'diver 61']);
    const mover = at({ spawnTimer: 0 });
    const moved = mover.stepsWhere(12, () => {
      const [enemy] = [...mover.state().fish, ...mover.state().subs];
      return enemy!.column === (enemy!.direction > 0 ? 1 : 8);
    });
    expect(moved).toEqual([6, 7, 8, 9, 10, 11]);
  });

  test.prop([fc.nat(), fc.integer({ min: 2, max: 5 })])(
    'draws side, kind and row of an enemy, then side and row of a diver',
    (seed, moveValue) => {
      const game = at();
      game.env.reset({ seed });
      game.change({ spawnTimer: 0, diverSpawnTimer: 0, spawnPeriod: 7, moveValue });
      const twin = npRandom(seed);
      twin.random();
      const direction = twin.random() < 0.5 ? 1 : -1;
      const isSub = twin.random() < 1 / 3;
      const row = twin.integers(1, 9);
      const diverDirection = twin.random() < 0.5 ? 1 : -1;
      const diverRow = twin.integers(1, 9);
      game.step();
      const column = direction > 0 ? 0 : 9;
      const enemy = { row, column, direction, timer: moveValue - 1 };
      expect(game.state()).toMatchObject({
        fish: isSub ? [] : [enemy],
        subs: isSub ? [{ ...enemy, shotTimer: 9 }] : [],
        divers: [{ row: diverRow, column: diverDirection > 0 ? 0 : 9, direction: diverDirection, timer: 4 }],
        spawnTimer: 6,
        diverSpawnTimer: 29,
      });
      expect(game.env.npRandom.getState()).toEqual(twin.getState());
    },
  );

  test.each(['fish', 'subs'] as const)('is denied to an enemy where %s of its row go the other way', (kind) => {
    let entered = 0;
    for (let seed = 0; seed < 60; seed++) {
      const game = at();
      game.env.reset({ seed });
      const all = [1, 2, 3, 4, 5, 6, 7, 8].map((row) => sub(row, 5, 1));
      game.change({ spawnTimer: 0, diverSpawnTimer: 1000, [kind]: all });
      game.step();
      const enemies = [...game.state().fish, ...game.state().subs];
      expect(enemies.every(({ direction }) => direction === 1)).toBe(true);
      expect(game.state().spawnTimer).toBe(19);
      entered += enemies.length - all.length;
    }
    // Half of them come from either side.
    expect(Math.abs(entered - 30)).toBeLessThan(5 * Math.sqrt(15));
  });

  test('is not denied to divers', () => {
    for (let seed = 0; seed < 10; seed++) {
      const game = at();
      game.env.reset({ seed });
      const all = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((row) => [swimmer(row, 5, 1), swimmer(row, 6, -1)]);
      game.change({ spawnTimer: 1000, diverSpawnTimer: 0, fish: all });
      game.step();
      expect(game.state().divers).toHaveLength(1);
    }
  });
});

describe('oxygen', () => {
  test('is used below row 0 only', () => {
    const game = at(quiet);
    for (let step = 0; step < 5; step++) game.step();
    expect(game.state()).toMatchObject({ oxygen: 200, surfaced: true });
    game.step(down);
    expect(game.state()).toMatchObject({ oxygen: 199, surfaced: false });
    game.step(down);
    expect(game.state().oxygen).toBe(198);
  });

  test('lasts 200 steps; the 201st after diving ends the episode, even with the surface reached and a diver aboard', () => {
    const dive = (end: number): Played<'Seaquest'> => {
      const game = at({ ...quiet, aboard: 1 });
      game.step(down);
      for (let step = 2; step <= 200; step++) expect(game.step().terminated).toBe(false);
      expect(game.state().oxygen).toBe(0);
      expect(game.step(end).terminated).toBe(true);
      return game;
    };
    dive(noop);
    expect(dive(up).state().row).toBe(0);
  });

  test('fills the gauge with a cell for each full 20 units: ten of them at 200 only', () => {
    for (const [oxygen, cells] of [
      [200, 10],
      [199, 9],
      [181, 9],
      [180, 9],
      [179, 8],
      [20, 1],
      [19, 0],
      [0, 0],
    ] as const) {
      const game = at({ ...quiet, oxygen });
      const { observation } = game.step();
      expect(cellsSeen('Seaquest', observation, 'oxygen_gauge')).toEqual(
        Array.from({ length: cells }, (_, column) => [9, column]),
      );
    }
  });

  test('a policy that stays at the surface lives for ever', () => {
    const game = at({}, { stickyActions: 0.1 });
    for (let step = 0; step < 3000; step++) expect(game.step(noop)).toMatchObject({ reward: 0, terminated: false });
  });
});

describe('surfacing', () => {
  const rising = { ...quiet, row: 1, column: 5, surfaced: false, oxygen: 120 };

  test('with nobody aboard ends the episode', () => {
    expect(at(rising).step(up)).toMatchObject({ reward: 0, terminated: true, truncated: false });
  });

  test.each([1, 2, 5, -1, -2])('with %i aboard takes one away, fills the tank and makes the game harder', (aboard) => {
    const game = at({ ...rising, aboard });
    expect(game.step(up)).toMatchObject({ reward: 0, terminated: false, info: { rampIndex: 1 } });
    expect(game.state()).toMatchObject({ aboard: aboard - 1, oxygen: 200, surfaced: true, spawnPeriod: 19 });
    // Once: staying there costs nothing.
    game.step();
    expect(game.state()).toMatchObject({ aboard: aboard - 1, oxygen: 200, rampIndex: 1 });
  });

  test.each([
    [199, 9],
    [180, 9],
    [120, 6],
    [119, 5],
    [19, 0],
  ])('with six aboard and %i units of oxygen gives %i, and leaves -1', (oxygen, reward) => {
    const game = at({ ...rising, aboard: 6, oxygen });
    expect(game.step(up)).toMatchObject({ reward, terminated: false });
    expect(game.state()).toMatchObject({ aboard: -1, oxygen: 200 });
  });

  test('shows divers in the gauge from column 8 to the left, and none for 0 or less', () => {
    for (const [aboard, columns] of [
      [1, [8]],
      [2, [7, 8]],
      [6, [3, 4, 5, 6, 7, 8]],
      [0, []],
      [-1, []],
    ] as const) {
      const { observation } = at({ ...diving, aboard }).step();
      expect(cellsSeen('Seaquest', observation, 'diver_gauge')).toEqual(columns.map((column) => [9, column]));
    }
  });

  test('ramps the move value 5, 4, 3, 2 after 0, 2, 4, 6 times and the spawn period down to 1 after 19', () => {
    const game = at({ ...rising, aboard: 1 });
    const seen = Array.from({ length: 22 }, () => {
      game.change({ ...rising, aboard: 1 });
      game.step(up);
      const { moveValue, spawnPeriod, rampIndex } = game.state();
      return [moveValue, spawnPeriod, rampIndex];
    });
    const expected = Array.from({ length: 22 }, (_, i) => {
      const times = Math.min(i + 1, 19);
      return [Math.max(2, 5 - Math.floor(times / 2)), 20 - times, times];
    });
    expect(seen).toEqual(expected);
  });

  test('does not without difficultyRamping', () => {
    const game = at({ ...rising, aboard: 3 }, { difficultyRamping: false });
    game.step(up);
    expect(game.state()).toMatchObject({ moveValue: 5, spawnPeriod: 20, rampIndex: 0, aboard: 2 });
  });
});

test('things have trails behind them, but for bullets and outside the board', () => {
  const { observation } = at({
    ...diving,
    fish: [swimmer(1, 3, 1), swimmer(2, 0, 1)],
    subs: [sub(3, 3, -1)],
    divers: [swimmer(5, 9, -1), swimmer(6, 2, 1)],
    enemyBullets: [bullet(7, 3)],
    bullets: [bullet(8, 3)],
  }).step();
  const seen = (thing: string): unknown => cellsSeen('Seaquest', observation, thing);
  expect(seen('trail')).toEqual([
    [1, 2],
    [3, 4],
    [6, 1],
  ]);
  expect(seen('enemy_fish')).toEqual([
    [1, 3],
    [2, 0],
  ]);
  expect(seen('enemy_sub')).toEqual([[3, 3]]);
  expect(seen('diver')).toEqual([
    [5, 9],
    [6, 2],
  ]);
  expect(seen('enemy_bullet')).toEqual([[7, 4]]);
  expect(seen('friendly_bullet')).toEqual([[8, 4]]);
});
