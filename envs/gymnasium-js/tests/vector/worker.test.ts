// Environments in worker threads: the results of SyncVectorEnv whatever the number of workers, and one clear error when something breaks.
import { fc, test } from '@fast-check/vitest';
import { WorkerError } from '@tessera/core';
import {
  ClipReward,
  ClosedEnvironmentError,
  InvalidAction,
  makeVec,
  NoAsyncCallError,
  ResetNeeded,
} from 'gymnasium-js';
import type { AutoresetMode, EnvState, MakeVecOptions, VectorEnv } from 'gymnasium-js';
import { WorkerVectorEnv } from 'gymnasium-js/node';
import type { WorkerVectorEnvOptions } from 'gymnasium-js/node';
import { afterEach, beforeAll, describe, expect, onTestFinished, vi } from 'vitest';
import { AlreadyPendingCallError } from '../../src/errors.ts';
import '../fixtures/worker-envs.ts';

const imports = [new URL('../fixtures/worker-envs.ts', import.meta.url).href];
const modes: readonly AutoresetMode[] = ['NextStep', 'SameStep', 'Disabled'];
let open: VectorEnv[] = [];

async function start(
  options: Partial<WorkerVectorEnvOptions> & Pick<WorkerVectorEnvOptions, 'id'>,
): Promise<WorkerVectorEnv> {
  const envs = await WorkerVectorEnv.create({ numEnvs: 4, numWorkers: 2, imports, ...options });
  open.push(envs);
  return envs;
}

afterEach(async () => {
  await Promise.all(open.map((envs) => envs.close()));
  open = [];
});

// A source worker takes a while to start, so each kind is started once and reset for every run of a property.
describe.each([
  [1, 'atomics'],
  [3, 'atomics'],
  [2, 'messages'],
] as const)('with %i workers that wait with %s', (numWorkers, waitWith) => {
  const pairs = new Map<AutoresetMode, [VectorEnv, VectorEnv]>();

  beforeAll(async () => {
    for (const autoresetMode of modes) {
      const options: MakeVecOptions = { numEnvs: 5, autoresetMode };
      const created = WorkerVectorEnv.create({
        id: 'Counter-v0',
        numEnvs: 5,
        numWorkers,
        imports,
        autoresetMode,
        waitWith,
      });
      pairs.set(autoresetMode, [await makeVec('Counter-v0', options), await created]);
    }
    return async () => {
      for (const [, workers] of pairs.values()) await workers.close();
    };
  }, 60_000);

  const actions = fc.array(fc.array(fc.nat({ max: 2 }), { minLength: 5, maxLength: 5 }), { maxLength: 12 });

  test.prop([fc.constantFrom(...modes), fc.nat(), actions, actions], { numRuns: 25 })(
    'gives the results and states of SyncVectorEnv',
    async (mode, seed, before, after) => {
      const [sync, workers] = pairs.get(mode)!;
      expect(await workers.reset({ seed })).toEqual(await sync.reset({ seed }));
      await expectEqualSteps(sync, workers, mode, before);
      const state = await sync.getState();
      expect(await workers.getState()).toEqual(state);
      await expectEqualSteps(sync, workers, mode, after);
      // Both go back, each to a state that the other could have saved.
      await sync.setState(structuredClone(await stateAfter(workers, state)));
      await expectEqualSteps(sync, workers, mode, after);
    },
  );
});

async function stateAfter(workers: VectorEnv, state: EnvState): Promise<EnvState> {
  await workers.setState(state);
  return workers.getState();
}

async function expectEqualSteps(
  a: VectorEnv,
  b: VectorEnv,
  mode: AutoresetMode,
  actions: readonly number[][],
): Promise<void> {
  let ended = new Uint8Array(a.numEnvs);
  const { terminated, truncated } = (await a.getState()) as unknown as {
    terminated: Uint8Array;
    truncated: Uint8Array;
  };
  ended = ended.map((_, i) => terminated[i]! | truncated[i]!);
  for (const row of actions) {
    if (mode === 'Disabled' && ended.includes(1)) {
      const options = { resetMask: ended };
      expect(await b.reset({ options })).toEqual(await a.reset({ options }));
    }
    const result = await a.step(row);
    expect(await b.step(row)).toEqual(result);
    ended = result.terminated.map((flag, i) => flag | result.truncated[i]!);
  }
}

