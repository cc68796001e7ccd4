// The rules of Asterix, one by one, on boards set up for them.
import { fc, test } from '@fast-check/vitest';
import { npRandom } from '@tessera/core';
import type { RampingGameOptions } from '@tessera/env-arcade';
import { describe, expect } from 'vitest';
import { asterixKinds } from '../src/asterix-rules.ts';
import { actions, cellsSeen, playedAt } from './games.ts';
import type { Played, States } from './games.ts';

const { noop, left, up, right, down, fire } = actions;
const { nothing, enemy, gold } = asterixKinds;

interface Entity {
  row: number;
  column: number;
  direction: number;
  kind: number;
}

/** The lists of the state that hold these and nothing else. */
function slots(...entities: readonly Entity[]): Pick<States['Asterix'], 'kinds' | 'columns' | 'directions'> {
  const lists = { kinds: new Uint8Array(8), columns: new Int8Array(8), directions: new Int8Array(8) };
  for (const { row, column, direction, kind } of entities) {
    lists.kinds[row - 1] = kind;
    lists.columns[row - 1] = column;
    lists.directions[row - 1] = direction;
  }
  return lists;
}

function entities({ kinds, columns, directions }: States['Asterix']): Entity[] {
  return [...kinds.keys()]
    .filter((slot) => kinds[slot] !== nothing)
    .map((slot) => ({ row: slot + 1, column: columns[slot]!, direction: directions[slot]!, kind: kinds[slot]! }));
}

const still = { spawnTimer: 1000, moveTimer: 1000 };
const at = (changes: Partial<States['Asterix']> = {}, options: RampingGameOptions = {}): Played<'Asterix'> =>
  playedAt('Asterix', changes, options);

test('the start is always the same', () => {
  const { kinds, columns, directions, ...state } = at().state();
  expect(entities({ ...at().state(), kinds, columns, directions })).toEqual([]);
  expect(state).toEqual({
    row: 5,
    column: 5,
    spawnPeriod: 10,
    spawnTimer: 10,
    movePeriod: 5,
    moveTimer: 5,
    rampTimer: 100,
    rampIndex: 0,
    ended: false,
    executed: 0,
  });
});

test.prop([fc.array(fc.nat({ max: 5 }), { maxLength: 40 })])(
  'the player moves one cell, within rows 1 to 8 and columns 0 to 9',
  (moves) => {
    const game = at(still);
    let [row, column] = [5, 5];
    for (const action of moves) {
      game.step(action);
      row = Math.min(8, Math.max(1, row + Number(action === down) - Number(action === up)));
      column = Math.min(9, Math.max(0, column + Number(action === right) - Number(action === left)));
      expect(game.state()).toMatchObject({ row, column });
    }
  },
);

test.each([
  [left, { row: 5, column: 0 }],
  [up, { row: 1, column: 5 }],
  [right, { row: 5, column: 9 }],
  [down, { row: 8, column: 5 }],
])('action %i twelve times brings it to an edge: %o', (action, edge) => {
  const game = at(still);
  for (let step = 0; step < 12; step++) game.step(action);
  expect(game.state()).toMatchObject(edge);
});

describe('contact', () => {
  const beside = (kind: number): Partial<States['Asterix']> => ({
    ...still,
    ...slots({ row: 5, column: 6, direction: -1, kind }),
  });

  test('with gold gives +1 and takes it away', () => {
    const game = at(beside(gold));
    expect(game.step(right)).toMatchObject({ reward: 1, terminated: false });
    expect(entities(game.state())).toEqual([]);
  });

  test('with an enemy ends the episode, and leaves it there', () => {
    const game = at(beside(enemy));
    expect(game.step(right)).toMatchObject({ reward: 0, terminated: true, truncated: false });
    expect(entities(game.state())).toHaveLength(1);
  });

  test.each([
    [gold, { reward: 1, terminated: false }],
    [enemy, { reward: 0, terminated: true }],
  ])('is also tested after things of kind %i have moved', (kind, outcome) => {
    expect(at({ ...beside(kind), moveTimer: 0 }).step(noop)).toMatchObject(outcome);
  });

  test('is not avoided by changing places', () => {
    expect(at({ ...beside(enemy), moveTimer: 0 }).step(right).terminated).toBe(true);
  });

  test('is not made by leaving in time, or by another row', () => {
    expect(at({ ...beside(enemy), moveTimer: 0 }).step(up).terminated).toBe(false);
    expect(at({ ...still, ...slots({ row: 4, column: 5, direction: 1, kind: enemy }) }).step(fire).terminated).toBe(
      false,
    );
  });
});

