// What vector environments have besides reset and step: attributes and calls, spaces that differ, wrappers, entry points of their own.
import { fc, test } from '@fast-check/vitest';
import { ConfigError } from '@tessera/core';
import {
  Box,
  ClipReward,
  FlattenObservation,
  make,
  makeVec,
  RecordEpisodeStatistics,
  register,
  setWarningHandler,
  SyncVectorEnv,
  TimeLimit,
  VectorWrapper,
  vectorWrappers,
} from 'gymnasium-js';
import type { AutoresetMode, VectorEnv } from 'gymnasium-js';
import { beforeAll, describe, expect } from 'vitest';
import { Counter } from '../counter.ts';
import { Signal } from '../signal.ts';

beforeAll(() => {
  setWarningHandler(() => {});
  register({ id: 'Counter-v0', entryPoint: () => new Counter(), maxEpisodeSteps: 4 });
  register({
    id: 'Own-v0',
    maxEpisodeSteps: 9,
    kwargs: { colour: 'red' },
    vectorEntryPoint: ({ numEnvs, ...kwargs }) =>
      Object.assign(new SyncVectorEnv(Array.from({ length: numEnvs }, () => () => new Counter())), { kwargs }),
  });
});

const counters = (count: number, autoresetMode: AutoresetMode = 'NextStep'): SyncVectorEnv<Float32Array> =>
  new SyncVectorEnv(
    Array.from({ length: count }, () => () => new TimeLimit(new Counter(), { maxEpisodeSteps: 9 })),
    { autoresetMode },
  );

describe('attributes and calls', () => {
  test('of every environment', async () => {
    const envs = counters(3);
    await envs.reset({ seed: 0 });
    expect(await envs.getAttr('maxEpisodeSteps')).toEqual([9, 9, 9]);
    await envs.setAttr('length', [5, 6, 7]);
    expect(await envs.call('observe')).toEqual([5, 6, 7].map((length) => Float32Array.of(0, length, 0)));
    await envs.setAttr('length', 8);
    expect(await envs.getAttr('length')).toEqual([8, 8, 8]);
    expect(await envs.render()).toEqual([undefined, undefined, undefined]);
    const wrapped = new VectorWrapper(envs);
    expect(await wrapped.call('observe')).toEqual(await envs.call('observe'));
    expect(wrapped.unwrapped).toBe(envs);
  });

  test.each([
    [(envs: SyncVectorEnv) => envs.setAttr('length', [1, 2]), 'Got `2` values for 3 environments.'],
    [(envs: SyncVectorEnv) => envs.getAttr('weight'), 'wrapper TimeLimit has no attribute "weight".'],
    [(envs: SyncVectorEnv) => envs.call('step', 0), 'Trying to call function `step` with `call`, use `step` directly'],
    [(envs: SyncVectorEnv) => envs.call(3 as never), 'expected the name of an attribute, got number'],
  ])('that are refused %#', async (call, message) => {
    const refused = call(counters(3) as never);
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(message);
  });
});

describe('observation modes', () => {
  class Wide extends Counter {
    override readonly observationSpace: Box;
    constructor(high: number) {
      super();
      this.observationSpace = new Box({ low: 0, high, shape: [3] });
    }
  }
  const fns = [() => new Wide(100), () => new Wide(200)];

  test('different spaces keep their bounds', () => {
    expect(() => new SyncVectorEnv(fns)).toThrow('expected one observation space for all environments');
    const envs = new SyncVectorEnv(fns, { observationMode: 'different' });
    expect((envs.observationSpace as Box).high).toEqual(Float32Array.of(100, 100, 100, 200, 200, 200));
    const single = new Box({ low: 0, high: 300, shape: [3] });
    const batched = new Box({ low: 0, high: 300, shape: [2, 3] });
    const own = new SyncVectorEnv(fns, { observationMode: [batched, single] });
    expect([own.observationSpace, own.singleObservationSpace]).toEqual([batched, single]);
  });

  test('that are refused', () => {
    expect(() => new SyncVectorEnv(fns, { observationMode: 'others' as never })).toThrow('Invalid `observationMode`');
    const mixed: (() => unknown)[] = [() => new Wide(1), () => new Signal('bytes')];
    expect(() => new SyncVectorEnv(mixed as never, { observationMode: 'different' })).toThrow(ConfigError);
  });
});