describe.each([
  ['fixed', 'NextStep'],
  ['mixed', 'SameStep'],
  ['bare', 'NextStep'],
] as const)('spaces of kind %s', (spaces, autoresetMode) => {
  const numEnvs = 3;
  let sync: VectorEnv;
  let workers: WorkerVectorEnv;

  beforeAll(async () => {
    sync = await makeVec('Sampler-v0', { numEnvs, autoresetMode, spaces } as MakeVecOptions);
    const makeOptions = { spaces } as MakeVecOptions;
    workers = await WorkerVectorEnv.create({
      id: 'Sampler-v0',
      numEnvs,
      numWorkers: 2,
      imports,
      autoresetMode,
      makeOptions,
    });
    return () => workers.close();
  }, 60_000);

  test.prop([fc.nat(), fc.nat(), fc.nat({ max: 5 }), fc.nat({ max: 5 })], { numRuns: 15 })(
    'give the results and states of SyncVectorEnv',
    async (seed, actionSeed, before, after) => {
      const { actionSpace } = sync;
      actionSpace!.seed(actionSeed);
      const play = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) {
          const actions = actionSpace!.sample() as number[];
          const [expected, got] = [await sync.step(actions), await workers.step(actions)];
          expect(got).toEqual(expected);
          expect(sync.observationSpace!.contains(got.observation)).toBe(true);
        }
      };
      expect(await workers.reset({ seed })).toEqual(await sync.reset({ seed }));
      await play(before);
      const state = await sync.getState();
      expect(await workers.getState()).toEqual(state);
      await play(after);
      const options = { resetMask: [true, false, true] };
      expect(await workers.reset({ options })).toEqual(await sync.reset({ options }));
      await workers.setState(state);
      await sync.setState(state);
      // What was seen last is back, too.
      expect(await workers.reset({ options })).toEqual(await sync.reset({ options }));
    },
  );

  test('actions that do not fit are refused, and the workers go on', async () => {
    await workers.reset({ seed: 0 });
    await expect(workers.step([1, 2])).rejects.toThrow(InvalidAction);
    await expect(workers.step({ picture: [] } as never)).rejects.toThrow(InvalidAction);
    const [actions] = [workers.actionSpace.sample() as number[]];
    expect((await workers.step(actions)).reward).toEqual(Float64Array.of(1, 1, 1));
  });
});

test.each(['atomics', 'messages'] as const)(
  'a notification that comes when its command is done already is no second command (waiting with %s)',
  async (waitWith) => {
    const envs = await start({ id: 'Counter-v0', numWorkers: 1, waitWith });
    const sync = await makeVec('Counter-v0', { numEnvs: 4 });
    const notify = Atomics.notify.bind(Atomics);
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    const late = vi.spyOn(Atomics, 'notify').mockImplementation((cells, index) => {
      const woken = notify(cells as never, index);
      Atomics.wait(nothing, 0, 0, 20);
      return woken + notify(cells as never, index);
    });
    onTestFinished(() => late.mockRestore());
    expect(await envs.reset({ seed: 1 })).toEqual(await sync.reset({ seed: 1 }));
    for (let i = 0; i < 5; i++) expect(await envs.step([1, 2, 0, 1])).toEqual(await sync.step([1, 2, 0, 1]));
    expect(await envs.getState()).toEqual(await sync.getState());
  },
);

test('arrays as actions and whole numbers as observations cross too', async () => {
  const workers = await start({ id: 'Adder-v0', numEnvs: 3 });
  const sync = await makeVec('Adder-v0', { numEnvs: 3 });
  expect(await workers.reset({ seed: [3, 1, undefined] })).toEqual(
    await sync.reset({ seed: [3, 1, undefined] }).then(withoutThird),
  );
  const actions = Float64Array.of(0.5, 0.25, -1, 1, 0, 0.125);
  const [a, b] = [await workers.step(actions), await sync.step(actions)];
  expect(a.observation).toEqual(Int32Array.of(10, 10, 3));
  expect(a.observation).toEqual(b.observation);
  expect(workers.observationShape).toEqual([3]);
});

