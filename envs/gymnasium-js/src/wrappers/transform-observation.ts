// Any function on observations (gymnasium.wrappers.TransformObservation).
import type { Env } from '../env.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { checkFunction } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

export interface TransformObservationOptions<Obs, InnerObs> {
  readonly func: (observation: InnerObs) => Obs;
  /** The space of what `func` returns; by default that of the environment inside. */
  readonly observationSpace?: Space<Obs> | undefined;
}

/** Observations are `func(observation)`. */
export class TransformObservation<Obs = TypedArray, Act = number, InnerObs = Obs> extends ObservationWrapper<
  Obs,
  Act,
  InnerObs
> {
  readonly func: (observation: InnerObs) => Obs;

  constructor(env: Env<InnerObs, Act>, options: TransformObservationOptions<Obs, InnerObs>) {
    super(env, { ...options });
    this.func = checkFunction('TransformObservation', 'func', options?.func);
    if (options.observationSpace !== undefined) this.observationSpace = options.observationSpace;
  }

  override observation(observation: InnerObs): Obs {
    return this.func(observation);
  }
}
