// Python's own check_env, run in Python on an environment that lives behind the bridge: Python -> this test -> bridge -> the environment. And CartPole behind the
// bridge against CartPole itself, bit for bit.
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import '@tessera/env-classic-control';
import type { PythonVectorEnv } from '@tessera/env-python';
import { makeVec } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { bridged, fixtures, python, whyNoPython } from './support.ts';

type Question =
  | { readonly call: 'spaces' }
  | { readonly call: 'reset'; readonly seed: number | null; readonly options: Record<string, unknown> | null }
  | { readonly call: 'step'; readonly action: unknown }
  | { readonly call: 'done'; readonly error: string | null };

const listOf = (values: unknown): unknown => (ArrayBuffer.isView(values) ? Array.from(values as Float32Array) : values);
const rowOf = (info: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(info)
      .filter(([key]) => !key.startsWith('_'))
      .map(([key, values]) => [key, listOf((values as unknown[])[0])]),
  );

async function answer(envs: PythonVectorEnv<unknown>, question: Question): Promise<unknown> {
  if (question.call === 'spaces') {
    return { observation: envs.singleObservationSpace.toJSON(), action: envs.singleActionSpace.toJSON() };
  }
  if (question.call === 'reset') {
    const { observation, info } = await envs.reset({
      seed: question.seed ?? undefined,
      ...(question.options !== null && { options: question.options }),
    });
    return { observation: listOf(observation), info: rowOf(info) };
  }
  if (question.call !== 'step') throw new Error('nothing to answer');
  const actions = Array.isArray(question.action) ? question.action : [question.action];
  const { observation, reward, terminated, truncated, info } = await envs.step(actions as number[]);
  const flags = { terminated: terminated[0] === 1, truncated: truncated[0] === 1 };
  return { observation: listOf(observation), reward: reward[0], ...flags, info: rowOf(info) };
}

async function check(id: string): Promise<string | null> {
  const envs = await bridged<unknown>(id, { autoresetMode: 'Disabled' });
  const script = fileURLToPath(new URL('check_bridged.py', `file://${fixtures}/`));
  const child = spawn(python!, [script, id], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    for await (const line of createInterface(child.stdout)) {
      const question = JSON.parse(line) as Question;
      if (question.call === 'done') return question.error;
      child.stdin.write(`${JSON.stringify(await answer(envs, question))}\n`);
    }
    return 'it ended without a word';
  } finally {
    child.kill();
  }
}

describe.skipIf(python === undefined)(`Python's check_env${whyNoPython}`, () => {
  test.each([
    'CartPole-v1',
    'Pendulum-v1',
    'FrozenLake-v1',
    'MountainCarContinuous-v0',
    'tessera_fixtures:Tessera/Counter-v1',
  ])('passes on %s behind the bridge', async (id) => {
    expect(await check(id)).toBe(null);
  });

  test('and does not pass on one that is broken', async () => {
    expect(await check('tessera_fixtures:Tessera/Unseeded-v1')).toMatch(/AssertionError.*seed/i);
  });
});

describe.skipIf(python === undefined)(`CartPole${whyNoPython}`, () => {
  const script = `
import json, sys
import gymnasium as gym, numpy as np
env, (seed, actions) = gym.make("CartPole-v1"), json.loads(sys.argv[1])
out, (observation, _), ended = [], env.reset(seed=seed), False
out.append([observation.tobytes().hex(), 0, False, False])
for action in actions:
    if ended:
        observation, reward, terminated, truncated = env.reset()[0], 0.0, False, False
    else:
        observation, reward, terminated, truncated, _ = env.step(action)
    ended = terminated or truncated
    out.append([observation.tobytes().hex(), reward, bool(terminated), bool(truncated)])
print(json.dumps(out))`;

  test.prop(
    [
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 100, maxLength: 300 }),
    ],
    {
      numRuns: 2,
    },
  )('behind the bridge is CartPole itself, bit for bit', async (seed, actions) => {
    const expected: unknown = JSON.parse(
      execFileSync(python!, ['-c', script, JSON.stringify([seed, actions])], { encoding: 'utf8' }),
    );
    const envs = await bridged('CartPole-v1');
    const hex = (values: Float32Array): string =>
      Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex');
    const got: unknown[] = [[hex((await envs.reset({ seed })).observation), 0, false, false]];
    for (const action of actions) {
      const { observation, reward, terminated, truncated } = await envs.step([action]);
      got.push([hex(observation), reward[0], terminated[0] === 1, truncated[0] === 1]);
    }
    expect(got).toEqual(expected);
  });

  test.prop(
    [fc.integer({ min: 0, max: 2 ** 31 }), fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 50, maxLength: 200 })],
    {
      numRuns: 3,
    },
  )('behind the bridge is the one written here', async (seed, draws) => {
    const numEnvs = 2;
    const [theirs, ours] = await Promise.all([
      bridged('CartPole-v1', { numEnvs, numWorkers: 1 }),
      makeVec('CartPole-v1', { numEnvs, vectorizationMode: 'sync' }),
    ]);
    expect(theirs.singleObservationSpace.equals(ours.singleObservationSpace)).toBe(true);
    expect((await theirs.reset({ seed })).observation).toEqual((await ours.reset({ seed })).observation);
    for (const [t, draw] of draws.entries()) {
      const actions = [draw, 1 - draw];
      expect([t, await theirs.step(actions)]).toEqual([t, await ours.step(actions)]);
    }
  });
});
