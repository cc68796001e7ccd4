// Every wrapper keeps the contract around an environment that does, goes on from a saved state, and refuses what it cannot work with. That its
// values are Gymnasium's is in wrappers-golden.test.ts.
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { ConfigError, DTypeError } from '@tessera/core';
import * as gymnasium from 'gymnasium-js';
import {
  checkEnv,
  ClipAction,
  ClipReward,
  createZero,
  CustomSpaceError,
  Discrete,
  DtypeObservation,
  error,
  FilterObservation,
  FrameStackObservation,
  GrayscaleObservation,
  InvalidBound,
  MaxAndSkipObservation,
  MultiDiscrete,
  NormalizeObservation,
  RepeatAction,
  RescaleObservation,
  ReshapeObservation,
  ResizeObservation,
  Sequence,
  StickyAction,
  TimeAwareObservation,
  TimeLimit,
  TransformAction,
  TransformObservation,
  TransformReward,
} from 'gymnasium-js';
import type { Env, Kwargs } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { Counter } from './counter.ts';
import { Signal } from './signal.ts';
import type { SignalActions, SignalKind } from './signal.ts';

interface Case {
  name: string;
  options: Kwargs;
  kind: SignalKind;
  actions: SignalActions;
}
type AnyEnv = Env<unknown, unknown>;

const traces = JSON.parse(readFileSync(new URL('./golden/wrappers.json', import.meta.url), 'utf8')) as Case[];
const build = ({ name, options, kind, actions }: Case): AnyEnv => {
  const Class = (gymnasium as unknown as Record<string, new (env: AnyEnv, options: Kwargs) => AnyEnv>)[name]!;
  const inner = new Signal(kind, actions);
  return new Class(name === 'TimeAwareObservation' ? new TimeLimit(inner, { maxEpisodeSteps: 8 }) : inner, options);
};

const seeds = fc.nat();
// Running statistics go on over resets, so equal seeds do not give equal episodes.
const remembers = (name: string): boolean => name.startsWith('Normalize');

describe.each(traces.map((trace) => [trace.name, trace.options, trace.kind, trace] as const))(
  '%s %o of %s',
  (name, _options, _kind, trace) => {
    const fresh = (): AnyEnv => build(trace);

    if (!remembers(name)) {
      test.prop([seeds], { numRuns: 4 })('keeps the contract', (seed) => {
        checkEnv(fresh(), { seed, numSteps: 20, fresh, ignoreInfo: ['episode'] });
      });
    }

    test.prop([seeds, fc.nat({ max: 15 })], { numRuns: 8 })('goes on from a saved state', (seed, before) => {
      const [a, b] = [fresh(), fresh()];
      a.actionSpace.seed(seed);
      a.reset({ seed });
      const run = (env: AnyEnv, actions: readonly unknown[]): unknown[] =>
        actions.map((action) => {
          const result = env.step(action);
          delete result.info['episode'];
          return [result, (result.terminated || result.truncated) && env.reset()];
        });
      const draw = (count: number): unknown[] => Array.from({ length: count }, () => a.actionSpace.sample());
      run(a, draw(before));
      b.setState(structuredClone(a.getState()));
      const after = draw(12);
      expect(run(b, after)).toEqual(run(a, after));
    });
  },
);