describe('things', () => {
  test('all move in steps 6, 11, 16, ..., one column ahead', () => {
    const game = at({
      spawnTimer: 1000,
      ...slots({ row: 1, column: 0, direction: 1, kind: gold }, { row: 8, column: 9, direction: -1, kind: enemy }),
    });
    let columns = '0,9';
    const moved = game.stepsWhere(16, () => {
      const before = columns;
      columns = String(entities(game.state()).map(({ column }) => column));
      return columns !== before;
    });
    expect(moved).toEqual([6, 11, 16]);
    expect(columns).toBe('3,6');
  });

  test('leave at the edges', () => {
    const game = at({
      spawnTimer: 1000,
      moveTimer: 0,
      ...slots({ row: 1, column: 9, direction: 1, kind: gold }, { row: 2, column: 0, direction: -1, kind: enemy }),
    });
    game.step();
    expect(entities(game.state())).toEqual([]);
  });

  test('have a trail behind them, but for outside the board', () => {
    const game = at({
      ...still,
      ...slots(
        { row: 1, column: 0, direction: 1, kind: gold },
        { row: 2, column: 3, direction: 1, kind: enemy },
        { row: 3, column: 3, direction: -1, kind: gold },
        { row: 4, column: 9, direction: -1, kind: enemy },
      ),
    });
    const { observation } = game.step();
    expect(cellsSeen('Asterix', observation, 'trail')).toEqual([
      [2, 2],
      [3, 4],
    ]);
    expect(cellsSeen('Asterix', observation, 'gold')).toEqual([
      [1, 0],
      [3, 3],
    ]);
    expect(cellsSeen('Asterix', observation, 'enemy')).toEqual([
      [2, 3],
      [4, 9],
    ]);
    expect(cellsSeen('Asterix', observation, 'player')).toEqual([[5, 5]]);
  });
});

