// Truncates episodes after a number of steps (gymnasium.wrappers.TimeLimit).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { ResetNeeded } from '../errors.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { Wrapper } from './wrapper.ts';

/** Sets `truncated` in step `maxEpisodeSteps` of an episode and in those after it. */
export class TimeLimit<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly maxEpisodeSteps: number;
  #elapsedSteps: number | undefined;

  /** Throws ConfigError unless `maxEpisodeSteps` is a whole number > 0. */
  constructor(env: Env<Obs, Act>, options: { readonly maxEpisodeSteps: number }) {
    const { maxEpisodeSteps } = options;
    if (!Number.isSafeInteger(maxEpisodeSteps) || maxEpisodeSteps <= 0) {
      const got = String(maxEpisodeSteps);
      throw new ConfigError(`TimeLimit: expect maxEpisodeSteps to be a positive whole number, actually: ${got}.`);
    }
    super(env, { ...options });
    this.maxEpisodeSteps = maxEpisodeSteps;
  }

  /** Steps of the present episode; undefined before the first reset. */
  get elapsedSteps(): number | undefined {
    return this.#elapsedSteps;
  }

  protected override specAround(inner: EnvSpec): EnvSpec {
    return inner.with({ maxEpisodeSteps: this.maxEpisodeSteps });
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const result = this.env.reset(options);
    this.#elapsedSteps = 0;
    return result;
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    if (this.#elapsedSteps === undefined) throw new ResetNeeded('Cannot call env.step() before calling env.reset()');
    this.#elapsedSteps += 1;
    if (this.#elapsedSteps >= this.maxEpisodeSteps) result.truncated = true;
    return result;
  }

  protected override saveState(): EnvState {
    return { elapsedSteps: this.#elapsedSteps };
  }

  protected override restoreState(data: EnvState): void {
    this.#elapsedSteps = data['elapsedSteps'] as number | undefined;
  }
}