// The third environment has no seed, so its length is its own.
function withoutThird<T extends { info: object }>(result: T): T {
  return { ...result, info: expect.any(Object) as object };
}

test('results are fresh: later steps leave them alone, and none is in shared memory', async () => {
  const envs = await start({ id: 'Counter-v0', numWorkers: 1 });
  const first = await envs.reset({ seed: 0 });
  const { info: _info, ...step } = await envs.step([1, 1, 1, 1]);
  const arrays = [first.observation, ...Object.values(step)];
  const before = arrays.map((array) => Array.from(array as Float64Array));
  await envs.step([2, 2, 2, 2]);
  expect(arrays.map((array) => Array.from(array as Float64Array))).toEqual(before);
  expect(arrays.filter((array) => array.buffer instanceof SharedArrayBuffer)).toEqual([]);
});

describe('what breaks in a worker', () => {
  const step = async (options: Partial<WorkerVectorEnvOptions>): Promise<unknown> => {
    const envs = await start({ id: 'Trap-v0', ...options });
    // Seeds 0, 1, 2, 3: environments 1 and 3 are armed, and 3 is in the second worker.
    await envs.reset({ seed: [0, 2, 4, 3] });
    await envs.step([0, 0, 0, 0]);
    const error = await envs.step([0, 0, 0, 0]).catch((reason: unknown) => reason);
    await expect(envs.step([0, 0, 0, 0])).rejects.toBe(error);
    await expect(envs.reset()).rejects.toBe(error);
    return error;
  };
  const trap = (kind: string): Partial<WorkerVectorEnvOptions> => ({ makeOptions: { kind, at: 2 } });

  test('an error comes over with message, stack, environment and step', async () => {
    const error = (await step(trap('throw'))) as WorkerError;
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toMatchInlineSnapshot(
      `"WorkerVectorEnv: vector step 2, worker 1: environment 3: Trap-v0: step 2 of the episode: expected a result, but it threw: boom"`,
    );
    const { name, message, stack } = error.cause as Error;
    expect([name, message]).toEqual([
      'EnvironmentError',
      'environment 3: Trap-v0: step 2 of the episode: expected a result, but it threw: boom',
    ]);
    expect(stack).toContain('env-batch.ts');
    expect((error.cause as { sent: unknown }).sent).toMatchObject({ envIndex: 3 });
  });

  test('an observation outside its space', async () => {
    expect(((await step(trap('outside'))) as WorkerError).message).toMatchInlineSnapshot(
      `"WorkerVectorEnv: vector step 2, worker 1: environment 3: Trap-v0: step 2 of the episode: the observation is outside the observation space: expected a value of Box(0.0, 100.0, (3,), float32), got -1 at index 0."`,
    );
  });

  test('an info that cannot be sent', async () => {
    expect(((await step(trap('info'))) as WorkerError).message).toMatch(
      /^WorkerVectorEnv: vector step 2, worker 1: a result of Trap-v0 cannot cross between threads: .* could not be cloned. Keep functions/,
    );
  });

  test('a worker that exits', async () => {
    expect(((await step(trap('exit'))) as WorkerError).message).toMatchInlineSnapshot(
      `"WorkerVectorEnv: worker 1 (environments 2 to 3) died during vector step 2: exit code 3."`,
    );
  });

  test.each(['atomics', 'messages'] as const)('a worker that hangs (waiting with %s)', async (waitWith) => {
    const error = await step({ ...trap('hang'), timeLimitMs: 1000, waitWith });
    expect((error as WorkerError).message).toMatchInlineSnapshot(
      `"WorkerVectorEnv: worker 1 (environments 2 to 3) did not finish vector step 2 within 1000 ms. All workers are terminated. If the environment is just slow, raise timeLimitMs."`,
    );
  });

  test('an environment that cannot be built', async () => {
    await expect(start({ id: 'Trap-v0', ...trap('build'), numWorkers: 1 })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: WorkerVectorEnv: start, worker 0: make: Trap-v0 could not be built with the arguments { kind: "build", at: 2 }: no such level]`,
    );
  });

  test('a worker that does not start in time', async () => {
    const options = { ...trap('buildHang'), numWorkers: 1, startTimeLimitMs: 300 };
    await expect(start({ id: 'Trap-v0', ...options })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: WorkerVectorEnv: worker 0 (environments 0 to 3) did not finish start within 300 ms. All workers are terminated. If the environment is just slow, raise startTimeLimitMs.]`,
    );
  });

  test('an id that the workers do not know', async () => {
    const unknown = start({ id: 'Counter-v0', imports: [], numWorkers: 1 });
    await expect(unknown).rejects.toThrowErrorMatchingInlineSnapshot(
      `[WorkerError: WorkerVectorEnv: start, worker 0: Environment \`Counter\` doesn't exist. Did you register it, or import the package that registers it? Name the modules that register it in imports: workers import them anew.]`,
    );
  });

  test('a module that is not there', async () => {
    const missing = start({ id: 'Counter-v0', imports: ['no-such-module'] });
    await expect(missing).rejects.toThrow(
      /WorkerVectorEnv: start, worker \d: Environment registration via importing a module failed/,
    );
  });
});

