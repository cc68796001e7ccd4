// What holds in each of the games after MinAtar, whatever happens in it: stickiness, the end, saving, channels and pictures.
import { fc, test } from '@fast-check/vitest';
import { ConfigError, npRandom, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { arcadeActions, baselinePolicies } from '@tessera/env-arcade';
import type { RampingGameOptions } from '@tessera/env-arcade';
import type { Env } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { colourTable } from '../src/cell-picture.ts';
import { cellReader } from '../src/read-cells.ts';
import { cellsSeen, names, newGame, rulesOf } from './games.ts';
import type { Name } from './games.ts';

const moves = fc.array(fc.nat({ max: 5 }), { maxLength: 80 });
const firstActions = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 30 });

/** Steps that see much of a game: its simple rule, mixed with noise. Calls `look` with each observation. */
function wander(
  name: Name,
  run: { seed: number; steps: number; options?: RampingGameOptions },
  look: (env: Env<Uint8Array, number>, observation: Uint8Array) => void,
): void {
  const { seed, steps, options = {} } = run;
  const chance = npRandom(seed);
  const env = newGame(name, options);
  const { policy } = baselinePolicies(`${name}-v0`, { obsType: 'channels', ...options })!.trivial;
  let { observation } = env.reset({ seed });
  look(env, observation);
  for (let t = 0; t < steps; t++) {
    const result = env.step(chance.random() < 0.2 ? chance.integers(6) : policy(observation));
    observation = result.terminated ? env.reset().observation : result.observation;
    look(env, observation);
  }
}

test('the actions are in the order of MinAtar', () => {
  expect(arcadeActions).toEqual(['noop', 'left', 'up', 'right', 'down', 'fire']);
});