describe('where Gymnasium is wrong', () => {
  test.prop([seeds, fc.integer({ min: 2, max: 5 })])(
    'MaxAndSkipObservation takes the maximum of the last two frames of this step alone',
    (seed, skip) => {
      const [bare, env] = [new Counter(), new MaxAndSkipObservation(new Counter(), { skip })];
      const { length } = bare.reset({ seed }).info as { length: number };
      env.reset({ seed });
      for (let from = 0; from < length; from += skip) {
        const taken = Math.min(skip, length - from);
        const frames = Array.from({ length: taken }, (_, i) => bare.step(i === taken - 1 ? 0 : 2).observation);
        // The action is the same in every step inside, so only the counter differs: it is the last one.
        expect(env.step(0).observation[0]).toBe(frames.at(-1)![0]);
      }
    },
  );

  test('MaxAndSkipObservation of an early end', () => {
    class Falling extends Counter {
      override observe(): Float32Array {
        return Float32Array.of(10 - this.steps, this.length, 0);
      }
    }
    const env = new MaxAndSkipObservation(new Falling(), { skip: 4 });
    env.reset({ seed: 0 });
    (env.unwrapped as Falling).length = 5;
    expect(env.step(0).observation[0]).toBe(7);
    // One step is left: its frame, not one of those before.
    expect(env.step(0).observation[0]).toBe(5);
  });

  test('DtypeObservation keeps the elements of a Discrete, and where a MultiDiscrete starts', () => {
    const env = new DtypeObservation(new Signal('word'), { dtype: 'int16' });
    expect(String(env.observationSpace)).toBe('Box(2, 8, (), int16)');
    const observation = env.reset({ seed: 0 }).observation;
    expect([observation.constructor, observation.length]).toEqual([Int16Array, 1]);
    const stacked = new FrameStackObservation<Int32Array, unknown, unknown>(new Signal('word'), { stackSize: 2 });
    const cast = new DtypeObservation(stacked, { dtype: 'int8' });
    expect(cast.observationSpace).toBeInstanceOf(MultiDiscrete);
    expect(String(cast.observationSpace)).toBe('MultiDiscrete([7 7], start=[2 2])');
    expect(cast.observationSpace.contains(cast.reset().observation)).toBe(true);
  });
});

test('createZero is the value nearest to nothing', () => {
  expect(createZero(new gymnasium.Box({ low: [-1, 2, -3], high: [1, 3, -2] }))).toEqual(Float32Array.of(0, 2, -2));
  expect(createZero(new Discrete(3, { start: -1 }))).toBe(-1);
  expect(() => createZero(new Sequence(new Discrete(2)))).toThrow(CustomSpaceError);
});

const real = (): Env<never, never> => new Signal('real', 'real') as never;
const bytes = (): Env<never, never> => new Signal('bytes') as never;
const word = (): Env<never, never> => new Signal('word') as never;
const dict = (): Env<never, never> => new Signal('dict') as never;

