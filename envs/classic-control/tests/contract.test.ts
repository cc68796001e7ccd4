// Every registered environment keeps the contract, whatever the seed, the actions and the options; and bad input is refused by name.
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import {
  AcrobotEnv,
  CartPoleEnv,
  ContinuousMountainCarEnv,
  MountainCarEnv,
  PendulumEnv,
} from '@tessera/env-classic-control';
import { Box, checkEnv, InvalidAction, make, makeVec, registry, ResetNeeded, setWarningHandler } from 'gymnasium-js';
import type { Env } from 'gymnasium-js';
import 'gymnasium-js/node';
import { describe, expect } from 'vitest';

const warnings: string[] = [];
setWarningHandler((message) => warnings.push(message));

const made = (id: string, options: object = {}) => [`${id} ${JSON.stringify(options)}`, () => make(id, { ...options })];
const variants = [
  ...[...registry.keys()].map((id) => made(id)),
  ...[...registry.keys()].map((id) => made(id, { renderMode: 'rgb_array', renderSize: [5, 9] })),
  made('CartPole-v1', { suttonBartoReward: true, maxEpisodeSteps: 3 }),
  made('Pendulum-v1', { g: 9.81, maxEpisodeSteps: 7 }),
  made('Acrobot-v1', { torqueNoiseMax: 0.5, bookOrNips: 'nips' }),
  ['CartPoleEnv', () => new CartPoleEnv()],
  ['AcrobotEnv', () => new AcrobotEnv()],
  ['PendulumEnv', () => new PendulumEnv()],
  ['MountainCarEnv', () => new MountainCarEnv()],
  ['ContinuousMountainCarEnv', () => new ContinuousMountainCarEnv()],
] as [string, () => Env<unknown, unknown>][];

const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 70n }));

describe.each(variants)('%s', (_name, fresh) => {
  const space = fresh().actionSpace;
  const limit = space instanceof Box ? Number(space.high[0]) : 0;
  const action: fc.Arbitrary<unknown> =
    space instanceof Box
      ? fc.float({ min: -limit, max: limit, noNaN: true }).map((x) => Float32Array.of(x))
      : fc.nat({ max: (space as unknown as { n: number }).n - 1 });

  test.prop([seed, fc.array(action, { maxLength: 25 })], { numRuns: 20 })('keeps the contract', (seed, actions) => {
    checkEnv(fresh(), { seed, actions, fresh });
  });
});

