// Every registered environment keeps the contract, whatever the seed, the actions and the options; and bad input is refused by name.
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import {
  BlackjackEnv,
  CliffWalkingEnv,
  FrozenLakeEnv,
  generateRandomMap,
  TabularEnv,
  TaxiEnv,
} from '@tessera/env-toy-text';
import { checkEnv, Discrete, InvalidAction, make, makeVec, registry, ResetNeeded } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import 'gymnasium-js/node';
import { describe, expect } from 'vitest';

const made = (id: string, options: object = {}) => [`${id} ${JSON.stringify(options)}`, () => make(id, { ...options })];
const map = generateRandomMap({ seed: 5, size: 6 });
const variants = [
  ...[...registry.keys()].map((id) => made(id)),
  ...[...registry.keys()].map((id) => made(id, { renderMode: 'rgb_array', renderSize: [7, 12] })),
  ...[...registry.keys()].filter((id) => id !== 'Blackjack-v1').map((id) => made(id, { renderMode: 'ansi' })),
  made('FrozenLake-v1', { desc: map, successRate: 0.9, rewardSchedule: [10, -5, -0.01], maxEpisodeSteps: 9 }),
  made('Taxi-v4', { isRainy: true, ficklePassenger: true, fickleProbability: 1, maxEpisodeSteps: 12 }),
  made('Blackjack-v1', { sab: false, natural: true }),
  ['BlackjackEnv', () => new BlackjackEnv()],
  ['CliffWalkingEnv', () => new CliffWalkingEnv()],
  ['FrozenLakeEnv', () => new FrozenLakeEnv()],
  ['TaxiEnv', () => new TaxiEnv()],
] as [string, () => Env<unknown, number>][];

const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 70n }));

describe.each(variants)('%s', (_name, fresh) => {
  const { n } = fresh().actionSpace as Discrete;

  test.prop([seed, fc.array(fc.nat({ max: n - 1 }), { maxLength: 30 })], { numRuns: 20 })(
    'keeps the contract',
    (seed, actions) => {
      checkEnv(fresh(), { seed, actions, fresh });
    },
  );
});

test.each(variants)('%s: observations stay in the space, for 3000 random steps', (_name, fresh) => {
  const env = fresh();
  env.actionSpace.seed(1);
  env.reset({ seed: 1 });
  const bad: unknown[] = [];
  for (let t = 0; t < 3000; t++) {
    const { observation, terminated, truncated } = env.step(env.actionSpace.sample());
    if (!env.observationSpace.contains(observation)) bad.push([t, observation]);
    if (terminated || truncated) env.reset();
  }
  expect(bad).toEqual([]);
});

test('specs and spaces are those of Gymnasium', () => {
  const facts = [...registry.values()].map(({ id, maxEpisodeSteps, rewardThreshold }) => [
    id,
    maxEpisodeSteps,
    rewardThreshold,
    String(make(id).observationSpace),
    String(make(id).actionSpace),
  ]);
  expect(facts).toEqual([
    ['Blackjack-v1', undefined, undefined, 'Tuple(Discrete(32), Discrete(11), Discrete(2))', 'Discrete(2)'],
    ['FrozenLake-v1', 100, 0.7, 'Discrete(16)', 'Discrete(4)'],
    ['FrozenLake8x8-v1', 200, 0.85, 'Discrete(64)', 'Discrete(4)'],
    ['CliffWalking-v1', undefined, undefined, 'Discrete(48)', 'Discrete(4)'],
    ['CliffWalkingSlippery-v1', undefined, undefined, 'Discrete(48)', 'Discrete(4)'],
    ['Taxi-v4', 200, 8, 'Discrete(500)', 'Discrete(6)'],
  ]);
});

