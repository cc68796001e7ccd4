// Spaces of every kind that crosses over: rebuilt here they are Python's own, and their values arrive and leave unchanged.
import { execFileSync } from 'node:child_process';
import { test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import { InvalidAction } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { fixture, fixtures, python, whyNoPython } from './support.ts';

interface Nested {
  picture: Uint8Array;
  pair: [Int32Array, Int8Array];
  knobs: Int32Array;
  word: string[];
}

describe.skipIf(python === undefined)(`spaces${whyNoPython}`, () => {
  test('of a Dict are an array for each part', async () => {
    const envs = await fixture<Nested>('Nested-v1', { numEnvs: 3, numWorkers: 2 });
    const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
from tessera_fixtures import Nested
print(json.dumps([str(Nested.observation_space), str(Nested.action_space)]))`;
    const texts: unknown = JSON.parse(execFileSync(python!, ['-c', script, fixtures], { encoding: 'utf8' }));
    expect([String(envs.singleObservationSpace), String(envs.singleActionSpace)]).toEqual(texts);
    // Both sides draw the same numbers from the same seed, so the rebuilt space tells what the environment samples.
    const { observation } = await envs.reset({ seed: 5 });
    for (let i = 0; i < 3; i++) {
      envs.singleObservationSpace.seed(5 + i);
      const sample = envs.singleObservationSpace.sample() as {
        picture: Uint8Array;
        pair: [number, Int8Array];
        knobs: Int32Array;
        word: string;
      };
      expect(observation.picture.subarray(18 * i, 18 * i + 18)).toEqual(sample.picture);
      expect(observation.pair[0][i]).toBe(sample.pair[0]);
      expect(observation.pair[1].subarray(4 * i, 4 * i + 4)).toEqual(sample.pair[1]);
      expect(observation.knobs.subarray(2 * i, 2 * i + 2)).toEqual(sample.knobs);
      expect(observation.word[i]).toBe(sample.word);
    }
  });

  test('take actions of a Dict, one value for each environment', async () => {
    const envs = await fixture<Nested>('Nested-v1', { numEnvs: 3, numWorkers: 2 });
    await envs.reset({ seed: 0 });
    const actions = [0, 1, 2].map((i) => ({
      move: 2 - i,
      push: Float32Array.of(0, i / 4),
      say: 'ab'.slice(i === 2 ? 1 : 0),
    }));
    const { observation, reward, info } = await envs.step(actions);
    expect([...reward]).toEqual([0, 0.25, 0.5]);
    expect(info).toMatchObject({ ok: Uint8Array.of(1, 1, 1), move: Float64Array.of(2, 1, 0) });
    expect(observation.word).toEqual(['ab', 'ab', 'b']);
    await expect(envs.step(actions.slice(1))).rejects.toThrow(
      new InvalidAction('VectorEnv.step: expected 3 actions, got 2.'),
    );
    const wrong = actions.with(1, { ...actions[1]!, say: 'c' });
    await expect(envs.step(wrong)).rejects.toThrow(/^VectorEnv\.step: action 1: expected a value of Dict\(/);
    await expect(envs.step(3 as never)).rejects.toThrow(InvalidAction);
  });

  test('of a lost child keep what was seen last', async () => {
    const envs = await fixture<Nested>('Nested-v1', {
      numEnvs: 2,
      restart: 1,
      autoresetMode: 'SameStep',
      numWorkers: 1,
    });
    const { observation } = await envs.reset({ seed: 0 });
    process.kill(envs.pids[0]!, 'SIGKILL');
    const action = { move: 0, push: Float32Array.of(0, 0), say: 'a' };
    const { truncated, info } = await envs.step([action, action]);
    expect([...truncated]).toEqual([1, 1]);
    const last = info['finalObs'] as unknown as { word: string[]; knobs: Int32Array[]; pair: unknown[] };
    expect(last.word).toEqual(observation.word);
    expect(last.knobs[1]).toEqual(observation.knobs.subarray(2));
  });

  test.each<[name: string, actions: unknown[][], flat: number[]]>([
    [
      'MultiDiscrete',
      [
        [1, 4],
        [0, 3],
      ],
      [1, 4, 0, 3],
    ],
    [
      'MultiBinary',
      [
        [1, 0],
        [0, 1],
      ],
      [1, 0, 0, 1],
    ],
    ['Box', [], [0.5, -0.25, 1, 0]],
    [
      'Tuple',
      [
        [1, Float32Array.of(0.5)],
        [0, Float32Array.of(-0.5)],
      ],
      [],
    ],
  ])('actions of a %s, as values or flat', async (kind, actions, flat) => {
    const envs = await fixture<{ echo: string[] }>('Echo-v1', { numEnvs: 2, numWorkers: 1, kind });
    await envs.reset({ seed: 0 });
    const texts: unknown[] = [];
    for (const given of [actions, flat]) {
      if (given.length > 0) texts.push((await envs.step(given)).info['echo']);
    }
    const expected = {
      MultiDiscrete: ['int64 [1, 4]', 'int64 [0, 3]'],
      MultiBinary: ['int8 [1, 0]', 'int8 [0, 1]'],
      Box: ['float32 [0.5, -0.25]', 'float32 [1.0, 0.0]'],
      Tuple: ['(int64 1, float32 [0.5])', '(int64 0, float32 [-0.5])'],
    }[kind];
    expect(texts.length).toBeGreaterThan(0);
    for (const text of texts) expect(text).toEqual(expected);
  });

  test.each<[kind: string, message: string]>([
    ['Sequence', 'a space of class Sequence'],
    ['uint64', 'a space of dtype uint64'],
    ['Empty', 'the action space has no values. Give it at least one part.'],
  ])('without a place here: %s', async (kind, message) => {
    const error = await fixture('Echo-v1', { kind }).then(String, (reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(message);
  });
});