describe('RecordEpisodeStatistics', () => {
  const actions = fc.array(fc.array(fc.nat({ max: 2 }), { minLength: 3, maxLength: 3 }), { maxLength: 25 });

  test.prop([fc.constantFrom<AutoresetMode>('NextStep', 'SameStep', 'Disabled'), fc.nat(), actions])(
    'counts what single environments count, in every mode',
    async (mode, seed, rows) => {
      const inner = new SyncVectorEnv(
        Array.from({ length: 3 }, () => () => new RecordEpisodeStatistics(new Counter(), { statsKey: 'single' })),
        { autoresetMode: mode },
      );
      const envs = new vectorWrappers.RecordEpisodeStatistics(inner);
      await envs.reset({ seed });
      let ended = new Uint8Array(3);
      let count = 0;
      for (const row of rows) {
        if (mode === 'Disabled' && ended.includes(1)) {
          const options = { resetMask: ended };
          await envs.reset({ options });
          expect(Object.keys(options)).toEqual(['resetMask']);
        }
        const { info, terminated, truncated } = await envs.step(row);
        ended = terminated.map((flag, i) => flag | truncated[i]!);
        const all = (mode === 'SameStep' ? info['finalInfo'] : info) as typeof info | undefined;
        const single = all?.['single'] as { r: Float64Array; l: Float64Array } | undefined;
        const mine = info['episode'] as { r: Float64Array; l: Float64Array } | undefined;
        expect([mine?.r, mine?.l, info['_episode']]).toEqual([single?.r, single?.l, all?.['_single']]);
        count += ended.filter(Boolean).length;
      }
      expect([envs.episodeCount, envs.returnQueue.length]).toEqual([count, Math.min(count, 100)]);
      const other = new vectorWrappers.RecordEpisodeStatistics(counters(3, mode));
      await expect(other.setState(structuredClone(await envs.getState()))).rejects.toThrow(ConfigError);
      await envs.setState(structuredClone(await envs.getState()));
      expect(envs.episodeCount).toBe(count);
    },
  );
});

test('DictInfoToList gives infos back as they were, keys with underscores too', async () => {
  class Chatty extends Counter {
    override step(action: number): ReturnType<Counter['step']> {
      const result = super.step(action);
      return { ...result, info: { ...result.info, _private: action, flag: action > 0, nested: { a: 1 } } };
    }
  }
  const single = new Chatty();
  single.reset({ seed: 4 });
  const envs = new vectorWrappers.DictInfoToList(
    new SyncVectorEnv<Float32Array>([() => new Chatty(), () => new Chatty()]),
  );
  expect((await envs.reset({ seed: [4, 4] })).info).toEqual([{ length: single.length }, { length: single.length }]);
  const { info } = single.step(2);
  expect((await envs.step([2, 2])).info).toEqual([info, info]);
});

test.prop([fc.nat()], { numRuns: 20 })(
  'in the mode SameStep, which Gymnasium refuses, last observations are changed like all others',
  async (seed) => {
    const autoresetMode = 'SameStep';
    const around = new vectorWrappers.FlattenObservation(
      new SyncVectorEnv<unknown>([() => new Signal('dict'), () => new Signal('dict')], { autoresetMode }),
    );
    const within = new SyncVectorEnv(
      [() => new FlattenObservation(new Signal('dict')), () => new FlattenObservation(new Signal('dict'))],
      { autoresetMode },
    );
    expect(await around.reset({ seed })).toEqual(await within.reset({ seed }));
    for (let t = 0; t < 12; t++) expect(await around.step([t % 4, 0])).toEqual(await within.step([t % 4, 0]));
  },
);

describe('makeVec', () => {
  test('takes an entry point of its own where there is one', async () => {
    const envs = (await makeVec('Own-v0', { numEnvs: 2, size: 3 })) as VectorEnv & { kwargs: unknown };
    expect([envs.numEnvs, envs.kwargs]).toEqual([2, { colour: 'red', maxEpisodeSteps: 9, size: 3 }]);
    await expect(makeVec('Own-v0', { wrappers: [(env) => env] })).rejects.toThrow('Cannot use `vectorEntryPoint`');
    await expect(makeVec('Own-v0', { vectorizationMode: 'sync' })).rejects.toThrow("doesn't have an entry point");
    await expect(makeVec('Counter-v0', { vectorizationMode: 'vectorEntryPoint' })).rejects.toThrow(
      'vector entry point',
    );
    expect(() => make('Own-v0')).toThrow('Own-v0 registered but entryPoint is not specified');
  });

  test('applies wrappers by spec, and builds again from its own spec', async () => {
    const wrappers = [ClipReward.wrapperSpec({ maxReward: 0.25 })];
    const envs = await makeVec('Counter-v0', { numEnvs: 2, wrappers });
    await envs.reset({ seed: 1 });
    expect((await envs.step([0, 0])).reward).toEqual(Float64Array.of(0.25, 0.25));
    const again = await makeVec(envs.spec!);
    expect([again.numEnvs, again.metadata.autoresetMode]).toEqual([2, 'NextStep']);
  });
});
