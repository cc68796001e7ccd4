// CartPoleVectorEnv: Gymnasium's numbers, and the physics and rules of the single environment in every row.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import { CartPoleEnv, CartPoleVectorEnv } from '@tessera/env-classic-control';
import {
  ClosedEnvironmentError,
  InvalidAction,
  makeVec,
  ResetNeeded,
  setWarningHandler,
  SyncVectorEnv,
} from 'gymnasium-js';
import type { MakeVecOptions } from 'gymnasium-js';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { policies } from './policies.ts';

interface Case {
  id: string;
  policy: string;
  numEnvs: number;
  kwargs?: Record<string, unknown>;
  options?: Record<string, unknown>;
  seed: string;
  steps: number;
}

/** Of each 50 steps a hash of everything, and how many episodes ended. */
type Trace = Case & { stretches: [digest: string, ends: number][] };

const warnings: string[] = [];
beforeAll(() => void setWarningHandler((message) => warnings.push(message)));
afterAll(() => void setWarningHandler());

async function play({ id, policy, numEnvs, kwargs, options, seed, steps }: Case): Promise<Trace['stretches']> {
  const envs = await makeVec(id, { numEnvs, ...kwargs });
  expect(envs).toBeInstanceOf(CartPoleVectorEnv);
  envs.actionSpace!.seed(BigInt(seed));
  let { observation } = await envs.reset({ seed: BigInt(seed), options });
  const stretches: Trace['stretches'] = [];
  let [digest, ends] = [createHash('sha256').update(observation), 0];
  for (let t = 1; t <= steps; t++) {
    const rows = Array.from({ length: numEnvs }, (_, i) => observation.subarray(4 * i, 4 * i + 4) as Float32Array);
    const actions = policy === 'random' ? envs.actionSpace!.sample() : rows.map((row) => policies[policy]!(row));
    const result = await envs.step(actions as number[]);
    ({ observation } = result);
    const { reward, terminated, truncated } = result;
    digest.update(observation).update(reward).update(terminated).update(truncated);
    for (let i = 0; i < numEnvs; i++) ends += terminated[i]! | truncated[i]!;
    if (t % 50 > 0) continue;
    stretches.push([digest.digest('hex').slice(0, 16), ends]);
    [digest, ends] = [createHash('sha256'), 0];
  }
  return stretches;
}

const traces = JSON.parse(readFileSync(new URL('golden/vector.json', import.meta.url), 'utf8')) as Trace[];
test.each(traces.map((trace) => [`${trace.numEnvs} ${trace.id} ${trace.policy}`, trace] as const))(
  'every bit of golden/vector.py: %s',
  async (_name, trace) => expect(await play(trace)).toEqual(trace.stretches),
);

