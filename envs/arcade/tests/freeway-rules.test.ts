// The rules of Freeway, one by one, on boards set up for them.
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import { describe, expect } from 'vitest';
import { actions, cellsSeen, playedAt } from './games.ts';
import type { Played, States } from './games.ts';

const { noop, left, up, right, down, fire } = actions;
const at = (changes: Partial<States['Freeway']> = {}): Played<'Freeway'> => playedAt('Freeway', changes);

interface Car {
  row: number;
  column: number;
  speed: number;
  direction: number;
  timer: number;
}

/** These cars; those of all other rows stand in column 0 and hardly ever move. */
function cars(...given: readonly Car[]): Partial<States['Freeway']> {
  const lists = {
    columns: new Uint8Array(8),
    speeds: new Uint8Array(8).fill(5),
    directions: new Int8Array(8).fill(-1),
    timers: new Uint8Array(8).fill(255),
  };
  for (const { row, column, speed, direction, timer } of given) {
    lists.columns[row - 1] = column;
    lists.speeds[row - 1] = speed;
    lists.directions[row - 1] = direction;
    lists.timers[row - 1] = timer;
  }
  return lists;
}

describe('start', () => {
  test.prop([fc.nat()])('draws eight speeds from 1 to 5, then eight directions; all cars are in column 0', (seed) => {
    const game = at();
    game.env.reset({ seed });
    const twin = npRandom(seed);
    const speeds = Array.from({ length: 8 }, () => twin.integers(1, 6));
    const directions = Array.from({ length: 8 }, () => (twin.random() > 0.5 ? 1 : -1));
    expect(game.state()).toEqual({
      row: 9,
      moveTimer: 3,
      clock: 2500,
      columns: new Uint8Array(8),
      speeds: Uint8Array.from(speeds),
      directions: Int8Array.from(directions),
      timers: Uint8Array.from(speeds),
      ended: false,
      executed: 0,
    });
    expect(game.env.npRandom.getState()).toEqual(twin.getState());
  });
});

describe('chicken', () => {
  test('can first move in step 4, then every 3 steps; presses in between are lost', () => {
    const game = at(cars());
    const rows = Array.from({ length: 11 }, () => (game.step(up), game.state().row));
    expect(rows).toEqual([9, 9, 9, 8, 8, 8, 7, 7, 7, 6, 6]);
    const late = at(cars());
    for (let step = 1; step <= 3; step++) late.step(up);
    expect(Array.from({ length: 6 }, () => (late.step(noop), late.state().row))).toEqual([9, 9, 9, 9, 9, 9]);
  });

  test('goes up and down, held in row 9, where down counts as a move', () => {
    const game = at({ ...cars(), row: 8, moveTimer: 0 });
    game.step(down);
    expect(game.state()).toMatchObject({ row: 9, moveTimer: 2 });
    game.change({ moveTimer: 0 });
    game.step(down);
    expect(game.state()).toMatchObject({ row: 9, moveTimer: 2 });
  });

  test.each([noop, left, right, fire])('does not move on action %i', (action) => {
    const game = at({ ...cars(), row: 5, moveTimer: 0 });
    game.step(action);
    expect(game.state()).toMatchObject({ row: 5, moveTimer: 0 });
  });

  test('is back in row 9 with +1 after row 0, and is never seen there', () => {
    const game = at({ ...cars(), row: 1, moveTimer: 0 });
    const { reward, terminated, observation } = game.step(up);
    expect({ reward, terminated }).toEqual({ reward: 1, terminated: false });
    expect(cellsSeen('Freeway', observation, 'chicken')).toEqual([[9, 4]]);
    expect(game.state().moveTimer).toBe(2);
  });

  test('reaches the goal in step 28 of a straight run, then every 27 steps, 92 times', () => {
    const game = at();
    const goals: number[] = [];
    for (let step = 1; ; step++) {
      game.change({ ...cars() });
      const { reward, terminated } = game.step(up);
      if (reward === 1) goals.push(step);
      if (terminated) break;
    }
    expect(goals).toEqual(Array.from({ length: 92 }, (_, i) => 28 + 27 * i));
  });
});

