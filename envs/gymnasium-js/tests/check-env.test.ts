// checkEnv: silent about environments that keep the contract, whatever the seed and actions, and precise about those that do not.
import { fc, test } from '@fast-check/vitest';
import { EnvironmentError } from '@tessera/core';
import { checkEnv, Env, envRules, make, RecordEpisodeStatistics, register } from 'gymnasium-js';
import type { EnvMetadata, EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import { beforeAll, describe, expect } from 'vitest';
import { Counter } from './counter.ts';

beforeAll(() => register({ id: 'Counter-v0', entryPoint: () => new Counter(), maxEpisodeSteps: 4 }));

describe('keeps silent about', () => {
  const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 80n }));
  const actions = fc.array(fc.nat({ max: 2 }), { maxLength: 20 });

  test.prop([seed, actions])('an environment that keeps the contract', (seed, actions) => {
    checkEnv(make('Counter-v0'), { seed, actions, fresh: () => make('Counter-v0') });
    checkEnv(new Counter(), { seed, actions, fresh: () => new Counter() });
  });

  test.prop([seed, actions])('an environment that must not be stepped after the end', (seed, actions) => {
    class Strict extends Counter {
      override step(action: number): StepResult<Float32Array> {
        if (this.steps === this.length) throw new RangeError('the episode is over');
        return super.step(action);
      }
    }
    checkEnv(new Strict(), { seed, actions, fresh: () => new Strict() });
  });

  test('times, where it is told to', () => {
    const fresh = (): Env<Float32Array> => new RecordEpisodeStatistics(make<Float32Array>('Counter-v0'));
    checkEnv(fresh(), { fresh, ignoreInfo: ['episode'] });
  });
});

const step = (change: (result: StepResult<Float32Array>, env: Counter) => void): typeof Counter =>
  class extends Counter {
    override step(action: number): StepResult<Float32Array> {
      const result = super.step(action);
      change(result, this);
      return result;
    }
  };

let calls = 0;
const shared = Float32Array.of(0, 0, 0);

class Unseeded extends Counter {
  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    return super.reset({ options: options?.options });
  }
}
class AlwaysTheSame extends Counter {
  override reset(_options?: ResetOptions): ResetResult<Float32Array> {
    return super.reset({ seed: 1 });
  }
}
class SeedOnly extends Counter {
  // The stream is right, but the episode remembers how often it was reset.
  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    const result = super.reset(options);
    result.observation[2] = calls++ % 50;
    return result;
  }
}
class NoOptions extends Counter {
  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    if (options?.options !== undefined) throw new RangeError('no options here');
    return super.reset(options);
  }
}
class Buffer extends Counter {
  override observe(): Float32Array {
    shared.set(super.observe());
    return shared;
  }
}
class View extends Counter {
  readonly #frames = new Float32Array(3 * 1000);
  #at = 0;
  override observe(): Float32Array {
    this.#at = (this.#at + 3) % this.#frames.length;
    this.#frames.set(super.observe(), this.#at);
    return this.#frames.subarray(this.#at, this.#at + 3);
  }
}
class Forgetful extends Counter {
  protected override saveState(): EnvState {
    return { ...super.saveState(), length: 3 };
  }
}
class Disturbed extends Counter {
  override getState(): EnvState {
    this.npRandom.random();
    return super.getState();
  }
}
class Alias extends Counter {
  readonly #memory = new Float32Array(1);
  override step(action: number): StepResult<Float32Array> {
    this.#memory[0]! += 1;
    return super.step(action);
  }
  protected override saveState(): EnvState {
    return { ...super.saveState(), memory: this.#memory };
  }
}
class Renders extends Counter {
  override readonly metadata: EnvMetadata = { renderModes: ['rgb_array'] };
  override get renderMode(): string {
    return 'rgb_array';
  }
}
class ClosesOnce extends Counter {
  #closed = false;
  override close(): void {
    if (this.#closed) throw new RangeError('closed already');
    this.#closed = true;
  }
}
class NoModes extends Counter {
  override readonly metadata: EnvMetadata = {} as EnvMetadata;
}
class NoInfo extends Counter {
  override reset(options?: ResetOptions): ResetResult<Float32Array> {
    return { observation: super.reset(options).observation } as ResetResult<Float32Array>;
  }
}

describe('names the rule and what is wrong', () => {
  test.each([
    ['spaces', NoModes, 'expected metadata.renderModes to be an array, got undefined'],
    ['reset result', NoInfo, 'expected an object as info, got undefined'],
    ['observation in space', step((result) => (result.observation[0] = 101)), 'got 101 at index 0'],
    [
      'observation in space',
      step((result) => (result.observation = Uint8Array.of(1, 2, 3) as never)),
      'got a Uint8Array of 3 values',
    ],
    ['step result', step((result) => (result.reward = Infinity)), 'expected a finite number as reward, got Infinity'],
    ['step result', step((result) => (result.terminated = 0 as never)), 'expected true or false as terminated, got 0'],
    ['step result', step((result) => (result.info = null as never)), 'expected an object as info, got null'],
    ['reset seed', Unseeded, 'equal seeds leave unequal random streams'],
    ['reset seed', AlwaysTheSame, 'unequal seeds leave equal random streams'],
    ['reset seed', SeedOnly, 'reset({ seed }) and the reset() after it, done twice: observation differs in result 0'],
    ['reset options', NoOptions, 'it threw: no options here'],
    [
      'determinism',
      step((result) => (result.reward += 1e-9 * calls++)),
      'the same seed and actions twice: reward differs in result 1',
    ],
    ['fresh results', Buffer, 'observation of result 0 was changed by a later call. Return a copy'],
    ['fresh results', View, 'results 0 and 1 share memory. Return new data from every call'],
    ['saved state', Forgetful, 'going on from a restored state: observation differs in result 0'],
    ['saved state', Disturbed, 'getState changes what follows'],
    ['saved state', Alias, 'later steps change a state that was saved before'],
    ['render', Renders, 'expected a picture uint8 [height, width, 3], got undefined'],
    ['close', ClosesOnce, 'it threw: closed already'],
  ] as [string, typeof Counter, string][])('%s: %o', (rule, Kind, message) => {
    const check = (): unknown => checkEnv(new Kind(), { seed: 5, numSteps: 40 });
    expect(check).toThrow(EnvironmentError);
    expect(check).toThrow(` breaks the rule "${rule}": `);
    expect(check).toThrow(message);
  });

  test('a step before the first reset', () => {
    class Unordered extends Counter {
      override get spec(): never {
        return { orderEnforce: true, id: 'Unordered-v0' } as never;
      }
    }
    expect(() => checkEnv(new Unordered(), { fresh: () => new Unordered() })).toThrowErrorMatchingInlineSnapshot(
      `[EnvironmentError: checkEnv: Unordered-v0 breaks the rule "step after reset only": expected an error for a step before the first reset.]`,
    );
  });

  test('an environment that differs from a new one of its kind', () => {
    let built = 0;
    class Numbered extends Counter {
      readonly #number: number = built++;
      override step(action: number): StepResult<Float32Array> {
        return { ...super.step(action), reward: this.#number };
      }
    }
    const fresh = (): Counter => new Numbered();
    expect(() => checkEnv(fresh(), { fresh })).toThrow(
      'the same seed and actions in a new environment: reward differs in result 1',
    );
  });
});

test('each rule has a name of its own', () => {
  expect(new Set(envRules.map((rule) => rule.name)).size).toBe(envRules.length);
});