describe.each(names)('%s', (name) => {
  test.prop([fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), firstActions], { numRuns: 30 })(
    'executes the action executed before when one uniform number is below the probability',
    (seed, stickyActions, actions) => {
      const env = newGame(name, { stickyActions });
      env.reset({ seed });
      let executed = 0;
      for (const action of actions) {
        const twin = npRandom(0);
        twin.setState(env.npRandom.getState());
        if (!(twin.random() < stickyActions)) executed = action;
        expect(env.step(action).info['executedAction']).toBe(executed);
      }
    },
  );

  test('remembers the executed action across a reset, but not across a seeded one', () => {
    const first = (reset: (env: Env<Uint8Array, number>) => void): unknown => {
      const env = newGame(name, { stickyActions: 0 });
      env.reset({ seed: 0 });
      env.step(3);
      const sticky = newGame(name, { stickyActions: 1 });
      sticky.setState(env.getState());
      reset(sticky);
      return sticky.step(1).info['executedAction'];
    };
    expect(first((env) => env.reset())).toBe(3);
    expect(first((env) => env.reset({ seed: 0 }))).toBe(0);
  });

  test.prop([fc.nat(), moves], { numRuns: 20 })('is the same again from the same seed', (seed, actions) => {
    const play = (): unknown[] => {
      const env = newGame(name);
      const start = env.reset({ seed });
      return [start, ...actions.map((action) => env.step(action)), env.getState()];
    };
    expect(play()).toEqual(play());
  });

  test.prop([fc.nat(), moves, moves], { numRuns: 20 })(
    'goes on from a saved state as it went on before, and leaves that state alone',
    (seed, before, after) => {
      const env = newGame(name);
      env.reset({ seed });
      for (const action of before) env.step(action);
      const saved = env.getState();
      const copy = structuredClone(saved);
      const go = (from: Env<Uint8Array, number>): unknown[] => [
        ...after.map((action) => from.step(action)),
        from.reset(),
        from.getState(),
      ];
      const first = go(env);
      expect(saved).toEqual(copy);
      env.setState(saved);
      expect(go(env)).toEqual(first);
      const other = newGame(name);
      other.setState(saved);
      expect(go(other)).toEqual(first);
      expect(saved).toEqual(copy);
    },
  );

  test('does not change after the end, but for the draw of stickiness', () => {
    const env = newGame(name, { stickyActions: 0 });
    env.reset({ seed: 4 });
    const state = env.getState();
    env.setState({ ...state, data: { ...(state['data'] as object), ended: true } });
    const before = env.getState();
    const first = env.step(3);
    expect(first).toMatchObject({ reward: 0, terminated: true, truncated: false });
    expect(env.getState()['random']).not.toEqual(before['random']);
    for (const action of [0, 1, 2, 4, 5]) {
      expect(env.step(action)).toEqual({ ...first, info: { ...first.info, executedAction: action } });
      expect(env.getState()['data']).toEqual({ ...(before['data'] as object), executed: action });
    }
  });

  test.prop([fc.nat(), fc.constantFrom(10, 20, 33, 64)], { numRuns: 4 })(
    'shows in its picture what its channels say, and nothing else, at any size',
    (seed, frameSize) => {
      const kwargs = { frameSize };
      const read = cellReader(rulesOf[name], kwargs, 'test');
      const readChannels = cellReader(rulesOf[name], { obsType: 'channels' }, 'test');
      const shown = newGame(name, { frameSize, obsType: 'rgb', renderMode: 'rgb_array' });
      wander(name, { seed, steps: 150 }, (env, channels) => {
        shown.setState(env.getState());
        const frame = shown.render() as NdArray<'uint8'>;
        expect(frame.shape).toEqual([frameSize, frameSize, 3]);
        expect([...read(frame.data)]).toEqual([...readChannels(channels)]);
        expect(unevenPixel(frame.data, frameSize)).toBe(-1);
      });
    },
  );

  test('has observations within its spaces, and the same picture from step and render', () => {
    const env = newGame(name, { obsType: 'rgb', renderMode: 'rgb_array', cellSize: 3 });
    const chance = npRandom(2);
    let { observation } = env.reset({ seed: 2 });
    for (let t = 0; t < 300; t++) {
      expect(env.observationSpace.contains(observation)).toBe(true);
      const { shape, data } = env.render() as NdArray<'uint8'>;
      expect([shape, Buffer.compare(data, observation)]).toEqual([[30, 30, 3], 0]);
      const result = env.step(chance.integers(6));
      observation = result.terminated ? env.reset().observation : result.observation;
    }
    const channels = newGame(name);
    expect(channels.observationSpace.shape).toEqual([10, 10, rulesOf[name].things.length]);
    wander(name, { seed: 3, steps: 300 }, (_env, seen) => expect(channels.observationSpace.contains(seen)).toBe(true));
    expect(newGame(name).render()).toBeUndefined();
  });

  test('returns fresh observations', () => {
    for (const obsType of ['rgb', 'channels'] as const) {
      const env = newGame(name, { obsType });
      const { observation } = env.reset({ seed: 0 });
      const copy = observation.slice();
      env.step(1).observation.fill(7);
      expect(observation).toEqual(copy);
      expect(env.reset({ seed: 0 }).observation).toEqual(copy);
    }
  });

  test('names each of its channels once among its layers', () => {
    const { things, layers } = rulesOf[name];
    expect([...layers].sort()).toEqual(things.map((thing) => thing.name).sort());
    expect(new Set(layers).size).toBe(layers.length);
  });

  test.each([
    [{ cellSize: 0 }, 'expected a whole number from 1 to 64 as cellSize, got 0.'],
    [{ frameSize: 9 }, 'expected a whole number from 10 to 640 as frameSize, got 9.'],
    [{ frameSize: 64.5 }, 'expected a whole number from 10 to 640 as frameSize, got 64.5.'],
    [{ frameSize: 64, cellSize: 2 }, 'expected cellSize or frameSize, got both.'],
    [{ obsType: 'ram' }, 'expected an obsType out of rgb, channels, got "ram".'],
    [{ stickyActions: -0.1 }, 'expected a probability from 0 to 1 as stickyActions, got -0.1.'],
    [{ stickyActions: '0.1' }, 'expected a probability from 0 to 1 as stickyActions, got 0.1.'],
    [{ renderMode: 'human' }, 'expected a renderMode out of rgb_array, got "human".'],
    [{ sticky: 0 }, "unknown option 'sticky'."],
  ] as [object, string][])('refuses %o', (options, message) => {
    expect(() => newGame(name, options)).toThrow(ConfigError);
    expect(() => newGame(name, options)).toThrow(`${name}: ${message}`);
  });
});

test('difficultyRamping is a boolean, and no option of Freeway', () => {
  expect(() => newGame('Seaquest', { difficultyRamping: 1 as never })).toThrow(
    'Seaquest: expected true or false as difficultyRamping, got 1.',
  );
  expect(() => newGame('Freeway', { difficultyRamping: false })).toThrow(
    "Freeway: unknown option 'difficultyRamping'.",
  );
});

