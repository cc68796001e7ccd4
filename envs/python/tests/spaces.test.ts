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

  test('take actions of a Dict, a batch for each part', async () => {
    const envs = await fixture<Nested>('Nested-v1', { numEnvs: 3, numWorkers: 2 });
    await envs.reset({ seed: 0 });
    const actions = {
      move: Int32Array.of(2, 1, 0),
      push: Float32Array.of(0, 0, 0, 0.25, 0, 0.5),
      say: ['ab', 'ab', 'b'],
    };
    const { observation, reward, info } = await envs.step(actions);
    expect([...reward]).toEqual([0, 0.25, 0.5]);
    expect(info).toMatchObject({ ok: Uint8Array.of(1, 1, 1), move: Float64Array.of(2, 1, 0) });
    expect(observation.word).toEqual(['ab', 'ab', 'b']);
    const few = { move: Int32Array.of(1, 1), push: new Float32Array(4), say: ['a', 'a'] };
    await expect(envs.step(few)).rejects.toThrow(new InvalidAction('VectorEnv.step: expected 3 actions, got 2.'));
    const wrong = { ...actions, say: ['a', 'c', 'a'] };
    await expect(envs.step(wrong)).rejects.toThrow(/^VectorEnv\.step: action 1: at "say": expected a value of Text\(/);
    await expect(envs.step({ move: actions.move })).rejects.toThrow(InvalidAction);
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
    const actions = { move: Int32Array.of(0, 0), push: new Float32Array(4), say: ['a', 'a'] };
    const { truncated, info } = await envs.step(actions);
    expect([...truncated]).toEqual([1, 1]);
    const last = info['finalObs'] as unknown as { word: string; knobs: Int32Array }[];
    expect(last.map(({ word }) => word)).toEqual(observation.word);
    expect(last[1]!.knobs).toEqual(observation.knobs.subarray(2));
  });

  test.each<[kind: string, actions: readonly unknown[], echo: string[]]>([
    ['MultiDiscrete', [1, 4, 0, 3], ['int64 [1, 4]', 'int64 [0, 3]']],
    ['MultiBinary', [1, 0, 0, 1], ['int8 [1, 0]', 'int8 [0, 1]']],
    ['Box', [0.5, -0.25, 1, 0], ['float32 [0.5, -0.25]', 'float32 [1.0, 0.0]']],
    [
      'Tuple',
      [Int32Array.of(1, 0), Float32Array.of(0.5, -0.5)],
      ['(int64 1, float32 [0.5])', '(int64 0, float32 [-0.5])'],
    ],
    ['Discrete', [1, 0], ['int64 1', 'int64 0']],
    ['Sequence', [[1, 0], []], ['(int64 1, int64 0)', '()']],
    [
      'Stack',
      [Float32Array.of(0.5, 0, -0.25, -0), new Float32Array(0)],
      ['float32 [[0.5, 0.0], [-0.25, -0.0]]', 'float32 []'],
    ],
    ['Stacked texts', [['ab', 'c'], []], ["('ab', 'c')", '()']],
    [
      'OneOf',
      [
        [0, 1],
        [1, 'x'],
      ],
      ['(int64 0, int64 1)', "(int64 1, 'x')"],
    ],
    [
      'Graph',
      [
        { nodes: Float64Array.of(1, 0, 0.1, 0), edges: Int32Array.of(2), edgeLinks: Int32Array.of(1, 0) },
        { nodes: Float64Array.of(0, 1), edges: null, edgeLinks: null },
      ],
      ['(float64 [[1.0, 0.0], [0.1, 0.0]], int64 [2], int32 [[1, 0]])', '(float64 [[0.0, 1.0]], None, None)'],
    ],
  ])('actions of a %s arrive as Python makes them', async (kind, actions, echo) => {
    const envs = await fixture<Int32Array>('Echo-v1', { numEnvs: 2, numWorkers: 1, kind });
    await envs.reset({ seed: 0 });
    expect((await envs.step(actions)).info['echo']).toEqual(echo);
    await expect(envs.step(actions.slice(1))).rejects.toThrow(InvalidAction);
  });

  test.each<[kind: string, message: string]>([
    ['Stack of nothing', 'a stacked Sequence of values without numbers'],
    ['uint64', 'a space of dtype uint64'],
    ['Empty', 'the action space has no values. Give it at least one part.'],
  ])('without a place here: %s', async (kind, message) => {
    const error = await fixture('Echo-v1', { kind }).then(String, (reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(message);
  });
});