const python = process.env['TESSERA_PYTHON'] || undefined;
function hasGymnasium(): boolean {
  try {
    execFileSync(python!, ['-c', 'import gymnasium; assert gymnasium.__version__ >= "1.3"'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const why =
  python !== undefined && hasGymnasium() ? '' : ' (skipped: TESSERA_PYTHON names no Python with gymnasium 1.3)';
const fresh = String(crypto.getRandomValues(new BigUint64Array(1))[0]);
test.skipIf(why !== '')(`against Python, seed ${fresh}${why}`, async () => {
  const base = { id: 'CartPole-v1', seed: fresh, steps: 600 };
  const cases: Case[] = [
    { ...base, policy: 'random', numEnvs: 33 },
    { ...base, policy: 'balance', numEnvs: 6, kwargs: { maxEpisodeSteps: 111 }, options: { low: -0.2, high: 0.01 } },
  ];
  const script = fileURLToPath(new URL('golden/vector.py', import.meta.url));
  const expected = JSON.parse(
    execFileSync(python!, [script, JSON.stringify(cases)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as Trace[];
  for (const [i, one] of cases.entries()) expect(await play(one)).toEqual(expected[i]!.stretches);
});

const numbers = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 40, maxLength: 80 });

test.prop([fc.nat(), fc.integer({ min: 1, max: 5 }), numbers, fc.boolean(), fc.integer({ min: 3, max: 40 })], {
  numRuns: 20,
})(
  'each row moves like a single environment, and starts anew in the step after its end',
  async (seed, numEnvs, draws, suttonBartoReward, maxEpisodeSteps) => {
    const envs = new CartPoleVectorEnv({ numEnvs, suttonBartoReward, maxEpisodeSteps });
    await envs.reset({ seed });
    const ages = Array.from({ length: numEnvs }, () => 0);
    const ended = ages.map(() => false);
    for (const [t, draw] of draws.entries()) {
      const { states } = (await envs.getState()) as unknown as { states: Float64Array };
      const actions = ages.map((_, i) => (draw + i * t) % 2);
      const { observation, reward, terminated, truncated } = await envs.step(actions);
      for (let i = 0; i < numEnvs; i++) {
        const row = observation.subarray(4 * i, 4 * i + 4);
        if (ended[i]) {
          expect([reward[i], terminated[i], truncated[i]]).toEqual([0, 0, 0]);
          expect(Math.max(...row.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.05));
          [ended[i], ages[i]] = [false, 0];
          continue;
        }
        const single = new CartPoleEnv({ suttonBartoReward });
        const state = states.slice(4 * i, 4 * i + 4);
        single.setState({ env: 'CartPoleEnv', data: { hasState: true, state, stepsBeyondTerminated: -1 } });
        const step = single.step(actions[i]!);
        ages[i]! += 1;
        expect([row, reward[i], terminated[i]]).toEqual([step.observation, step.reward, Number(step.terminated)]);
        expect(truncated[i]).toBe(Number(ages[i]! >= maxEpisodeSteps));
        ended[i] = step.terminated || truncated[i] === 1;
      }
    }
  },
);

test.prop([fc.nat(), numbers, fc.nat({ max: 39 })], { numRuns: 10 })(
  'goes on from a saved state as if nothing had happened',
  async (seed, draws, at) => {
    const build = (): CartPoleVectorEnv => new CartPoleVectorEnv({ numEnvs: 3, maxEpisodeSteps: 9 });
    const [envs, other] = [build(), build()];
    await envs.reset({ seed, options: { low: -0.01, high: 0.2 } });
    const actionsOf = (draw: number): number[] => [draw, 1 - draw, draw];
    for (const draw of draws.slice(0, at)) await envs.step(actionsOf(draw));
    await other.reset();
    await other.setState(structuredClone(await envs.getState()));
    for (const draw of draws.slice(at)) {
      expect(await other.step(actionsOf(draw))).toEqual(await envs.step(actionsOf(draw)));
    }
  },
);

describe('makeVec', () => {
  test('builds it by default, by name, and again from its spec; another mode builds single environments', async () => {
    const envs = await makeVec('CartPole-v1', { numEnvs: 2, suttonBartoReward: true, disableEnvChecker: true });
    expect(String(envs)).toBe('CartPoleVectorEnv(CartPole-v1, numEnvs=2)');
    const again = await makeVec(envs.spec!);
    expect([String(again), again.spec]).toEqual([String(envs), envs.spec]);
    const named = await makeVec('CartPole-v1', { vectorizationMode: 'vectorEntryPoint' });
    expect(named).toBeInstanceOf(CartPoleVectorEnv);
    expect(await makeVec('CartPole-v1', { vectorizationMode: 'sync' })).toBeInstanceOf(SyncVectorEnv);
    const sync = await makeVec('CartPole-v1', { vectorizationMode: 'sync', numEnvs: 2 });
    expect(envs.observationSpace!.equals(sync.observationSpace)).toBe(true);
    expect(envs.actionSpace!.equals(sync.actionSpace)).toBe(true);
    expect([envs.observationShape, envs.metadata]).toEqual([sync.observationShape, sync.metadata]);
  });

  test.each<[MakeVecOptions, string]>([
    [{ maxEpisodeSteps: 0 }, 'CartPoleVectorEnv: expected a whole number > 0 as maxEpisodeSteps, got 0.'],
    [{ suttonBartoReword: true }, "CartPoleVectorEnv: unknown option 'suttonBartoReword'. Did you mean"],
    [{ renderMode: 'human' }, 'CartPoleVectorEnv: expected a renderMode out of rgb_array, got "human".'],
    [
      { autoresetMode: 'SameStep' },
      'Cannot use `vectorEntryPoint` vectorization mode with autoresetMode: CartPole-v1.',
    ],
  ])('refuses %o', async (options, message) => {
    await expect(makeVec('CartPole-v1', options)).rejects.toThrow(message);
  });
});

test('draws every cart', async () => {
  const envs = new CartPoleVectorEnv({ numEnvs: 2, renderMode: 'rgb_array', renderSize: 16 });
  expect(await envs.render()).toEqual([undefined, undefined]);
  await envs.reset({ seed: 0, options: { low: -2, high: 2 } });
  const { states } = (await envs.getState()) as unknown as { states: Float64Array };
  const pictures = Array.from({ length: 2 }, (_, i) => {
    const single = new CartPoleEnv({ renderMode: 'rgb_array', renderSize: 16 });
    const state = states.slice(4 * i, 4 * i + 4);
    single.setState({ env: 'CartPoleEnv', data: { hasState: true, state, stepsBeyondTerminated: -1 } });
    return single.render();
  });
  expect(await envs.render()).toEqual(pictures);
  expect(pictures[0]).not.toEqual(pictures[1]);
  warnings.length = 0;
  expect(await new CartPoleVectorEnv().render()).toEqual([undefined]);
  expect(warnings).toEqual([expect.stringContaining('without specifying any render mode')]);
});

test('wrong calls', async () => {
  const envs = new CartPoleVectorEnv({ numEnvs: 2 });
  await expect(envs.step([0, 1])).rejects.toThrow(
    new ResetNeeded('CartPoleVectorEnv: Call reset before using step method.'),
  );
  await envs.reset({ seed: 0 });
  const before = await envs.getState();
  await expect(envs.step([0])).rejects.toThrow(new InvalidAction('VectorEnv.step: expected 2 actions, got 1 values.'));
  await expect(envs.step([0, 2])).rejects.toThrow(InvalidAction);
  await expect(envs.reset({ seed: [1, 2] })).rejects.toThrow(
    new ConfigError(
      "CartPoleVectorEnv: reset: a list of seeds does not work: all carts have one random stream. Give one seed for all, or build it with vectorizationMode: 'sync'.",
    ),
  );
  await expect(envs.reset({ options: { resetMask: [1, 0] } })).rejects.toThrow('resetMask does not work');
  await expect(envs.reset({ seed: 1, options: { low: 1, high: 0 } })).rejects.toThrow('Lower bound (1)');
  await expect(envs.reset({ seed: -1 })).rejects.toThrow(ConfigError);
  await expect(new CartPoleVectorEnv({ numEnvs: 3 }).setState(before)).rejects.toThrow(
    new ConfigError('CartPoleVectorEnv: setState: expected a state of CartPoleVectorEnv with 3 carts, got 2.'),
  );
  // Nothing of all that has changed anything.
  expect(await envs.getState()).toEqual(before);
  expect(() => new CartPoleVectorEnv({ numEnvs: 0 })).toThrow('expected a whole number > 0 as numEnvs, got 0.');
  await envs.close();
  await envs.close();
  await expect(envs.reset()).rejects.toThrow(ClosedEnvironmentError);
});
