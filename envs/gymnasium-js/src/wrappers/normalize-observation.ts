// Observations with mean 0 and variance 1, as far as they have been seen (gymnasium.wrappers.NormalizeObservation).
import type { DType } from '@tessera/core';
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import type { EnvState, TypedArray } from '../types.ts';
import { checkBox } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';
import { RunningMeanStd } from './running-mean-std.ts';

/** `(observation - mean) / sqrt(variance + epsilon)` in float32, with the mean and variance of all observations so far, this one included. */
export class NormalizeObservation<Act = number, InnerObs extends TypedArray = TypedArray> extends ObservationWrapper<
  Float32Array,
  Act,
  InnerObs
> {
  readonly statistics: RunningMeanStd;
  readonly #epsilon: number;
  /** Whether observations still change the statistics; switch it off to evaluate. */
  updateRunningMean = true;

  /** Throws ConfigError unless observations are in a Box. `epsilon` is 1e-8 by default. */
  constructor(env: Env<InnerObs, Act>, options: { readonly epsilon?: number } = {}) {
    super(env, { ...options });
    const { shape, low, dtype } = checkBox('NormalizeObservation', 'observation', env.observationSpace);
    this.statistics = new RunningMeanStd(
      (low as TypedArray).length,
      (dtype as DType) === 'float32' ? 'float32' : 'float32 first',
    );
    this.#epsilon = options.epsilon ?? 1e-8;
    this.observationSpace = new Box({ low: -Infinity, high: Infinity, shape, dtype: 'float32' });
  }

  override observation(observation: InnerObs): Float32Array {
    const values = Float64Array.from(observation as ArrayLike<number>, Number);
    if (this.updateRunningMean) this.statistics.update(values);
    return this.statistics.normalize(values, this.#epsilon);
  }

  protected override saveState(): EnvState {
    return { statistics: this.statistics.getState(), updateRunningMean: this.updateRunningMean };
  }

  protected override restoreState(data: EnvState): void {
    this.statistics.setState(data['statistics'] as EnvState);
    this.updateRunningMean = data['updateRunningMean'] as boolean;
  }
}
