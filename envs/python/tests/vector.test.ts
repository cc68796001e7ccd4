// The bridge as a vector environment: the same environment in Python and in TypeScript gives the same results in every autoreset mode.
import { fc, test } from '@fast-check/vitest';
import { Box, ClosedEnvironmentError, InvalidAction, make, makeVec, ResetNeeded, SyncVectorEnv } from 'gymnasium-js';
import type { AutoresetMode } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { ConfigError, EnvironmentError } from '@tessera/core';
import { Counter } from '../../gymnasium-js/tests/counter.ts';
import { bridged, fixture, isAlive, python, until, warnings, whyNoPython } from './support.ts';

const modes: AutoresetMode[] = ['NextStep', 'SameStep', 'Disabled'];

test('make names the line to use instead', () => {
  const line = 'const envs = await makeVec("python:CartPole-v1", { numEnvs: 1 });';
  const message = `make: "python:" environments are asynchronous. Use makeVec: ${line}`;
  expect(() => make('python:CartPole-v1')).toThrow(new ConfigError(message));
});

describe.skipIf(python === undefined)(`the same environment on both sides${whyNoPython}`, () => {
  for (const autoresetMode of modes) {
    test.prop(
      [
        fc.integer({ min: 0, max: 2 ** 53 - 10 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 40 }),
      ],
      { numRuns: 4 },
    )(`gives the same results, autoreset ${autoresetMode}`, async (seed, numEnvs, numWorkers, draws) => {
      const native = new SyncVectorEnv(
        Array.from({ length: numEnvs }, () => () => new Counter()),
        { autoresetMode },
      );
      const envs = await fixture('Counter-v1', { numEnvs, numWorkers, autoresetMode });
      try {
        expect(envs.singleObservationSpace.equals(native.singleObservationSpace)).toBe(true);
        expect(envs.singleActionSpace.equals(native.singleActionSpace)).toBe(true);
        expect(await envs.reset({ seed })).toEqual(native.resetSync({ seed }));
        for (const [t, draw] of draws.entries()) {
          const actions = Int32Array.from({ length: numEnvs }, (_, i) => (draw + i) % 3);
          const [ours, theirs] = [native.stepSync(actions), await envs.step(actions)];
          expect([t, theirs]).toEqual([t, ours]);
          const ended = Array.from(ours.terminated, (flag, i) => flag === 1 || ours.truncated[i] === 1);
          if (autoresetMode !== 'Disabled' || !ended.includes(true)) continue;
          const options = { resetMask: ended };
          expect([t, await envs.reset({ options })]).toEqual([t, native.resetSync({ options })]);
        }
      } finally {
        await envs.close();
      }
    });
  }

  test('spec, metadata and versions come over', async () => {
    const envs = await fixture('Limited-v2', { renderMode: undefined, numEnvs: 2 });
    expect(envs.spec).toMatchObject({
      id: 'python:tessera_fixtures:Tessera/Limited-v2',
      maxEpisodeSteps: 7,
      rewardThreshold: 3.5,
      nondeterministic: false,
    });
    expect(() => envs.spec.entryPoint?.({})).toThrow(ConfigError);
    expect(envs.metadata).toEqual({ renderModes: [], autoresetMode: 'NextStep' });
    expect(Object.keys(envs.versions)).toEqual(['python', 'numpy', 'gymnasium']);
    expect(envs.observationShape).toEqual([2, 30, 20, 3]);
    expect(String(envs)).toMatch(
      /^PythonVectorEnv\(python:tessera_fixtures:Tessera\/Limited-v2, numEnvs=2, numWorkers=/,
    );
  });

  test('the time limit is that of the environment, or of maxEpisodeSteps, and -1 is none', async () => {
    const lengthOf = async (maxEpisodeSteps?: number): Promise<number> => {
      const envs = await fixture<Uint8Array>('Limited-v2', { autoresetMode: 'Disabled', maxEpisodeSteps });
      await envs.reset({ seed: 0 });
      for (let t = 1; ; t++) {
        const { terminated, truncated } = await envs.step([0]);
        if (terminated[0] || truncated[0]) return t;
      }
    };
    expect([await lengthOf(), await lengthOf(3), await lengthOf(-1)]).toEqual([7, 3, 50]);
  });

  test('render gives pictures or texts', async () => {
    const pictures = await fixture('Counter-v1', { numEnvs: 3, numWorkers: 2, renderMode: 'rgb_array' });
    expect(pictures.renderMode).toBe('rgb_array');
    expect(pictures.metadata.renderFps).toBe(7);
    await expect(pictures.render()).rejects.toThrow(ResetNeeded);
    await pictures.reset({ seed: 0 });
    await pictures.step([0, 0, 0]);
    const picture = { data: new Uint8Array(60).fill(1), shape: [4, 5, 3], dtype: 'uint8' };
    expect(await pictures.render()).toEqual([picture, picture, picture]);
    const texts = await fixture('Counter-v1', { numEnvs: 2, kwargs: { render_mode: 'ansi' } });
    await texts.reset();
    expect(await texts.render()).toEqual(['step 0', 'step 0']);
    const blind = await fixture('Counter-v1');
    await blind.reset();
    await expect(blind.render()).rejects.toThrow(
      'it was built without a render mode. Pass renderMode to makeVec, one of rgb_array, ansi.',
    );
  });

  test('infos keep their values; what has no place here is left out and named once', async () => {
    const envs = await fixture<Int32Array>('Infos-v1', { numEnvs: 2, numWorkers: 1 });
    const { observation, info } = await envs.reset({ seed: 0 });
    expect(observation).toEqual(Int32Array.of(-1, -1));
    const first = Object.fromEntries(
      Object.entries(info)
        .filter(([key]) => !key.startsWith('_'))
        .map(([key, values]) => [
          key,
          Array.isArray(values) || ArrayBuffer.isView(values) ? (values as unknown[])[0] : values,
        ]),
    );
    expect(first).toEqual({
      whole: 3,
      big: 2n ** 60n,
      real: 0.5,
      nan: NaN,
      inf: -Infinity,
      truth: 1,
      text: 'tschüß',
      none: null,
      list: [1, [2.5, 'x']],
      tree: {
        leaf: Float64Array.of(4, 4),
        _leaf: Uint8Array.of(1, 1),
        l: Float64Array.of(1, 1),
        _l: Uint8Array.of(1, 1),
      },
      array: Int16Array.of(0, 1, 2, 3, 4, 5),
      wide: BigInt64Array.of(2n ** 40n),
      huge: BigUint64Array.of(2n ** 64n - 1n),
      half: Float32Array.of(0.5),
      inner: { ok: Float64Array.of(1, 1), _ok: Uint8Array.of(1, 1) },
    });
    expect(warnings).toEqual([
      "python:tessera_fixtures:Tessera/Infos-v1: info 'exotic' is left out: a object cannot cross over.",
      "python:tessera_fixtures:Tessera/Infos-v1: info 'inner.set' is left out: a set cannot cross over.",
      "python:tessera_fixtures:Tessera/Infos-v1: info 'time' is left out: a ndarray of datetime64[D] cannot cross over.",
    ]);
    const step = await envs.step([3, 4]);
    expect([...step.observation]).toEqual([0, 1]);
    expect(step.info).toMatchObject({ action: Float64Array.of(3, 4), kind: ['int64', 'int64'] });
    await envs.reset();
    expect(warnings.length).toBe(3);
  });

  test('options of a reset arrive, and so do arguments of the environment', async () => {
    const envs = await fixture('Faulty-v1', { fault: null, numEnvs: 1 });
    const huge = BigUint64Array.of(2n ** 64n - 1n);
    const options = { number: 0.5, list: [1, NaN], array: Int16Array.of(1, 2), huge, inner: { text: 'x' } };
    const { info } = await envs.reset({ seed: 1, options });
    expect(info['options']).toMatchObject({
      number: Float64Array.of(0.5),
      list: [[1, NaN]],
      array: [Int16Array.of(1, 2)],
      huge: [huge],
      inner: { text: ['x'] },
    });
    await expect(envs.reset({ options: { f: () => 1 } })).rejects.toThrow(
      'VectorEnv.reset: options.f: expected plain data that Python has too, got a function.',
    );
    await envs.reset({ seed: 2n ** 70n });
  });

  test('wrong calls are told apart and break nothing', async () => {
    const envs = await fixture('Counter-v1', { numEnvs: 2, autoresetMode: 'Disabled' });
    await expect(envs.step([0, 0])).rejects.toThrow(
      new ResetNeeded('Cannot call env.step() before calling env.reset()'),
    );
    await expect(envs.reset({ options: { resetMask: [true, false] } })).rejects.toThrow(ResetNeeded);
    await expect(envs.reset({ seed: -1 })).rejects.toThrow(ConfigError);
    await envs.reset({ seed: 0 });
    await expect(envs.step([0, 3])).rejects.toThrow(
      new InvalidAction('VectorEnv.step: action 1: expected a value of Discrete(3), got 3.'),
    );
    await expect(envs.step([0])).rejects.toThrow(InvalidAction);
    const [step, second] = [envs.step([0, 0]), envs.step([0, 0])];
    await expect(second).rejects.toThrow('Calling `step` while waiting for a pending call to `step` to complete');
    expect([...(await step).reward]).toEqual([0.5, 0.5]);
    await expect(envs.getState()).rejects.toThrow(EnvironmentError);
    expect(envs.canSaveState).toBe(false);
    for (let t = 0; t < 4; t++) await envs.step([0, 0]).catch(() => undefined);
    await expect(envs.step([0, 0])).rejects.toThrow(/environment 0 has ended|environment 1 has ended/);
  });

  test('what a caller does to its results is its own affair', async () => {
    const [plain, other] = [await fixture('Counter-v1'), await fixture('Counter-v1', { restart: true })];
    for (const envs of [plain, other]) {
      const { observation } = await envs.reset({ seed: 3 });
      observation.fill(99);
      const first = await envs.step([1]);
      first.terminated.fill(1);
      first.observation.fill(99);
      const { observation: next } = await envs.step([2]);
      expect([next[0], next[2]]).toEqual([2, 2]);
    }
  });

  test('close ends the children, may be called again, and ends what is under way', async () => {
    const envs = await fixture('Faulty-v1', { numEnvs: 2, numWorkers: 2, fault: 'hang', at: 1 });
    await envs.reset({ seed: 0 });
    const { pids } = envs;
    expect(pids.map(isAlive)).toEqual([true, true]);
    const hanging = envs.step(new Float32Array(4));
    const reason = hanging.catch((error: unknown) => error);
    await Promise.all([envs.close(), envs.close()]);
    expect(await reason).toBeInstanceOf(ClosedEnvironmentError);
    await envs.close();
    await until(() => !pids.some(isAlive));
    await expect(envs.reset()).rejects.toThrow(ClosedEnvironmentError);
    const calm = await fixture('Counter-v1', { numEnvs: 1 });
    const [pid] = calm.pids;
    await calm.close();
    await until(() => !isAlive(pid!));
  });

  test('CartPole is Gymnasium’s own, and bounds come over', async () => {
    const envs = await bridged('CartPole-v1', { numEnvs: 1 });
    const largest = Float32Array.of(3.4028234663852886e38)[0]!;
    expect(envs.singleObservationSpace).toBeInstanceOf(Box);
    expect(String(envs.singleObservationSpace)).toBe(
      'Box([-4.8               -inf -0.41887903        -inf], [4.8               inf 0.41887903        inf], (4,), float32)',
    );
    const { low } = envs.singleObservationSpace as Box;
    expect(low[1]! < -largest / 2).toBe(true);
  });

  test('what it cannot do is said before anything starts', async () => {
    const build = (options: Record<string, unknown>): Promise<unknown> => makeVec('python:CartPole-v1', options);
    await expect(build({ numWorkers: 1, envsPerWorker: 1 })).rejects.toThrow(
      'expected numWorkers or envsPerWorker, got both',
    );
    await expect(build({ wrappers: [(env: never) => env] })).rejects.toThrow(
      'wrappers cannot cross to another process',
    );
    await expect(build({ envsPerWorker: 0 })).rejects.toThrow('expected a whole number >= 1 as envsPerWorker, got 0.');
    await expect(build({ restart: -1 })).rejects.toThrow('expected a whole number >= 0 as restart, got -1.');
    await expect(build({ timeLimitMs: 0.5 })).rejects.toThrow('expected a whole number >= 1 as timeLimitMs, got 0.5.');
    await expect(build({ autoresetMode: 'Never' })).rejects.toThrow(
      'expected an autoresetMode out of NextStep, SameStep, Disabled',
    );
    await expect(build({ preprocessing: { sise: 64 } })).rejects.toThrow(
      "preprocessing: unknown option 'sise'. Did you mean",
    );
    await expect(build({ preprocessing: { size: [64] } })).rejects.toThrow(
      'expected preprocessing.size as [height, width]',
    );
    await expect(build({ gravity: Symbol('g') })).rejects.toThrow(
      'makeVec: python:CartPole-v1.gravity: expected plain data',
    );
  });
});
