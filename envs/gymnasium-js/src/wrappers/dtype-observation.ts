// Observations of another dtype (gymnasium.wrappers.DtypeObservation).
import { ConfigError } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { Env } from '../env.ts';
import { Box } from '../spaces/box.ts';
import { castArray } from '../spaces/cast.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { WholeDType } from '../spaces/discrete.ts';
import { MultiBinary } from '../spaces/multi-binary.ts';
import { MultiDiscrete } from '../spaces/multi-discrete.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { ObservationWrapper } from './mapping-wrappers.ts';

/**
 * Arrays cast to `dtype`; a Discrete observation becomes an array of one value.
 *
 * Gymnasium's space of a Discrete reaches one too far, and that of a MultiDiscrete forgets `start`; not here.
 */
export class DtypeObservation<
  D extends DType = 'float32',
  Act = number,
  InnerObs = TypedArray,
> extends ObservationWrapper<TypedArrayOf<D>, Act, InnerObs> {
  readonly dtype: D;

  /** Throws ConfigError for spaces that hold no arrays or numbers, and when their bounds are beyond the dtype; DTypeError for no dtype. */
  constructor(env: Env<InnerObs, Act>, options: { readonly dtype: D }) {
    super(env, { ...options });
    this.dtype = options?.dtype;
    this.observationSpace = castSpace(env.observationSpace, this.dtype) as unknown as Space<TypedArrayOf<D>>;
  }

  override observation(observation: InnerObs): TypedArrayOf<D> {
    const values = typeof observation === 'number' ? [observation] : (observation as TypedArray);
    return castArray(values, this.dtype);
  }
}

function castSpace(space: Space<unknown>, dtype: DType): Space<unknown> {
  if (space instanceof Box) {
    const { low, high, shape } = space as Box<DType>;
    // Bounds of whole numbers stand for themselves; only infinite ones stay infinite.
    return new Box<DType>({ low, high, shape, dtype });
  }
  if (space instanceof Discrete) {
    return new Box<DType>({ low: space.start, high: space.start + space.n - 1, shape: [], dtype });
  }
  if (space instanceof MultiDiscrete) {
    const { nvec, start, shape } = space as MultiDiscrete;
    return new MultiDiscrete(nvec, { start, shape, dtype: dtype as WholeDType });
  }
  if (space instanceof MultiBinary) return new Box<DType>({ low: 0, high: 1, shape: space.shape, dtype });
  throw new ConfigError(
    `DtypeObservation is only compatible with value / array-based observations, got ${space.toString()}.`,
  );
}