test('what can be seen of a game: one cannon, one kind of aliens, one thing in a row, one car in each lane, one submarine', () => {
  const seen = (name: Name, check: (count: (thing: string) => number, observation: Uint8Array) => void): void =>
    wander(name, { seed: 8, steps: 1500 }, (_env, observation) => {
      check((thing) => cellsSeen(name, observation, thing).length, observation);
    });
  seen('SpaceInvaders', (count) => {
    expect(count('cannon')).toBe(1);
    expect([0, count('alien')]).toContain(count('alien_left'));
    expect(count('alien_left') + count('alien_right')).toBe(count('alien'));
    expect(count('alien')).toBeGreaterThan(0);
  });
  seen('Asterix', (count, observation) => {
    expect(count('player')).toBe(1);
    const rows = ['enemy', 'gold'].flatMap((thing) => cellsSeen('Asterix', observation, thing).map(([row]) => row));
    expect(new Set(rows).size).toBe(rows.length);
    expect(count('trail')).toBeLessThanOrEqual(rows.length);
  });
  seen('Freeway', (count, observation) => {
    expect(count('chicken')).toBe(1);
    expect(cellsSeen('Freeway', observation, 'car').map(([row]) => row)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const behind = [1, 2, 3, 4, 5].flatMap((speed) => cellsSeen('Freeway', observation, `speed${speed}`));
    expect(behind.map(([row]) => row).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
  seen('Seaquest', (count, observation) => {
    expect([count('sub_front'), count('sub_back')]).toEqual([1, 1]);
    expect(count('diver_gauge')).toBeLessThanOrEqual(6);
    for (const thing of ['enemy_fish', 'enemy_sub', 'diver', 'enemy_bullet', 'trail']) {
      expect(cellsSeen('Seaquest', observation, thing).every(([row]) => row >= 1 && row <= 8)).toBe(true);
    }
  });
});

describe('no two sets of things that a cell of a game can hold look alike', () => {
  const subsets = (list: readonly (readonly string[])[]): string[][] =>
    list.reduce<string[][]>(
      (sets, choices) => [...sets, ...choices.flatMap((thing) => sets.map((set) => [...set, thing]))],
      [[]],
    );
  // In each list of a row at most one can be there.
  const possible: Record<Name, (readonly (readonly string[])[])[]> = {
    SpaceInvaders: [[['cannon'], ['left', 'right'], ['friendly_bullet'], ['enemy_bullet']]],
    Asterix: [[['player'], ['enemy', 'gold', 'trail']]],
    Freeway: [[['chicken'], ['car', 'speed1', 'speed2', 'speed3', 'speed4', 'speed5']]],
    Seaquest: [
      [
        ['sub_front', 'sub_back'],
        ['friendly_bullet'],
        ['trail'],
        ['enemy_bullet'],
        ['enemy_fish'],
        ['enemy_sub'],
        ['diver'],
      ],
      [['oxygen_gauge'], ['diver_gauge']],
    ],
  };

  test.each(names)('%s', (name) => {
    const { things, layers } = rulesOf[name];
    const table = colourTable(things, layers);
    const found = new Map<string, string>();
    for (const lists of possible[name]) {
      for (const set of subsets(lists)) {
        const members = set.flatMap((thing) =>
          thing === 'left' || thing === 'right' ? ['alien', `alien_${thing}`] : [thing],
        );
        const bits = members.reduce(
          (sum, member) => sum + (1 << things.findIndex((thing) => thing.name === member)),
          0,
        );
        const colour = String(table.subarray(3 * bits, 3 * bits + 3));
        expect([colour, found.get(colour) ?? String(members)]).toEqual([colour, String(members)]);
        found.set(colour, String(members));
      }
    }
    expect(found.size).toBeGreaterThanOrEqual(8);
  });
});

test('a reader refuses observations of another size', () => {
  const { policy } = baselinePolicies('Asterix-v0', { frameSize: 64 })!.trivial;
  expect(() => policy(new Uint8Array(1200))).toThrow(ShapeError);
  expect(() => policy(new Uint8Array(1200))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: baselinePolicies: expected an observation of shape [64, 64, 3], got 1200 values. Check cellSize, frameSize and obsType.]`,
  );
  const channels = baselinePolicies('Asterix-v0', { obsType: 'channels' })!.trivial;
  expect(() => channels.policy(new Uint8Array(100))).toThrow(
    'expected an observation of shape [10, 10, 4], got 100 values.',
  );
  expect(() => baselinePolicies('Asterix-v0', { frameSize: 3 })).toThrow(ConfigError);
});

/** The place of a pixel that differs from the first of its cell; -1 when cells are even. Pixel p of n belongs to the last cell c whose edge c * n / 10, rounded down, is not beyond it. */
function unevenPixel(frame: Uint8Array, pixels: number): number {
  const cellOf = Array.from({ length: pixels }, (_, pixel) =>
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].find((cell) => Math.floor((cell * pixels) / 10) <= pixel)!,
  );
  const first = new Map<number, number>();
  for (let at = 0; at < pixels ** 2; at++) {
    const cell = cellOf[Math.floor(at / pixels)]! * 10 + cellOf[at % pixels]!;
    const colour = (frame[3 * at]! << 16) | (frame[3 * at + 1]! << 8) | frame[3 * at + 2]!;
    if (!first.has(cell)) first.set(cell, colour);
    else if (first.get(cell) !== colour) return at;
  }
  return -1;
}