describe('what the caller does wrong leaves the workers alive', () => {
  test('a step before the reset, a bad action, a bad seed, a bad mask, an ended environment', async () => {
    const envs = await start({ id: 'Counter-v0', numWorkers: 1, autoresetMode: 'Disabled' });
    await expect(envs.step([0, 0, 0, 0])).rejects.toThrow(ResetNeeded);
    const options = { resetMask: [true, false, true, true] };
    await expect(envs.reset({ options })).rejects.toThrow('the first reset must be of all environments');
    await envs.reset({ seed: 1 });
    await expect(envs.step([0, 0, 0])).rejects.toThrow('VectorEnv.step: expected 4 actions, got 3 values.');
    await expect(envs.step([0, 3, 0, 0])).rejects.toThrow('action 1: expected a value of Discrete(3), got 3.');
    await expect(envs.reset({ seed: -1 })).rejects.toThrow('Seed must be greater or equal to zero');
    await expect(envs.reset({ seed: [1, 2] })).rejects.toThrow('length must match numEnvs=4 but got length=2');
    await expect(envs.reset({ options: { resetMask: [0, 0, 0, 0] } })).rejects.toThrow(
      'must mark at least one environment',
    );
    await expect(envs.reset({ options: { resetMask: [1] } })).rejects.toThrow('expected 4 truth values, got 1');
    await envs.step([0, 0, 0, 0]);
    const playOut = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await envs.step([0, 0, 0, 0]);
    };
    await expect(playOut()).rejects.toThrow(/environment \d has ended and autoresetMode is Disabled: reset it first/);
    await envs.reset({ seed: 1 });
    await envs.step([0, 0, 0, 0]);
  });

  test('a second call before the first has settled', async () => {
    const envs = await start({ id: 'Counter-v0', numWorkers: 1 });
    const first = envs.reset({ seed: 1 });
    await expect(envs.step([0, 0, 0, 0])).rejects.toThrow(AlreadyPendingCallError);
    await first;
    expect((await envs.step([0, 0, 0, 0])).reward).toEqual(Float64Array.of(0.5, 0.5, 0.5, 0.5));
  });

  test.each([
    [{ numWorkers: 0 }, 'expected a whole number > 0 as numWorkers, got 0.'],
    [{ numEnvs: 1.5 }, 'expected a whole number > 0 as numEnvs, got 1.5.'],
    [{ timeLimitMs: NaN }, 'expected a whole number > 0 as timeLimitMs, got NaN.'],
    [{ makeOptions: { level: (): number => 3 } }, 'the options of make cannot cross to a worker'],
    [{ autoresetMode: 'disabled' as AutoresetMode }, 'expected an autoresetMode out of NextStep, SameStep, Disabled'],
  ])('bad options %o', async (options, message) => {
    await expect(start({ id: 'Counter-v0', ...options })).rejects.toThrow(message);
  });
});