test.each(variants.slice(0, 6))('%s: observations stay in the space, for 5000 random steps', (_name, fresh) => {
  const env = fresh();
  env.actionSpace.seed(1);
  env.reset({ seed: 1 });
  const bad: unknown[] = [];
  for (let t = 0; t < 5000; t++) {
    const { observation, reward, terminated, truncated } = env.step(env.actionSpace.sample());
    if (!env.observationSpace.contains(observation) || !Number.isFinite(reward)) bad.push([t, observation, reward]);
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
  // print(spec.max_episode_steps, spec.reward_threshold, env.observation_space, env.action_space)
  expect(facts).toEqual([
    [
      'CartPole-v0',
      200,
      195,
      'Box([-4.8               -inf -0.41887903        -inf], [4.8               inf 0.41887903        inf], (4,), float32)',
      'Discrete(2)',
    ],
    [
      'CartPole-v1',
      500,
      475,
      'Box([-4.8               -inf -0.41887903        -inf], [4.8               inf 0.41887903        inf], (4,), float32)',
      'Discrete(2)',
    ],
    ['MountainCar-v0', 200, -110, 'Box([-1.2  -0.07], [0.6  0.07], (2,), float32)', 'Discrete(3)'],
    [
      'MountainCarContinuous-v0',
      999,
      90,
      'Box([-1.2  -0.07], [0.6  0.07], (2,), float32)',
      'Box(-1.0, 1.0, (1,), float32)',
    ],
    ['Pendulum-v1', 200, undefined, 'Box([-1. -1. -8.], [1. 1. 8.], (3,), float32)', 'Box(-2.0, 2.0, (1,), float32)'],
    [
      'Acrobot-v1',
      500,
      -100,
      'Box([ -1.        -1.        -1.        -1.       -12.566371 -28.274334], [ 1.        1.        1.        1.       12.566371 28.274334], (6,), float32)',
      'Discrete(3)',
    ],
  ]);
});

describe('bad input', () => {
  const junk: unknown[] = [2.5, -1, 3, NaN, Infinity, '1', null, undefined, {}, [], [0], true, Float32Array.of(0, 1)];

  test.each(['CartPole-v1', 'MountainCar-v0', 'Acrobot-v1', 'Pendulum-v1', 'MountainCarContinuous-v0'])(
    'actions that %s does not have',
    (id) => {
      const env = make<Float32Array, unknown>(id);
      env.reset({ seed: 0 });
      for (const action of junk.filter((action) => !env.actionSpace.contains(action))) {
        expect(() => env.step(action)).toThrow(InvalidAction);
        const bare = env.unwrapped;
        // Bare environments cut a number that is too large off, as Gymnasium's do.
        expect(() => bare.step(action)).toThrow(InvalidAction);
      }
    },
  );

  test('of bare environments, with the words of Gymnasium', () => {
    const cartPole = new CartPoleEnv();
    expect(() => cartPole.step(0)).toThrow(ResetNeeded);
    expect(() => cartPole.step(0)).toThrow('Call reset before using step method.');
    for (const env of [new AcrobotEnv(), new MountainCarEnv()]) expect(() => env.step(0)).toThrow(ResetNeeded);
    for (const env of [new PendulumEnv(), new ContinuousMountainCarEnv()]) {
      expect(() => env.step([0])).toThrow(ResetNeeded);
    }
    cartPole.reset({ seed: 0 });
    expect(() => cartPole.step(2)).toThrowErrorMatchingInlineSnapshot(
      `[InvalidAction: CartPoleEnv: 2 (number) invalid. Pass an action of Discrete(2).]`,
    );
    expect(() => new PendulumEnv().step([NaN])).toThrowErrorMatchingInlineSnapshot(
      `[InvalidAction: PendulumEnv: [NaN] invalid. Pass an array of one finite number: Float32Array.of(0.5).]`,
    );
  });

  test.each([
    [() => make('CartPole-v1', { suttonBartoReword: true }), "unknown option 'suttonBartoReword'. Did you mean"],
    [() => make('CartPole-v1', { suttonBartoReward: 1 }), 'expected true or false as suttonBartoReward, got 1.'],
    [() => make('MountainCar-v0', { goalVelocity: NaN }), 'expected a finite number as goalVelocity, got NaN.'],
    [() => make('Pendulum-v1', { g: '10' }), 'expected a finite number as g, got "10".'],
    [() => make('Acrobot-v1', { bookOrNips: 'paper' }), 'expected bookOrNips to be book or nips, got "paper".'],
    [
      () => make('Acrobot-v1', { torqueNoiseMax: -1 }),
      'expected a number from 0 to 1000000 as torqueNoiseMax, got -1.',
    ],
    [() => make('CartPole-v1', { renderMode: 'human' }), 'expected a renderMode out of rgb_array, got "human".'],
    [() => make('CartPole-v1', { renderSize: 0 }), '[height, width], as renderSize, got 0.'],
    [() => make('CartPole-v1', { renderSize: [64] }), 'as renderSize, got [64].'],
    [() => make('CartPole-v1', { renderSize: [64, 1e9] }), 'as renderSize, got [64,1000000000].'],
    [() => make('CartPole-v2'), "Environment version `v2` for environment `CartPole` doesn't exist."],
    [() => make('Cartpole-v1'), "Environment `Cartpole` doesn't exist. Did you mean: `CartPole`?"],
  ])('options %#', (bad, message) => {
    expect(bad).toThrow(ConfigError);
    expect(bad).toThrow(message);
  });

  test.each([
    ['CartPole-v1', { low: 0.1, high: 0 }, 'Lower bound (0.1) must be lower than higher bound (0).'],
    [
      'CartPole-v1',
      { low: 'abc' },
      'An option (low) could not be converted to a float. Expected a finite number, got string "abc".',
    ],
    ['Acrobot-v1', { high: null }, 'An option (high) could not be converted to a float.'],
    ['MountainCar-v0', { low: NaN }, 'Expected a finite number, got NaN.'],
    ['MountainCarContinuous-v0', { high: -1 }, 'Lower bound (-0.6) must be lower than higher bound (-1).'],
    ['Pendulum-v1', { xInit: Infinity }, 'An option (xInit) could not be converted to a float.'],
    ['Pendulum-v1', { yInit: -1 }, 'low <= high'],
  ])('%s: options of reset %o', (id, options, message) => {
    const env = make(id);
    const before = env.reset({ seed: 3 });
    expect(() => env.reset({ seed: 4, options })).toThrow(ConfigError);
    expect(() => env.reset({ seed: 4, options })).toThrow(message);
    expect(env.reset({ seed: 3 })).toEqual(before);
  });

  test('angles from far away come back, and velocities that overflow end in an error, not in a loop', () => {
    const env = make('Acrobot-v1', { disableEnvChecker: true });
    for (const high of [1e5, 1e17, 1e300]) {
      env.reset({ seed: 0, options: { low: -high, high } });
      expect(env.step(0).observation.length).toBe(6);
    }
    const checked = make('Acrobot-v1');
    expect(() => checked.reset({ seed: 0, options: { low: 99, high: 100 } })).toThrow('outside the observation space');
  });
});

test('a step after the end of CartPole: reward 0, and one warning', () => {
  const env = new CartPoleEnv();
  env.reset({ seed: 0 });
  while (!env.step(0).terminated);
  warnings.length = 0;
  expect([env.step(0).reward, env.step(0).reward]).toEqual([0, 0]);
  expect(warnings).toEqual([expect.stringContaining("You are calling 'step()' even though")]);
});

test('two workers that import this package give what this thread gives', async () => {
  const options = { numEnvs: 3, autoresetMode: 'SameStep' } as const;
  const sync = await makeVec('Pendulum-v1', options);
  const imports = [import.meta.resolve('@tessera/env-classic-control')];
  const workers = await makeVec('Pendulum-v1', { ...options, vectorizationMode: 'worker', numWorkers: 2, imports });
  try {
    expect(await workers.reset({ seed: 1 })).toEqual(await sync.reset({ seed: 1 }));
    for (let i = 0; i < 6; i++) {
      const actions = Float32Array.of(i / 3 - 1, 0.5, -2);
      expect(await workers.step(actions)).toEqual(await sync.step(actions));
    }
  } finally {
    await workers.close();
  }
});
