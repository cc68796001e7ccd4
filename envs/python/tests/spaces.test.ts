// Spaces of every kind that crosses over: rebuilt here they are Python's own, and their values arrive and leave unchanged.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
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

const bridge = fileURLToPath(new URL('../python', import.meta.url));
/** What a script prints that has the bridge's modules and the fixtures. */
const runPython = (script: string): string =>
  execFileSync(python!, ['-B', '-c', script, bridge, fixtures], { encoding: 'utf8' });

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
    // How many there are in the last one is lost in Gymnasium.
    [
      'Stacks of nothing',
      [
        [[[], []], []],
        [[{ a: [], b: [] }], []],
        [[[], []], []],
      ],
      [
        '(float32 [[], []], {a: float32 [[]], b: float32 [[[], []]]}, ())',
        '(float32 [], {a: float32 [], b: float32 []}, ())',
      ],
    ],
    [
      'spaces of 64 bits',
      [
        BigUint64Array.of(2n ** 63n + 4n, 2n ** 60n + 2n, 5n, 2n ** 60n),
        BigInt64Array.of(2n ** 31n - 1n, 0n),
        BigInt64Array.of(-(2n ** 40n), 6n - 2n ** 40n),
        BigUint64Array.of(3n, 2n ** 40n + 2n),
        [
          {
            nodes: Int32Array.of(2),
            edges: BigUint64Array.of(2n ** 33n),
            edgeLinks: Int32Array.of(0, 0),
          },
          { nodes: Int32Array.of(1, 2), edges: null, edgeLinks: null },
        ],
      ],
      [
        '(uint64 [9223372036854775812, 1152921504606846978], int64 [2147483647], int64 [-1099511627776], uint64 3, ' +
          '(uint64 [2], uint64 [8589934592], int32 [[0, 0]]))',
        '(uint64 [5, 1152921504606846976], int64 [0], int64 [-1099511627770], uint64 1099511627778, (uint64 [1, 2], None, None))',
      ],
    ],
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

  test("of a class of one's own are those of Gymnasium's that it is derived from", async () => {
    const envs = await fixture<Int32Array>('Echo-v1', { numEnvs: 2, numWorkers: 1, kind: "class of one's own" });
    expect(String(envs.singleActionSpace)).toBe(
      "Dict('where': Box(-2.0, 2.0, (2,), float32), 'what': Sequence(Box(-1.0, 1.0, (2,), float32), stack=True))",
    );
    await envs.reset({ seed: 0 });
    const { info } = await envs.step({
      what: [Float32Array.of(0.5, -0.5), new Float32Array(0)],
      where: Float32Array.of(0, 1.5, -2, 0),
    });
    expect(info['echo']).toEqual([
      '{where: float32 [0.0, 1.5], what: float32 [[0.5, -0.5]]}',
      '{where: float32 [-2.0, 0.0], what: float32 []}',
    ]);
    // What the class forbids besides, only Python knows.
    const corner = { what: [new Float32Array(0), new Float32Array(0)], where: Float32Array.of(2, 2, 0, 0) };
    await expect(envs.step(corner)).rejects.toThrow(/environment 0: step: AssertionError/);
  });

  test('of uint64 take all actions that they hold, and no other', async () => {
    const envs = await fixture<Int32Array>('Echo-v1', { numEnvs: 2, numWorkers: 1, kind: 'uint64' });
    await envs.reset({ seed: 0 });
    const { info } = await envs.step([0, 2n ** 64n - 1n, 7, 2n ** 53n + 1n] as never);
    expect(info['echo']).toEqual(['uint64 [0, 18446744073709551615]', 'uint64 [7, 9007199254740993]']);
    for (const wrong of [-1, 2n ** 64n, 0.5, NaN]) {
      await expect(envs.step([0, 0, 0, wrong as number])).rejects.toThrow(InvalidAction);
    }
  });

  test('of bytes in the other order send theirs in one', () => {
    const script = `
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from gymnasium import spaces
from tessera_bridge.spaces import Leaf
leaf = Leaf(spaces.Box(-1, 1, (2,), np.dtype(">f4")), [])
row = np.zeros(leaf.shape, leaf.dtype)
leaf.write(row, np.array([0.5, -1], ">f4"), True)
print(row.tobytes().hex())`;
    const hex = runPython(script).trim();
    expect(new Float32Array(Uint8Array.from(Buffer.from(hex, 'hex')).buffer)).toEqual(Float32Array.of(0.5, -1));
  });

  test('without a place here, and where they are', () => {
    const script = `
import json, sys
sys.path[:0] = sys.argv[1:]
from tessera_bridge.batch import checked_leaves
from tessera_bridge.spaces import Unsupported
from tessera_fixtures import Echo
def refuse(kind):
    try:
        checked_leaves("action", Echo.KINDS[kind])
    except Unsupported as unsupported:
        return str(unsupported)
print(json.dumps([refuse(kind) for kind in ("Compass", "Lamp", "Dates", "Stack of Dict")]))`;
    const wayOut =
      "Wrap the environment in Python (TransformObservation, TransformAction) so that its space is one of Gymnasium's";
    expect(JSON.parse(runPython(script))).toEqual([
      `the action space at a/1/*: Compass() is of the class tessera_fixtures.Compass, which is none of Gymnasium's. ${wayOut}`,
      `the action space at a/1: samples of the class tessera_fixtures.Lamp are not of the one that it is derived from: expected shape () of Discrete(3), got (3,). ${wayOut}`,
      `the action space: Dates() is of the dtype datetime64[D], of which JavaScript has no arrays. ${wayOut}`,
      'the action space: Gymnasium itself cannot tell whether a value is in Sequence(Tuple(Dict(), Discrete(2)), stack=True) ' +
        '(ValueError: not enough values to unpack (expected 2, got 0)). Leave parts without values out of it',
    ]);
  });

  test.each<[kind: string, message: string]>([
    ['Graph of nothing', 'Graph: expected features of at least one number, got Box([], [], (0,), float32).'],
    ['Empty', 'the action space has no values. Give it at least one part.'],
  ])('without a place here: %s', async (kind, message) => {
    const error = await fixture('Echo-v1', { kind }).then(String, (reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(message);
  });
});