test.each<[() => unknown, string, new (message: string) => Error]>([
  [() => new ClipReward(real(), {}), 'Both `minReward` and `maxReward` cannot be undefined', InvalidBound],
  [
    () => new ClipReward(real(), { minReward: 2, maxReward: 1 }),
    'Min reward (2) must be smaller than max',
    InvalidBound,
  ],
  [() => new ClipReward(real(), { minReward: NaN }), 'Min reward (NaN)', InvalidBound],
  [
    () => new StickyAction(real(), { repeatActionProbability: 1 }),
    'interval [0,1). Received 1',
    error.InvalidProbability,
  ],
  [() => new StickyAction(real(), { repeatActionProbability: NaN }), 'Received NaN', error.InvalidProbability],
  [
    () => new StickyAction(real(), { repeatActionProbability: 0, repeatActionDuration: [3, 2] }),
    'is not a valid bound. Received [3, 2]',
    InvalidBound,
  ],
  [
    () => new StickyAction(real(), { repeatActionProbability: 0, repeatActionDuration: 0 }),
    'should be larger or equal than 1. Received [0, 0]',
    ConfigError,
  ],
  [
    () => new StickyAction(real(), { repeatActionProbability: 0, repeatActionDuration: [1] as never }),
    'should be a whole number or two of them',
    ConfigError,
  ],
  [
    () => new RepeatAction(real(), { numRepeats: 0 }),
    'numRepeats value needs to be equal or greater than 1',
    ConfigError,
  ],
  [() => new RepeatAction(real(), { numRepeats: 1.5 }), 'numRepeats is expected to be an integer', ConfigError],
  [
    () => new MaxAndSkipObservation(bytes(), { skip: 1 }),
    'skip value needs to be equal or greater than 2',
    ConfigError,
  ],
  [
    () => new MaxAndSkipObservation(word()),
    'expected a Box as observation space, got Discrete(7, start=2)',
    ConfigError,
  ],
  [() => new FrameStackObservation(real(), { stackSize: 0 }), 'stackSize value needs to be', ConfigError],
  [
    () => new FrameStackObservation(real(), { stackSize: 2, paddingType: 'reste' }),
    "expected 'reset', 'zero' or an observation, got \"reste\"",
    ConfigError,
  ],
  [
    () => new GrayscaleObservation(real()),
    'expected an observation space Box(0, 255, (height, width, channels)',
    ConfigError,
  ],
  [() => new GrayscaleObservation(new Signal('grey') as never), 'GrayscaleObservation: expected', ConfigError],
  [
    () => new ResizeObservation(bytes(), { shape: [3] as never }),
    'expected a shape of 2 whole numbers > 0, got [3]',
    ConfigError,
  ],
  [() => new ResizeObservation(bytes(), { shape: [0, 3] }), 'got [0, 3]', ConfigError],
  [() => new ReshapeObservation(bytes(), { shape: [5, 5] }), 'expected a shape of 72 values', ConfigError],
  [() => new ReshapeObservation(bytes(), { shape: [-1, -1] }), 'got [-1, -1]', ConfigError],
  [
    () => new RescaleObservation(bytes(), { minObs: 0, maxObs: 1 }),
    'Put DtypeObservation({ dtype: "float32" })',
    ConfigError,
  ],
  [() => new RescaleObservation(real(), { minObs: 1, maxObs: 0 }), 'expected bounds min <= max', InvalidBound],
  [
    () => new RescaleObservation(real(), { minObs: -Infinity, maxObs: 0 }),
    'infinite where those of the space are',
    InvalidBound,
  ],
  [
    () => new RescaleObservation(real(), { minObs: [0, 0], maxObs: 1 }),
    'expected a number or 3 of them as min, got 2 values',
    InvalidBound,
  ],
  [() => new NormalizeObservation(word()), 'expected a Box as observation space', ConfigError],
  [() => new ClipAction(word()), 'expected a Box as action space, got Discrete(4)', ConfigError],
  [
    () => new DtypeObservation(dict(), { dtype: 'int8' }),
    'only compatible with value / array-based observations',
    ConfigError,
  ],
  [() => new DtypeObservation(real(), { dtype: 'float16' as never }), 'got "float16"', DTypeError],
  [() => new FilterObservation(real(), { filterKeys: ['a'] }), 'only usable with `Dict` and `Tuple`', ConfigError],
  [() => new FilterObservation(dict(), { filterKeys: ['a'] }), 'missing keys: [a]', ConfigError],
  [() => new FilterObservation(dict(), { filterKeys: [] }), 'empty due to filtering all', ConfigError],
  [() => new FilterObservation(new Signal('tuple') as never, { filterKeys: [0, 0] }), 'Duplicate keys', ConfigError],
  [() => new FilterObservation(new Signal('tuple') as never, { filterKeys: [-1] }), 'missing keys: [-1]', ConfigError],
  [() => new FilterObservation(dict(), {} as never), 'Expects `filterKeys` to be an array', ConfigError],
  [() => new TimeAwareObservation(real()), 'must be wrapped by a TimeLimit wrapper', ConfigError],
  [() => new TransformObservation(real(), {} as never), 'expected a function as func, got undefined', ConfigError],
  [() => new TransformAction(real(), { func: 3 } as never), 'expected a function as func, got 3', ConfigError],
  [() => new TransformReward(real(), {} as never), 'expected a function as func', ConfigError],
])('%s is refused: %s', (bad, message, Kind) => {
  expect(bad).toThrow(Kind);
  expect(bad).toThrow(message);
});
