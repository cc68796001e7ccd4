// Changed observations of vector environments (gymnasium/wrappers/vector/vectorize_observation.py): by a function of the batch, or by a wrapper of
// single environments for each of them.
import type { DType } from '@tessera/core';
import type { Bound } from '../../spaces/box.ts';
import type { Space } from '../../spaces/space.ts';
import type { Kwargs } from '../../spec.ts';
import type { TypedArray } from '../../types.ts';
import { batchSpace, concatenate, createEmptyArray, iterate } from '../../vector/batch-space.ts';
import type { VectorActions, VectorEnv, VectorStepResult } from '../../vector/vector-env.ts';
import { checkFunction } from '../checks.ts';
import { DtypeObservation as SingleDtype } from '../dtype-observation.ts';
import { FilterObservation as SingleFilter } from '../filter-observation.ts';
import { FlattenObservation as SingleFlatten } from '../flatten-observation.ts';
import { GrayscaleObservation as SingleGrayscale } from '../grayscale-observation.ts';
import type { ObservationWrapper } from '../mapping-wrappers.ts';
import { RescaleObservation as SingleRescale } from '../rescale-observation.ts';
import { ReshapeObservation as SingleReshape } from '../reshape-observation.ts';
import { ResizeObservation as SingleResize } from '../resize-observation.ts';
import { SingleEnv } from './single-env.ts';
import { VectorObservationWrapper } from './vector-wrapper.ts';

export interface TransformObservationOptions<Obs, InnerObs> {
  /** Of the whole batch. */
  readonly func: (observations: InnerObs) => Obs;
  /** The space of one environment, if it is another. */
  readonly singleObservationSpace?: Space<unknown>;
  /** By default the batch of the single space. */
  readonly observationSpace?: Space<unknown>;
}

/** Batches of observations are `func(observations)`. */
export class TransformObservation<Obs = TypedArray, InnerObs = Obs> extends VectorObservationWrapper<Obs, InnerObs> {
  readonly func: (observations: InnerObs) => Obs;

  constructor(env: VectorEnv<InnerObs>, options: TransformObservationOptions<Obs, InnerObs>) {
    super(env);
    const { func, singleObservationSpace = env.singleObservationSpace, observationSpace } = options;
    this.func = checkFunction('TransformObservation', 'func', func);
    this.setSpace('observation', singleObservationSpace, observationSpace);
  }

  override observations(observations: InnerObs): Obs {
    return this.func(observations);
  }
}

/** A class of wrappers whose observations depend on nothing but the observation inside. */
export type ObservationWrapperClass = new (
  env: never,
  options: never,
) => { readonly observationSpace: Space<unknown>; observation(observation: never): unknown };

/** Uses a wrapper of single environments on each observation, the last ones of `SameStep` included. */
export class VectorizeTransformObservation<Obs = TypedArray, InnerObs = TypedArray> extends VectorObservationWrapper<
  Obs,
  InnerObs
> {
  readonly wrapper: ObservationWrapper<unknown, unknown, unknown>;

  constructor(
    env: VectorEnv<InnerObs>,
    options: { readonly wrapper: ObservationWrapperClass; readonly kwargs?: Kwargs },
  ) {
    super(env);
    const Wrapper = options.wrapper;
    const single = new SingleEnv({ observation: env.singleObservationSpace });
    const wrapper: unknown = new Wrapper(single as never, (options.kwargs ?? {}) as never);
    this.wrapper = wrapper as ObservationWrapper<unknown, unknown, unknown>;
    this.setSpace('observation', this.wrapper.observationSpace);
  }

  override async step(actions: VectorActions): Promise<VectorStepResult<Obs>> {
    const result = await super.step(actions);
    const { finalObs } = result.info;
    if (Array.isArray(finalObs)) {
      result.info['finalObs'] = finalObs.map((last) => (last === undefined ? last : this.wrapper.observation(last)));
    }
    return result;
  }

  override observations(observations: InnerObs): Obs {
    const rows: unknown[] = Array.from(iterate(this.#inner, observations), (row) => this.wrapper.observation(row));
    const space = this.singleObservationSpace;
    return concatenate(space, rows, createEmptyArray(space, rows.length)) as Obs;
  }

  get #inner(): Space<unknown> {
    return innerBatch(this.env);
  }
}

const batches = new WeakMap<VectorEnv<unknown>, Space<unknown>>();

// Bridges and dreams may not have the space of their batches.
function innerBatch(env: VectorEnv<unknown>): Space<unknown> {
  const known = env.observationSpace ?? batches.get(env);
  if (known !== undefined) return known;
  const batched = batchSpace(env.singleObservationSpace, env.numEnvs);
  batches.set(env, batched);
  return batched;
}

/** FilterObservation for vector environments. */
export class FilterObservation<Obs = unknown, InnerObs = unknown> extends VectorizeTransformObservation<Obs, InnerObs> {
  constructor(env: VectorEnv<InnerObs>, options: { readonly filterKeys: readonly (string | number)[] }) {
    super(env, { wrapper: SingleFilter, kwargs: options });
  }
}

/** FlattenObservation for vector environments. */
export class FlattenObservation<InnerObs = unknown> extends VectorizeTransformObservation<TypedArray, InnerObs> {
  constructor(env: VectorEnv<InnerObs>) {
    super(env, { wrapper: SingleFlatten });
  }
}

/** GrayscaleObservation for vector environments. */
export class GrayscaleObservation extends VectorizeTransformObservation<Uint8Array, Uint8Array> {
  constructor(env: VectorEnv<Uint8Array>, options: { readonly keepDim?: boolean } = {}) {
    super(env, { wrapper: SingleGrayscale, kwargs: options });
  }
}

/** ResizeObservation for vector environments. */
export class ResizeObservation extends VectorizeTransformObservation<Uint8Array, Uint8Array> {
  constructor(env: VectorEnv<Uint8Array>, options: { readonly shape: readonly [number, number] }) {
    super(env, { wrapper: SingleResize, kwargs: options });
  }
}

/** ReshapeObservation for vector environments. */
export class ReshapeObservation<Obs extends TypedArray = TypedArray> extends VectorizeTransformObservation<Obs, Obs> {
  constructor(env: VectorEnv<Obs>, options: { readonly shape: readonly number[] }) {
    super(env, { wrapper: SingleReshape, kwargs: options });
  }
}

/** RescaleObservation for vector environments. */
export class RescaleObservation<
  Obs extends Float32Array | Float64Array = Float32Array,
> extends VectorizeTransformObservation<Obs, Obs> {
  constructor(env: VectorEnv<Obs>, options: { readonly minObs: Bound; readonly maxObs: Bound }) {
    super(env, { wrapper: SingleRescale, kwargs: { ...options } });
  }
}

/** DtypeObservation for vector environments. */
export class DtypeObservation<D extends DType = 'float32'> extends VectorizeTransformObservation<
  TypedArray,
  TypedArray
> {
  constructor(env: VectorEnv, options: { readonly dtype: D }) {
    super(env, { wrapper: SingleDtype, kwargs: options });
  }
}