describe('calls in two halves, attributes and calls by name', () => {
  test('one at a time, and only those that were begun', async () => {
    const envs = await start({ id: 'Counter-v0', numWorkers: 2 });
    await expect(envs.stepWait()).rejects.toThrow(NoAsyncCallError);
    envs.resetAsync({ seed: 1 });
    expect(() => envs.stepAsync([0, 0, 0, 0])).toThrow(
      'Calling `step` while waiting for a pending call to `reset` to complete.',
    );
    await expect(envs.stepWait()).rejects.toThrow('Calling `stepWait` without any prior call to `stepAsync`.');
    const { observation } = await envs.resetWait();
    await expect(envs.resetWait()).rejects.toThrow(NoAsyncCallError);
    envs.stepAsync([1, 1, 1, 1]);
    // Done or not, it has to be waited for.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(() => envs.resetAsync()).toThrow(AlreadyPendingCallError);
    await expect(envs.getState()).rejects.toThrow(AlreadyPendingCallError);
    expect((await envs.stepWait()).reward).toEqual(Float64Array.of(0.5, 0.5, 0.5, 0.5));

    expect(await envs.getAttr('action')).toEqual([1, 1, 1, 1]);
    await envs.setAttr('length', [7, 8, 9, 10]);
    const lengths = (await envs.call('observe')).map((seen) => (seen as Float32Array)[1]);
    expect([lengths, observation.length]).toEqual([[7, 8, 9, 10], 12]);
    envs.callAsync('observe');
    expect(await envs.callWait()).toHaveLength(4);
    await expect(envs.getAttr('weight')).rejects.toThrow('has no attribute "weight"');
    await expect(envs.call('step', 0)).rejects.toThrow('use `step` directly instead');
    await expect(envs.setAttr('length', [1])).rejects.toThrow('Got `1` values for 4 environments.');
    await expect(envs.setAttr('length', () => 3)).rejects.toThrow('the values of setAttr cannot cross to a worker');
    expect(await envs.render()).toEqual([undefined, undefined, undefined, undefined]);
    // None of that was the end of the workers.
    expect((await envs.step([0, 0, 0, 0])).reward).toEqual(Float64Array.of(1, 1, 1, 1));
  });
});

describe('close', () => {
  test('ends the workers, may be called again, and refuses what comes after', async () => {
    const envs = await start({ id: 'Counter-v0', numWorkers: 1 });
    await envs.close();
    await envs.close();
    await expect(envs.reset()).rejects.toThrow(ClosedEnvironmentError);
  });

  test('rejects a call under way', async () => {
    const envs = await start({ id: 'Trap-v0', makeOptions: { kind: 'hang', at: 1 } });
    await envs.reset({ seed: 1 });
    const step = envs.step([0, 0, 0, 0]);
    const closing = envs.close();
    await expect(step).rejects.toThrow(ClosedEnvironmentError);
    await closing;
  });
});

test('makeVec builds it once gymnasium-js/node is imported', async () => {
  const envs = await makeVec('Trap-v0', {
    numEnvs: 3,
    numWorkers: 8,
    vectorizationMode: 'worker',
    imports,
    kind: 'none',
    at: 1,
  });
  open.push(envs);
  expect(envs).toBeInstanceOf(WorkerVectorEnv);
  expect((envs as WorkerVectorEnv).numWorkers).toBe(3);
  expect((envs as WorkerVectorEnv).toString()).toBe('WorkerVectorEnv(Trap-v0, numEnvs=3, numWorkers=3)');
  expect(await envs.reset({ seed: 4 })).toEqual(
    await makeVec('Trap-v0', { numEnvs: 3 }).then((sync) => sync.reset({ seed: 4 })),
  );
});

test('makeVec puts wrappers around environments in workers, by their specs', async () => {
  const wrappers = [ClipReward.wrapperSpec({ maxReward: 0.25 })];
  const envs = await makeVec('Counter-v0', {
    numEnvs: 2,
    numWorkers: 1,
    vectorizationMode: 'worker',
    imports,
    wrappers,
  });
  open.push(envs);
  await envs.reset({ seed: 0 });
  expect((await envs.step([0, 0])).reward).toEqual(Float64Array.of(0.25, 0.25));
});

test('a state of another number of environments is refused', async () => {
  const two = await makeVec('Counter-v0', { numEnvs: 2 });
  await two.reset({ seed: 0 });
  const envs = await start({ id: 'Counter-v0', numWorkers: 1 });
  await expect(envs.setState(await two.getState())).rejects.toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: VectorEnv.setState: expected a state of 4 environments with autoresetMode NextStep, got one of 2 with "NextStep".]`,
  );
});
