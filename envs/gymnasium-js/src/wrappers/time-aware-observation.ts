// Observations that say how late it is (gymnasium.wrappers.TimeAwareObservation; Pardo et al. 2018, arXiv 1712.00378).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import { Dict } from '../spaces/dict.ts';
import { flatten, flattenSpace } from '../spaces/flatten.ts';
import type { Space } from '../spaces/space.ts';
import { Tuple } from '../spaces/tuple.ts';
import type { EnvState, ResetOptions, ResetResult, StepResult, TypedArray } from '../types.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';
import { TimeLimit } from './time-limit.ts';
import { Wrapper } from './wrapper.ts';

export interface TimeAwareObservationOptions {
  /** Whether observations are flat arrays; true by default. */
  readonly flatten?: boolean;
  /** Whether the time is a share of the limit, float32 in [0, 1], instead of a number of steps, int32; false by default. */
  readonly normalizeTime?: boolean;
  /** Key of the time in a Dict; `time` by default. */
  readonly dictTimeKey?: string;
}

/** Adds the time to observations: to a Dict under its key, to a Tuple at its end, with anything else as `{ obs, time }`; flat by default. */
export class TimeAwareObservation<Obs = TypedArray, Act = number, InnerObs = unknown> extends ObservationWrapper<
  Obs,
  Act,
  InnerObs
> {
  readonly maxTimesteps: number;
  readonly #flatten: boolean;
  readonly #normalize: boolean;
  readonly #key: string;
  readonly #structured: Space<unknown>;
  #timesteps = 0;

  /** Throws ConfigError when no time limit is known, or when a Dict has the key already. */
  constructor(env: Env<InnerObs, Act>, options: TimeAwareObservationOptions = {}) {
    super(env, { ...options });
    const { flatten = true, normalizeTime = false, dictTimeKey = 'time' } = options;
    this.maxTimesteps = env.spec?.maxEpisodeSteps ?? limitOf(env as Env<unknown, unknown>);
    this.#flatten = flatten;
    this.#normalize = normalizeTime;
    this.#key = dictTimeKey;
    const time = normalizeTime
      ? new Box({ low: 0, high: 1 })
      : new Box({ low: 0, high: this.maxTimesteps, dtype: 'int32' });
    this.#structured = addTime(env.observationSpace, time, dictTimeKey);
    this.observationSpace = (flatten ? flattenSpace(this.#structured) : this.#structured) as unknown as Space<Obs>;
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    this.#timesteps = 0;
    return super.reset(options);
  }

  override step(action: Act): StepResult<Obs> {
    this.#timesteps += 1;
    return super.step(action);
  }

  override observation(observation: InnerObs): Obs {
    const steps = this.#timesteps;
    const time = this.#normalize ? Float32Array.of(steps / this.maxTimesteps) : Int32Array.of(steps);
    const inner: Space<unknown> = this.env.observationSpace;
    let structured: unknown = { obs: observation, time };
    if (inner instanceof Dict) structured = { [this.#key]: time, ...(observation as object) };
    else if (inner instanceof Tuple) structured = [...(observation as unknown[]), time];
    return (this.#flatten ? flatten(this.#structured, structured) : structured) as Obs;
  }

  protected override saveState(): EnvState {
    return { timesteps: this.#timesteps };
  }

  protected override restoreState(data: EnvState): void {
    this.#timesteps = data['timesteps'] as number;
  }
}

function limitOf(env: Env<unknown, unknown>): number {
  for (let inner = env; inner instanceof Wrapper; inner = inner.env as Env<unknown, unknown>) {
    if (inner instanceof TimeLimit) return inner.maxEpisodeSteps;
  }
  throw new ConfigError(
    'TimeAwareObservation: The environment must be wrapped by a TimeLimit wrapper or the spec specify a `maxEpisodeSteps`.',
  );
}

function addTime(space: Space<unknown>, time: Space<unknown>, key: string): Space<unknown> {
  if (space instanceof Tuple) return new Tuple([...(space.spaces as readonly Space<unknown>[]), time]);
  if (!(space instanceof Dict)) return new Dict({ obs: space, time });
  if (Object.hasOwn(space.spaces, key)) {
    throw new ConfigError(`TimeAwareObservation: the observations have the key '${key}' already. Set dictTimeKey.`);
  }
  return new Dict({ [key]: time, ...space.spaces });
}
