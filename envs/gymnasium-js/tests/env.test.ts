// Env and its wrappers: seeding, order, limits, statistics, saved states, and what happens when an environment misbehaves.
import { fc, test } from '@fast-check/vitest';
import { EnvironmentError, npRandom as numpy } from '@tessera/core';
import {
  Env,
  make,
  OrderEnforcing,
  PassiveEnvChecker,
  RecordEpisodeStatistics,
  register,
  ResetNeeded,
  TimeLimit,
  Wrapper,
} from 'gymnasium-js';
import type { EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import { beforeAll, describe, expect } from 'vitest';
import { Counter } from './counter.ts';

/** A Counter that does one thing wrong in its second step. */
class Faulty extends Counter {
  readonly #fault: () => Partial<Record<keyof StepResult<Float32Array>, unknown>>;

  constructor(fault: () => Partial<Record<keyof StepResult<Float32Array>, unknown>>) {
    super();
    this.#fault = fault;
  }

  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    const result = super.reset(options);
    this.length = 5;
    return result;
  }

  override step(action: number): StepResult<Float32Array> {
    const result = super.step(action);
    return this.steps === 2 ? ({ ...result, ...this.#fault() } as StepResult<Float32Array>) : result;
  }
}

beforeAll(() => {
  register({ id: 'Faulty-v0', entryPoint: ({ fault }) => new Faulty(fault as () => object) });
  register({ id: 'Counted-v0', entryPoint: () => new Counter(), maxEpisodeSteps: 4 });
});

const actions = fc.array(fc.nat({ max: 2 }), { maxLength: 30 });

describe('seeding', () => {
  test.prop([fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 100n }))])(
    "reset({ seed }) gives NumPy's stream of the seed",
    (seed) => {
      const env = make<Float32Array>('Counted-v0');
      const expected = numpy(seed);
      expect(env.reset({ seed }).observation[1]).toBe(2 + expected.integers(4));
      expect(env.reset().observation[1]).toBe(2 + expected.integers(4));
      expect(env.npRandomSeed).toBe(seed);
    },
  );

  test.each([
    [-1, 'Seed must be greater or equal to zero, actual value: -1.'],
    [1.5, 'Seed must be a whole number or a bigint, actual: 1.5.'],
    [NaN, 'Seed must be a whole number or a bigint, actual: NaN.'],
    ['7', 'Seed must be a whole number or a bigint, actual: string.'],
  ])('refuses the seed %s', (seed, message) => {
    const env = make('Counted-v0');
    expect(() => env.reset({ seed: seed as number })).toThrow(message);
    expect(() => env.step(0)).toThrow(ResetNeeded);
  });
});

describe('OrderEnforcing', () => {
  test('refuses a step or a picture before the first reset', () => {
    const env = new OrderEnforcing(new Counter());
    expect(() => env.step(0)).toThrowErrorMatchingInlineSnapshot(
      `[ResetNeeded: Cannot call env.step() before calling env.reset()]`,
    );
    expect(() => env.render()).toThrowErrorMatchingInlineSnapshot(
      `[ResetNeeded: Cannot call \`env.render()\` before calling \`env.reset()\`, if this is an intended action, set \`disableRenderOrderEnforcing: true\` on the OrderEnforcing wrapper.]`,
    );
    expect(new OrderEnforcing(new Counter(), { disableRenderOrderEnforcing: true }).render()).toBeUndefined();
    env.reset();
    expect(env.render()).toBeUndefined();
    expect(env.step(0).reward).toBe(0.5);
  });
});

describe('TimeLimit', () => {
  test.prop([fc.integer({ min: 1, max: 6 }), fc.nat()])(
    'truncates in its last step and keeps the rest as it was',
    (limit, seed) => {
      const [bare, limited] = [new Counter(), new TimeLimit(new Counter(), { maxEpisodeSteps: limit })];
      expect(limited.reset({ seed })).toEqual(bare.reset({ seed }));
      for (let step = 1; step <= 5; step++) {
        const [a, b] = [bare.step(1), limited.step(1)];
        expect(b).toEqual({ ...a, truncated: a.truncated || step >= limit });
      }
      limited.reset();
      expect(limited.elapsedSteps).toBe(0);
    },
  );

  test.each([0, -1, 1.5, NaN, Infinity])('refuses the limit %s', (maxEpisodeSteps) => {
    expect(() => new TimeLimit(new Counter(), { maxEpisodeSteps })).toThrow(
      `TimeLimit: expect maxEpisodeSteps to be a positive whole number, actually: ${maxEpisodeSteps}.`,
    );
  });
});