test.prop([fc.nat(), fc.array(fc.nat({ max: 9 }), { minLength: 8, maxLength: 8 })])(
  'a goal draws speeds, directions and timers anew, and leaves the cars where they are',
  (seed, columns) => {
    const game = at();
    game.env.reset({ seed });
    game.change({ ...cars(), columns: Uint8Array.from(columns), row: 1, moveTimer: 0 });
    const twin = npRandom(0);
    twin.setState(game.env.npRandom.getState());
    twin.random();
    const speeds = Array.from({ length: 8 }, () => twin.integers(1, 6));
    const directions = Array.from({ length: 8 }, () => (twin.random() > 0.5 ? 1 : -1));
    expect(game.step(up).reward).toBe(1);
    const state = game.state();
    expect([...state.speeds]).toEqual(speeds);
    expect([...state.directions]).toEqual(directions);
    // Their timers have run one step already: none is 0 right after a draw.
    expect([...state.timers]).toEqual(speeds.map((speed) => speed - 1));
    expect([...state.columns]).toEqual(columns);
  },
);

describe('cars', () => {
  test.each([1, 2, 3, 4, 5])('of speed %i move every speed + 1 steps', (speed) => {
    const game = at(cars({ row: 3, column: 0, speed, direction: 1, timer: speed }));
    let column = 0;
    const moved = game.stepsWhere(24, () => column !== (column = game.state().columns[2]!));
    expect(moved).toEqual(Array.from({ length: Math.floor(24 / (speed + 1)) }, (_, i) => (speed + 1) * (i + 1)));
  });

  test.each([
    [9, 1, 0],
    [0, -1, 9],
    [4, 1, 5],
    [4, -1, 3],
  ])('go from column %i in direction %i to column %i', (column, direction, next) => {
    const game = at(cars({ row: 2, column, speed: 3, direction, timer: 0 }));
    game.step();
    expect(game.state().columns[1]).toBe(next);
    expect(game.state().timers[1]).toBe(3);
  });

  test('send the chicken back when it walks into them', () => {
    const game = at({ ...cars({ row: 5, column: 4, speed: 5, direction: 1, timer: 5 }), row: 6, moveTimer: 0 });
    expect(game.step(up)).toMatchObject({ reward: 0, terminated: false });
    // It does not touch the chicken's timer.
    expect(game.state()).toMatchObject({ row: 9, moveTimer: 2 });
  });

  test('send it back also when they would leave its cell in this step', () => {
    const game = at({ ...cars({ row: 5, column: 4, speed: 5, direction: 1, timer: 0 }), row: 6, moveTimer: 0 });
    game.step(up);
    expect(game.state()).toMatchObject({ row: 9 });
  });

  test.each([
    [3, 1],
    [5, -1],
  ])('send it back when they come upon it from column %i', (column, direction) => {
    const game = at({ ...cars({ row: 5, column, speed: 2, direction, timer: 0 }), row: 5 });
    game.step();
    expect(game.state().row).toBe(9);
  });

  test('pass in other rows and other columns', () => {
    const game = at({
      ...cars(
        { row: 4, column: 3, speed: 1, direction: 1, timer: 0 },
        { row: 5, column: 2, speed: 1, direction: 1, timer: 0 },
      ),
      row: 5,
    });
    game.step();
    expect(game.state().row).toBe(5);
  });

  test('show their speed behind them, around the edges', () => {
    const game = at(
      cars(
        { row: 1, column: 0, speed: 1, direction: 1, timer: 9 },
        { row: 2, column: 9, speed: 2, direction: -1, timer: 9 },
        { row: 3, column: 6, speed: 3, direction: 1, timer: 9 },
        { row: 4, column: 6, speed: 4, direction: -1, timer: 9 },
      ),
    );
    const { observation } = game.step();
    const seen = (thing: string): unknown => cellsSeen('Freeway', observation, thing);
    expect(seen('speed1')).toEqual([[1, 9]]);
    expect(seen('speed2')).toEqual([[2, 0]]);
    expect(seen('speed3')).toEqual([[3, 5]]);
    expect(seen('speed4')).toEqual([[4, 7]]);
    expect(seen('speed5')).toEqual([5, 6, 7, 8].map((row) => [row, 1]));
    expect(seen('car')).toEqual([
      [1, 0],
      [2, 9],
      [3, 6],
      [4, 6],
      [5, 0],
      [6, 0],
      [7, 0],
      [8, 0],
    ]);
  });
});

test('an episode has exactly 2501 steps, and ends by nothing else', () => {
  const game = at();
  const chance = npRandom(1);
  for (let step = 1; step <= 2500; step++) expect(game.step(chance.integers(6)).terminated).toBe(false);
  expect(game.step()).toMatchObject({ terminated: true, truncated: false });
});
