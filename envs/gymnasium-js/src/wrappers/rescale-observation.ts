// Observations mapped linearly to other bounds (gymnasium.wrappers.RescaleObservation).
import type { Env } from '../env.ts';
import type { Bound } from '../spaces/box.ts';
import type { Space } from '../spaces/space.ts';
import { checkBox } from './checks.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';
import { plainBound, rescaleBox } from './rescale.ts';

type RealArray = Float32Array | Float64Array;

export interface RescaleObservationOptions {
  readonly minObs: Bound;
  readonly maxObs: Bound;
}

/** `[low, high]` of the observation space becomes `[minObs, maxObs]`, linearly, in the space's dtype. */
export class RescaleObservation<Obs extends RealArray = Float32Array, Act = number> extends ObservationWrapper<
  Obs,
  Act
> {
  readonly #forward: (observation: RealArray) => RealArray;

  /** Throws ConfigError unless the space is a Box of real numbers, InvalidBound for bounds that do not fit it. */
  constructor(env: Env<Obs, Act>, options: RescaleObservationOptions) {
    const where = 'RescaleObservation';
    const { minObs, maxObs } = options;
    super(env, { minObs: plainBound(minObs), maxObs: plainBound(maxObs) });
    const { space, forward } = rescaleBox(where, checkBox(where, 'observation', env.observationSpace), minObs, maxObs);
    this.observationSpace = space as unknown as Space<Obs>;
    this.#forward = forward;
  }

  override observation(observation: Obs): Obs {
    return this.#forward(observation) as Obs;
  }
}
