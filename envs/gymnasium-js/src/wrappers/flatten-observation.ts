// Observations as one flat array each (gymnasium.wrappers.FlattenObservation).
import type { Env } from '../env.ts';
import { flatten, flattenSpace } from '../spaces/flatten.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

/** Observations are `flatten(space, observation)`: Discrete one-hot, Dict and Tuple part after part. */
export class FlattenObservation<Obs = TypedArray, Act = number, InnerObs = unknown> extends ObservationWrapper<
  Obs,
  Act,
  InnerObs
> {
  constructor(env: Env<InnerObs, Act>) {
    super(env, {});
    this.observationSpace = flattenSpace(env.observationSpace) as unknown as Space<Obs>;
  }

  override observation(observation: InnerObs): Obs {
    const space: Space<unknown> = this.env.observationSpace;
    return flatten(space, observation) as Obs;
  }
}
