// Sequences, graphs and one of several spaces: their values cross over in both directions without the loss of a bit, and nothing else does.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fc, test } from '@fast-check/vitest';
import { EnvironmentError, FormatError } from '@tessera/core';
import type { PythonVectorEnv } from '@tessera/env-python';
import {
  Box,
  concatenate,
  createEmptyArray,
  Discrete,
  Graph,
  InvalidAction,
  iterate,
  OneOf,
  Sequence,
  Text,
} from 'gymnasium-js';
import type { BatchedActions, Space } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { anySpace, seed as anySeed } from '../../gymnasium-js/tests/spaces/arbitrary-space.ts';
import { decodeLoose, encodeLoose } from '../src/loose.ts';
import { encodeFrame, FrameReader } from '../src/protocol.ts';
import { fixture, fixtures, python, whyNoPython } from './support.ts';

/** The value with its arrays as their bytes: NaN and -0 are compared too. */
function bits(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name} ${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  }
  if (Array.isArray(value)) return value.map(bits);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bits(item)]));
}

const overJson = (space: Space<unknown>, value: unknown): unknown =>
  decodeLoose(space, JSON.parse(JSON.stringify(encodeLoose(space, value))));

describe('as JSON', () => {
  const loose = anySpace.map((space) => new Sequence<Space<unknown>, boolean>(space));
  test.prop([loose, anySeed])('values of any space come back as they were', (space, seed) => {
    space.seed(seed);
    const value = space.sample();
    expect(bits(overJson(space, value))).toEqual(bits(value));
  });

  test.prop([fc.array(fc.tuple(fc.float(), fc.float())), fc.array(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))])(
    'all numbers come back as they were',
    (pairs, wholes) => {
      const reals = new Sequence(new Box({ low: -Infinity, high: Infinity, shape: [2] }));
      const items = pairs.map((pair) => Float32Array.from(pair));
      expect(bits(overJson(reals, items))).toEqual(bits(items));
      const stack = new Sequence(new Box({ low: -Infinity, high: Infinity, shape: [], dtype: 'int64' }), {
        stack: true,
      });
      expect(bits(overJson(stack, BigInt64Array.from(wholes)))).toEqual(bits(BigInt64Array.from(wholes)));
    },
  );

  test('plain numbers become those of the space', () => {
    const reals = new Sequence(new Box({ low: -1, high: 1, shape: [2] }));
    expect(bits(overJson(reals, [[0.1, -0]]))).toEqual(bits([Float32Array.of(0.1, -0)]));
    const wholes = new Sequence(new Box({ low: -Infinity, high: Infinity, shape: [1], dtype: 'int64' }));
    expect(overJson(wholes, [[2 ** 60]])).toEqual([BigInt64Array.of(2n ** 60n)]);
  });

  const pair = new Box({ low: 0, high: 1, shape: [2] });
  const array = (bytes: number): unknown[] => ['a', 'float32', Buffer.alloc(bytes).toString('base64')];
  test.each<[string, Space<unknown>, unknown]>([
    ['array that is too long', new Sequence(pair), [[array(12)]]],
    ['array that is too short', new Sequence(pair), [[array(4)]]],
    ['array of another dtype', new Sequence(pair), [[['a', 'float64', array(8)[2]]]]],
    ['array that is none', new Sequence(pair), [[[0, 0]]]],
    ['missing part', new Sequence(pair), [[]]],
    ['part too many', new Sequence(pair), [[array(8), array(8)]]],
    ['item that is none', new Sequence(pair), [3]],
    ['sequence that is none', new Sequence(pair, { stack: true }), { length: 2 ** 40 }],
    ['text that is none', new Sequence(new Text(3)), [[7]]],
    ['number that is none', new Sequence(new Discrete(3)), [['1']]],
    ['index out of range', new OneOf([pair]), [1, array(8)]],
    ['index that is a name', new OneOf([pair]), ['length', array(8)]],
    ['half a node', new Graph(pair, null), [array(12), null, null]],
    ['links of no edge', new Graph(pair, pair), [array(8), array(8), ['a', 'int32', '']]],
    ['nothing', new Sequence(pair), undefined],
  ])('refuses what is no value: %s', (_what, space, sent) => {
    expect(() => decodeLoose(space, sent)).toThrow(FormatError);
    expect(() => decodeLoose(space, sent)).toThrow(/^python: expected .*, got /);
  });

  test('a frame that speaks of more JSON than fits a text is refused before there is room for it', () => {
    const frame = encodeFrame('D');
    new DataView(frame.buffer, frame.byteOffset).setUint32(0, 0xffffffff, true);
    new DataView(frame.buffer, frame.byteOffset).setUint32(8, 0xffffffff, true);
    expect(() => new FrameReader(() => {}).push(frame)).toThrow(
      /expected at most \d+ bytes of JSON in a frame, got 4294967295/,
    );
  });
});