describe('tables', () => {
  const tables = variants.map(([name, fresh]) => [name, fresh().unwrapped] as const);
  const tabular = tables.filter((pair): pair is readonly [string, TabularEnv] => pair[1] instanceof TabularEnv);

  test.each(tabular)('%s: probabilities add up to 1, and states are states', (_name, { P, observationSpace }) => {
    expect(P.length).toBe(observationSpace.n);
    for (const transitions of P.flat()) {
      expect(transitions.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
      expect(transitions.every(({ state }) => observationSpace.contains(state))).toBe(true);
    }
  });

  test('the mask of Taxi marks what changes the state', () => {
    const env = make<number>('Taxi-v4');
    const { P } = env.unwrapped as TaxiEnv;
    env.reset({ seed: 0 });
    env.actionSpace.seed(0);
    for (let t = 0; t < 3000; t++) {
      const { observation, info, terminated, truncated } = env.step(env.actionSpace.sample());
      const changes = P[observation]!.map(([transition]) => Number(transition!.state !== observation));
      expect([...(info['actionMask'] as Int8Array)]).toEqual(changes);
      if (terminated || truncated) env.reset();
    }
  });
});

test('a saved state knows that a passenger will change the destination', () => {
  const fickle = (): TaxiEnv => new TaxiEnv({ ficklePassenger: true, fickleProbability: 0.5 });
  let changes = 0;
  for (let seed = 0; seed < 20; seed++) {
    const [env, restored] = [fickle(), fickle()];
    let { observation, info } = env.reset({ seed });
    const destination = observation % 4;
    // Any way to the passenger, then on board.
    env.actionSpace.seed(seed);
    while (Math.floor(observation / 4) % 5 !== 4) {
      const mask = info['actionMask'] as Int8Array;
      ({ observation, info } = env.step(mask[4] === 1 ? 4 : env.actionSpace.sample({ mask })));
    }
    restored.setState(structuredClone(env.getState()));
    const moves = (taxi: TaxiEnv): number[] => [0, 1, 2, 3].map((action) => taxi.step(action).observation);
    const after = moves(env);
    expect(moves(restored)).toEqual(after);
    changes += Number(after.at(-1)! % 4 !== destination);
  }
  expect(changes).toBeGreaterThan(3);
  expect(changes).toBeLessThan(17);
});

describe('a random map', () => {
  test.prop([fc.nat(), fc.integer({ min: 2, max: 9 }), fc.double({ min: 0.55, max: 1, noNaN: true })])(
    'has a start, a goal and a way',
    (seed, size, p) => {
      const rows = generateRandomMap({ seed, size, p });
      expect(rows).toEqual(generateRandomMap({ seed, size, p }));
      expect(rows.join('')).toMatch(/^S[FH]*G$/);
      const { P } = new FrozenLakeEnv({ desc: rows, isSlippery: false });
      const reached = new Set([0]);
      for (const state of reached) for (const [to] of P[state]!) reached.add(to!.state);
      expect(reached).toContain(size * size - 1);
    },
  );

  test('is part of a saved state', () => {
    const random = (): FrozenLakeEnv => new FrozenLakeEnv({ mapName: null, renderMode: 'rgb_array' });
    const [a, b] = [random(), random()];
    expect(a.desc.length).toBe(8);
    for (const env of [a, b]) {
      env.reset({ seed: 1 });
      env.render();
    }
    b.setState(structuredClone(a.getState()));
    expect(b.desc).toEqual(a.desc);
    expect(b.render()).toEqual(a.render());
    const steps = (env: FrozenLakeEnv): unknown[] => Array.from({ length: 20 }, (_, t) => env.step(t % 4));
    expect(steps(b)).toEqual(steps(a));
  });

  test.each([
    [{ p: 0 }, 'expected a probability above 0 as p, got 0.'],
    [{ p: NaN }, 'got NaN.'],
    [{ size: 1 }, 'expected a whole number from 2 to 256 as size, got 1.'],
    [{ size: 2.5 }, 'got 2.5.'],
    [{ size: 100, p: 0.01, seed: 0 }, 'has a path from start to goal. Choose a larger p.'],
    [{ seed: -1 }, 'Seed must be greater or equal to zero'],
  ])('bad options %o', (options, message) => {
    expect(() => generateRandomMap(options)).toThrow(ConfigError);
    expect(() => generateRandomMap(options)).toThrow(message);
  });
});

describe('bad input', () => {
  test.each([...registry.keys()])('actions that %s does not have, and steps before reset', (id) => {
    const env = make<unknown>(id);
    expect(() => env.unwrapped.step(0)).toThrow(ResetNeeded);
    env.reset({ seed: 0 });
    for (const action of [9, -1, 0.5, NaN, '1', null, undefined, {}, [0], true]) {
      expect(() => env.step(action as number)).toThrow(InvalidAction);
      expect(() => env.unwrapped.step(action)).toThrow(InvalidAction);
    }
  });

  test('with the words of Gymnasium', () => {
    expect(() => new TaxiEnv().step(6)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidAction: TaxiEnv: 6 (number) invalid. Pass an action of Discrete(6).]`,
    );
  });

  test.each([
    [
      () => make('FrozenLake-v1', { map_name: '4x4' }),
      "FrozenLakeEnv: unknown option 'map_name'. Did you mean 'mapName'?",
    ],
    [() => make('FrozenLake-v1', { mapName: '5x5' }), 'FrozenLakeEnv: expected a mapName out of 4x4, 8x8, got "5x5".'],
    [() => make('FrozenLake-v1', { mapName: 'toString' }), 'got "toString".'],
    [() => make('FrozenLake-v1', { desc: [] }), 'of S (start), F (frozen), H (hole) and G (goal) as desc, got [].'],
    [() => make('FrozenLake-v1', { desc: ['SX'] }), 'as desc, got ["SX"].'],
    [() => make('FrozenLake-v1', { desc: ['SF', 'G'] }), 'expected rows of equal length as desc, got lengths 2, 1.'],
    [() => make('FrozenLake-v1', { desc: ['FG'] }), 'expected a start S in desc.'],
    [() => make('FrozenLake-v1', { successRate: 1.5 }), 'expected a number from 0 to 1 as successRate, got 1.5.'],
    [() => make('FrozenLake-v1', { rewardSchedule: [1, 0] }), '[goal, hole, frozen] as rewardSchedule, got [1,0].'],
    [() => make('CliffWalking-v1', { isSlippery: 'yes' }), 'expected true or false as isSlippery, got "yes".'],
    [() => make('Taxi-v4', { rainyProbability: NaN }), 'expected a number from 0 to 1 as rainyProbability, got NaN.'],
    [() => make('Blackjack-v1', { renderMode: 'ansi' }), 'expected a renderMode out of rgb_array, got "ansi".'],
    [() => make('Taxi-v3'), 'Environment version v3 for `Taxi` is deprecated. Please use `Taxi-v4` instead.'],
  ])('options %#', (bad, message) => {
    expect(bad).toThrow(ConfigError);
    expect(bad).toThrow(message);
  });

  test('a state of another map', () => {
    const [small, large] = [new FrozenLakeEnv({ mapName: null }), new FrozenLakeEnv({ desc: ['SG'] })];
    small.reset({ seed: 0 });
    expect(() => large.setState(small.getState())).toThrow('expected a state of a map of 2 tiles');
  });
});

test('two workers that import this package give what this thread gives, infos included', async () => {
  const options = { numEnvs: 3, autoresetMode: 'SameStep', isRainy: true } as const;
  const sync = await makeVec('Taxi-v4', options);
  const imports = [import.meta.resolve('@tessera/env-toy-text')];
  const workers = await makeVec('Taxi-v4', { ...options, vectorizationMode: 'worker', numWorkers: 2, imports });
  try {
    expect(await workers.reset({ seed: 1 })).toEqual(await sync.reset({ seed: 1 }));
    for (let i = 0; i < 6; i++) expect(await workers.step([i, 1, 3])).toEqual(await sync.step([i, 1, 3]));
  } finally {
    await workers.close();
  }
});