describe('RecordEpisodeStatistics', () => {
  test.prop([fc.nat(), fc.integer({ min: 1, max: 4 })])('adds up each episode', (seed, bufferLength) => {
    const env = new RecordEpisodeStatistics(new Counter(), { bufferLength });
    env.reset({ seed });
    const lengths: number[] = [];
    for (let episode = 0; episode < 6; episode++) {
      let result = env.step(0);
      while (!result.terminated && !result.truncated) {
        expect(result.info).not.toHaveProperty('episode');
        result = env.step(0);
      }
      const length = result.observation[1]!;
      expect(result.info['episode']).toEqual({ r: (length * (length + 1)) / 4, l: length, t: expect.any(Number) });
      lengths.push(length);
      env.reset();
    }
    expect(env.lengthQueue).toEqual(lengths.slice(-bufferLength));
    expect(env.returnQueue.length).toBe(bufferLength);
    expect(env.episodeCount).toBe(6);
  });

  test('refuses to overwrite an info of the same name', () => {
    const env = new RecordEpisodeStatistics(new RecordEpisodeStatistics(new Counter()));
    env.reset({ seed: 0 });
    const playOut = (): void => {
      for (let i = 0; i < 5; i++) env.step(0);
    };
    expect(playOut).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: RecordEpisodeStatistics: info already has the key "episode". Wrap only once, or set another statsKey.]`,
    );
  });
});

describe('PassiveEnvChecker', () => {
  const stepTwice = (fault: () => object): void => {
    const env = make('Faulty-v0', { fault });
    env.reset({ seed: 0 });
    env.step(0);
    env.step(0);
  };

  test.each([
    [
      { observation: Float32Array.of(1, 101, 0) },
      'the observation is outside the observation space: expected a value of Box(0.0, 100.0, (3,), float32), got 101 at index 1.',
    ],
    [{ observation: Float32Array.of(1, NaN, 0) }, 'got NaN at index 1.'],
    [{ observation: Float32Array.of(1) }, 'got 1 values instead of 3.'],
    [{ observation: Uint8Array.of(1, 2, 3) }, 'got a Uint8Array of 3 values.'],
    [{ observation: undefined }, 'got undefined.'],
    [{ reward: NaN }, 'expected a finite reward, got NaN.'],
    [{ reward: '1' }, 'expected a finite reward, got "1".'],
    [{ terminated: 1 }, 'expected true or false as terminated, got 1.'],
    [{ truncated: null }, 'expected true or false as truncated, got null.'],
    [{ info: [] }, 'expected an object as info, got an array of 0 values.'],
  ])('names environment, step and expectation for %o', (fault, message) => {
    expect(() => stepTwice(() => fault)).toThrow(EnvironmentError);
    expect(() => stepTwice(() => fault)).toThrow(
      `Faulty-v0: step 2 of the episode: ${message.startsWith('got') ? 'the observation' : message}`,
    );
    expect(() => stepTwice(() => fault)).toThrow(message);
  });

  test('gives what an environment throws a place', () => {
    const cause = new RangeError('boom');
    const fault = (): never => {
      throw cause;
    };
    expect(() => stepTwice(fault)).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: Faulty-v0: step 2 of the episode: expected a result, but it threw: boom]`,
    );
    expect(() => stepTwice(fault)).toThrow(expect.objectContaining({ cause }));
  });

  test.each([3, -1, 0.5, NaN, '1', undefined])('refuses the action %s', (action) => {
    const env = make('Counted-v0');
    env.reset();
    expect(() => env.step(action as number)).toThrow(
      /^Counted-v0: step\(action\): expected a value of Discrete\(3\), got /,
    );
  });
});

describe('saved states', () => {
  const layered = (): Env<Float32Array> =>
    new RecordEpisodeStatistics(
      new TimeLimit(new OrderEnforcing(new PassiveEnvChecker(new Counter())), { maxEpisodeSteps: 4 }),
    );

  const queues = (env: Env<Float32Array>): unknown => {
    const { returnQueue, lengthQueue, timeQueue, episodeCount } = env as RecordEpisodeStatistics<Float32Array>;
    return { returnQueue, lengthQueue, times: timeQueue.length, episodeCount };
  };

  function run(env: Env<Float32Array>, actions: readonly number[]): unknown[] {
    return actions.map((action) => {
      const result = env.step(action);
      const episode = result.info['episode'] as { t?: number } | undefined;
      delete episode?.t;
      return [result, result.terminated || result.truncated ? env.reset() : undefined];
    });
  }

  test.prop([fc.nat(), actions, actions])(
    'go on as if nothing had happened, wrappers included',
    (seed, before, after) => {
      const env = layered();
      env.reset({ seed });
      run(env, before);
      const state = structuredClone(env.getState());
      const expected = run(env, after);
      const other = layered();
      other.setState(state);
      expect(run(other, after)).toEqual(expected);
      expect(queues(other)).toEqual(queues(env));
      env.setState(state);
      expect(run(env, after)).toEqual(expected);
    },
  );

  test('know what they belong to', () => {
    const state = layered().getState();
    expect(() => new Counter().setState(state)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: setState: expected a state of "Counter", got one of "RecordEpisodeStatistics".]`,
    );
    expect(() =>
      new TimeLimit(new Counter(), { maxEpisodeSteps: 2 }).setState(state),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: setState: expected a state of the wrapper "TimeLimit", got one of "RecordEpisodeStatistics". Wrap both alike.]`,
    );
  });

  test('are refused by an environment that cannot save', () => {
    class Stubborn extends Counter {
      protected override saveState(): EnvState {
        return Env.prototype['saveState'].call(this);
      }
    }
    const env = new TimeLimit(new Stubborn(), { maxEpisodeSteps: 2 });
    expect(() => env.getState()).toThrow('getState: Stubborn cannot save its state.');
    expect(layered().canSaveState).toBe(true);
  });
});

test('close is passed on, and a `using` scope would call it', () => {
  let closed = 0;
  class Closing extends Counter {
    override close(): void {
      closed += 1;
    }
  }
  const env = new Wrapper(new Closing());
  env[Symbol.dispose]();
  expect(closed).toBe(1);
});

test('a wrapper shows the environment inside', () => {
  const inner = new Counter();
  const env = new Wrapper(new Wrapper(inner));
  env.reset({ seed: 5 });
  expect([env.unwrapped, env.npRandom, env.npRandomSeed, env.metadata]).toEqual([
    inner,
    inner.npRandom,
    5,
    inner.metadata,
  ]);
  expect(env.observationSpace).toBe(inner.observationSpace);
  expect(env.actionSpace).toBe(inner.actionSpace);
});