describe.skipIf(python === undefined)(`behind the bridge${whyNoPython}`, () => {
  type Mirrored = Record<string, unknown>;
  const mirrors = (options: object = {}): Promise<PythonVectorEnv<Mirrored>> =>
    fixture<Mirrored>('Mirror-v1', { numEnvs: 2, numWorkers: 1, ...options });
  const valuesOf = (envs: PythonVectorEnv<Mirrored>, batch: Mirrored): unknown[] => [
    ...iterate(envs.observationSpace, batch),
  ];

  test('the spaces are those of Python, and sample what it samples', async () => {
    const envs = await mirrors();
    const script = `
import sys
sys.path.insert(0, sys.argv[1])
from tessera_fixtures import Mirror
print(Mirror.action_space)`;
    const text = execFileSync(python!, ['-c', script, fixtures], { encoding: 'utf8' }).trim();
    expect([String(envs.singleObservationSpace), String(envs.singleActionSpace)]).toEqual([text, text]);
    for (const seed of [0, 7, 2 ** 31 + 5]) {
      const { observation } = await envs.reset({ seed });
      const samples = [0, 1].map((i) => {
        envs.singleObservationSpace.seed(seed + i);
        return envs.singleObservationSpace.sample();
      });
      expect(bits(valuesOf(envs, observation))).toEqual(bits(samples));
    }
  });

  test('what Python gets it gives back, to the bit', async () => {
    const envs = await mirrors({ autoresetMode: 'SameStep' });
    const { singleActionSpace: space } = envs;
    await envs.reset({ seed: 0 });
    const list = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { maxLength: 5 });
    const wide = fc.float({ noNaN: true });
    const word = fc.string({ unit: fc.constantFrom('a', 'Z', '0'), minLength: 1, maxLength: 3 });
    const value = fc.record({
      reals: list(fc.tuple(wide, wide).map((pair) => Float32Array.from(pair))),
      doubles: list(fc.double({ noNaN: true })).map((all) => Float64Array.from(all)),
      wholes: list(fc.bigInt(-(2n ** 62n), 2n ** 62n)).map((all) => BigInt64Array.from([...all, ...all, ...all])),
      naturals: list(fc.bigInt(0n, 2n ** 63n - 2n)).map((all) => BigUint64Array.from(all)),
      nothings: fc.nat(4).map((length) => Array.from({ length }, () => new Float32Array(0))),
      choices: list(fc.integer({ min: -2, max: 2 })).map((all) => Int32Array.from(all)),
      stack: list(fc.nat({ max: 1 })).map((all) => ({
        bit: Int8Array.from([...all, ...all, ...all]),
        knob: Int32Array.from([...all, ...all]),
      })),
      tree: list(
        fc.record({
          words: list(word),
          pair: fc.tuple(fc.nat({ max: 2 }), fc.uint8Array({ minLength: 4, maxLength: 4 })),
        }),
      ),
      either: fc.oneof(
        fc.tuple(fc.constant(0), fc.nat({ max: 2 })),
        fc.tuple(fc.constant(1), list(word)),
        fc.tuple(fc.constant(2), fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 8 }))),
      ),
      graph: fc.record({
        nodes: fc.constant(Float32Array.of(0.1, 1, 1e-45, -0)),
        edges: fc.constant(Int32Array.of(2, 0, 1)),
        edgeLinks: fc.array(fc.nat({ max: 1 }), { minLength: 6, maxLength: 6 }).map((links) => Int32Array.from(links)),
      }),
      points: list(fc.nat({ max: 3 })).map((all) => ({ nodes: Int32Array.from(all), edges: null, edgeLinks: null })),
      wide: fc.integer({ min: -(2 ** 39), max: 2 ** 39 - 1 }),
      large: fc
        .tuple(fc.bigInt(0n, 2n ** 63n - 2n), fc.constant(2n ** 63n - 2n))
        .map((all) => BigUint64Array.from(all)),
      far: fc.integer({ min: 2 ** 33, max: 2 ** 33 + 2 ** 40 - 1 }),
      ball: fc.constant(Float32Array.of(-0.5, 0.5)),
      fixed: fc.constant(Float32Array.of(-0, 1)),
    });
    await fc.assert(
      fc.asyncProperty(fc.tuple(value, value), async (values) => {
        const batch = concatenate(space, values as never, createEmptyArray(space, 2)) as BatchedActions;
        const { observation, truncated, info } = await envs.step(batch);
        expect([...truncated]).toEqual([1, 1]);
        // The next episode has begun; what came back is the end of the one before.
        expect(bits(info['finalObs'])).toEqual(bits(values));
        expect(valuesOf(envs, observation).every((item) => space.contains(item))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('a wrong action is refused before it is sent', async () => {
    const envs = await fixture('Echo-v1', { kind: 'Sequence' });
    await envs.reset({ seed: 0 });
    for (const wrong of [[[0, 2]], [3], [[0.5]], [[NaN]], [null], [[0], [0]], 0, undefined]) {
      await expect(envs.step(wrong as never)).rejects.toThrow(InvalidAction);
    }
    expect((await envs.step([[0]])).info['echo']).toEqual(['(int64 0)']);
  });

  const bridge = fileURLToPath(new URL('../python', import.meta.url));
  const ask = (script: string): unknown =>
    JSON.parse(execFileSync(python!, ['-B', '-c', script, bridge, fixtures], { encoding: 'utf8' }));

  test('an observation outside its space is an error that says where', async () => {
    const script = `
import json, sys
sys.path[:0] = sys.argv[1:]
from tessera_bridge.loose import encode_loose
from tessera_bridge.spaces import Leaf, Mismatch
from tessera_fixtures import Ragged
def read(space, value):
    try:
        return encode_loose(Leaf(space, []), value, True)
    except Mismatch as mismatch:
        return str(mismatch)
print(json.dumps({kind: read(*case) for kind, case in Ragged.KINDS.items()}))`;
    const numbers = 'Sequence(Box(-1.0, 1.0, (2,), float32), stack=False)';
    expect(ask(script)).toEqual({
      nan: 'expected numbers of Box(-1.0, 1.0, (2,), float32) at *, got NaN',
      size: 'expected shape (2,) of Box(-1.0, 1.0, (2,), float32) at *, got (3,)',
      dtype: 'expected dtype float32 of Box(-1.0, 1.0, (2,), float32) at *, got complex64',
      array: `expected a value of ${numbers}, got ndarray of shape (1, 2)`,
      none: `expected a value of ${numbers}, got NoneType`,
      element: 'expected a value of Discrete(2) at *, got 2',
      scalar: 'expected a value of Sequence(Discrete(2), stack=True), got int',
      part: "expected a value of Sequence(Dict('a': Discrete(2)), stack=True), got dict",
      index: 'expected a value of OneOf(Discrete(2)), got tuple',
      link: 'expected links of 1 edges between 2 nodes of Graph(Discrete(2), Discrete(2)), got [[0 2]]',
      edges: 'expected a value of Graph(Discrete(2), None), got GraphInstance',
    });
    const envs = await fixture('Ragged-v1', { kind: 'none', numWorkers: 1 });
    const error = await envs.reset({ seed: 0 }).then(String, (reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(EnvironmentError);
    expect((error as Error).message).toContain(
      `the observation is outside its space: expected a value of ${numbers}, got NoneType`,
    );
  });

  test('on its side too, arrays of another size or dtype are refused before there is room for them', () => {
    const script = `
import json, sys
sys.path[:0] = sys.argv[1:]
import numpy as np
from gymnasium import spaces
from tessera_bridge.loose import decode_loose
from tessera_bridge.spaces import Leaf, Mismatch
from tessera_bridge.values import encode
pair = spaces.Box(-1, 1, (2,), np.float32)
row = lambda n, dtype=np.float32: encode(np.zeros(n, dtype))
def read(space, sent):
    try:
        return repr(decode_loose(Leaf(space, []), sent))
    except Mismatch as mismatch:
        return str(mismatch)
print(json.dumps([
    read(spaces.Sequence(pair), [[row(2)]]),
    read(spaces.Sequence(pair), [[row(3)]]),
    read(spaces.Sequence(pair), [[row(1, np.float64)]]),
    read(spaces.Graph(pair, None), [row(3), None, None]),
]))`;
    const wrong = (size: number, dtype: string): string =>
      `expected values of Box(-1.0, 1.0, (2,), float32) at *, got ${size} bytes of ${dtype}`;
    expect(ask(script)).toEqual([
      '(array([0., 0.], dtype=float32),)',
      wrong(12, 'float32'),
      wrong(8, 'float64'),
      wrong(12, 'float32'),
    ]);
  });

  test('NaN comes through where it may', async () => {
    const envs = await fixture<Float32Array[][]>('Ragged-v1', { kind: 'nan', disableEnvChecker: true });
    expect(bits((await envs.reset({ seed: 0 })).observation)).toEqual(bits([[Float32Array.of(NaN, -0)]]));
  });
});