describe('entering', () => {
  test('happens in steps 11, 21, 31, ...; a move is in the same step, so columns 1 and 8 are the first ones seen', () => {
    const game = at({}, { difficultyRamping: false });
    let known = 0;
    const steps: number[] = [];
    for (let step = 1; step <= 41; step++) {
      game.change({ row: 8, column: 5 });
      const before = game.state().kinds;
      game.step();
      const after = game.state();
      const fresh = [...after.kinds.keys()].filter((slot) => before[slot] === nothing && after.kinds[slot] !== nothing);
      known += fresh.length;
      if (fresh.length > 0) steps.push(step);
      for (const slot of fresh) expect(after.columns[slot]).toBe(after.directions[slot]! > 0 ? 1 : 8);
    }
    expect(steps).toEqual([11, 21, 31, 41]);
    expect(known).toBe(4);
  });

  test.prop([fc.nat(), fc.uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 8 })])(
    'draws side, kind and one of the empty rows, in this order; with no empty row only the first two',
    (seed, taken) => {
      const game = at();
      game.env.reset({ seed });
      // Nothing in the player's row: what enters there could be touched in this step.
      const full = taken.map((row) => ({ row, column: 3, direction: 1, kind: gold }));
      game.change({ spawnTimer: 0, moveTimer: 50, row: 8, column: 5, ...slots(...full) });
      const twin = npRandom(seed);
      twin.random();
      const direction = twin.random() < 0.5 ? 1 : -1;
      const kind = twin.random() < 1 / 3 ? gold : enemy;
      const empty = [1, 2, 3, 4, 5, 6, 7, 8].filter((row) => !taken.includes(row));
      const row = empty.length > 0 ? empty[twin.integers(empty.length)]! : undefined;
      game.step();
      const fresh = entities(game.state()).filter((entity) => !taken.includes(entity.row));
      expect(fresh).toEqual(row === undefined ? [] : [{ row, column: direction > 0 ? 0 : 9, direction, kind }]);
      expect(game.env.npRandom.getState()).toEqual(twin.getState());
      expect(game.state().spawnTimer).toBe(9);
    },
  );

  test('brings gold a third of the time, and from either side', () => {
    const game = at();
    const counts = { gold: 0, right: 0 };
    const n = 3000;
    for (let i = 0; i < n; i++) {
      game.change({ spawnTimer: 0, moveTimer: 50, rampTimer: 100, row: 5, column: 5, ...slots() });
      game.step();
      const [entity] = entities(game.state());
      counts.gold += Number(entity!.kind === gold);
      counts.right += Number(entity!.direction === 1);
    }
    expect(Math.abs(counts.gold - n / 3)).toBeLessThan(5 * Math.sqrt((n * 2) / 9));
    expect(Math.abs(counts.right - n / 2)).toBeLessThan(5 * Math.sqrt(n / 4));
  });

  test('can touch a player at the edge in the same step', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; outcomes.size < 2 && seed < 100; seed++) {
      const game = at();
      game.env.reset({ seed });
      const filled = [1, 2, 3, 4, 6, 7, 8].map((row) => ({ row, column: 5, direction: 1, kind: gold }));
      game.change({ spawnTimer: 0, moveTimer: 50, row: 5, column: 0, ...slots(...filled) });
      const { reward, terminated } = game.step();
      if (reward === 1) outcomes.add('gold');
      if (terminated) outcomes.add('enemy');
    }
    expect([...outcomes].sort()).toEqual(['enemy', 'gold']);
  });
});

describe('ramping', () => {
  const alone = (game: Played<'Asterix'>): void => game.change({ ...slots() });

  test('shortens the periods every 102 steps, as the table says, and stops at 1 and 1', () => {
    const game = at();
    const changes: number[][] = [];
    let before = '10,5';
    for (let step = 1; step <= 1200; step++) {
      alone(game);
      game.step();
      const { spawnPeriod, movePeriod, rampIndex } = game.state();
      if (`${spawnPeriod},${movePeriod}` === before) continue;
      before = `${spawnPeriod},${movePeriod}`;
      changes.push([step, spawnPeriod, movePeriod, rampIndex]);
    }
    expect(changes).toEqual([
      [102, 9, 5, 1],
      [204, 8, 4, 2],
      [306, 7, 4, 3],
      [408, 6, 3, 4],
      [510, 5, 3, 5],
      [612, 4, 2, 6],
      [714, 3, 2, 7],
      [816, 2, 1, 8],
      [918, 1, 1, 9],
    ]);
  });

  test('does not happen without difficultyRamping', () => {
    const game = at({}, { difficultyRamping: false });
    for (let step = 1; step <= 300; step++) {
      alone(game);
      expect(game.step().info['rampIndex']).toBe(0);
    }
    expect(game.state()).toMatchObject({ spawnPeriod: 10, movePeriod: 5, rampTimer: 100 });
  });

  test('counts from the next time on: a timer that runs is not shortened', () => {
    const game = at({ rampTimer: -1, spawnTimer: 9, moveTimer: 5 });
    game.step();
    expect(game.state()).toMatchObject({ spawnPeriod: 9, spawnTimer: 8, moveTimer: 4, rampTimer: 100 });
  });
});
