// Changed actions of vector environments (gymnasium/wrappers/vector/vectorize_action.py).
import type { Bound } from '../../spaces/box.ts';
import type { Space } from '../../spaces/space.ts';
import type { Kwargs } from '../../spec.ts';
import type { TypedArray } from '../../types.ts';
import { checkActions, readAction } from '../../vector/batch-layout.ts';
import { concatenate, createEmptyArray } from '../../vector/batch-space.ts';
import type { VectorActions, VectorEnv } from '../../vector/vector-env.ts';
import { checkFunction } from '../checks.ts';
import { ClipAction as SingleClip } from '../clip-action.ts';
import type { ActionWrapper } from '../mapping-wrappers.ts';
import { RescaleAction as SingleRescale } from '../rescale-action.ts';
import { SingleEnv } from './single-env.ts';
import { VectorActionWrapper } from './vector-wrapper.ts';

export interface TransformActionOptions {
  /** Of the whole batch. */
  readonly func: (actions: VectorActions) => VectorActions;
  /** The space of one environment, if it is another. */
  readonly singleActionSpace?: Space<unknown>;
  /** By default the batch of the single space. */
  readonly actionSpace?: Space<unknown>;
}

/** The environments inside get `func(actions)`. */
export class TransformAction<Obs = TypedArray> extends VectorActionWrapper<Obs> {
  readonly func: (actions: VectorActions) => VectorActions;

  constructor(env: VectorEnv<Obs>, options: TransformActionOptions) {
    super(env);
    const { func, singleActionSpace = env.singleActionSpace, actionSpace } = options;
    this.func = checkFunction('TransformAction', 'func', func);
    this.setSpace('action', singleActionSpace, actionSpace);
  }

  override actions(actions: VectorActions): VectorActions {
    return this.func(actions);
  }
}

/** A class of wrappers whose actions depend on nothing but the action outside. */
export type ActionWrapperClass = new (
  env: never,
  options: never,
) => { readonly actionSpace: Space<unknown>; action(action: never): unknown };

/** Uses a wrapper of single environments on each action. */
export class VectorizeTransformAction<Obs = TypedArray> extends VectorActionWrapper<Obs> {
  readonly wrapper: ActionWrapper<unknown, unknown, unknown>;

  constructor(env: VectorEnv<Obs>, options: { readonly wrapper: ActionWrapperClass; readonly kwargs?: Kwargs }) {
    super(env);
    const Wrapper = options.wrapper;
    const single = new SingleEnv({ action: env.singleActionSpace });
    const wrapper: unknown = new Wrapper(single as never, (options.kwargs ?? {}) as never);
    this.wrapper = wrapper as ActionWrapper<unknown, unknown, unknown>;
    this.setSpace('action', this.wrapper.actionSpace);
  }

  override actions(actions: VectorActions): VectorActions {
    const outer = this.singleActionSpace;
    checkActions(outer, this.numEnvs, actions);
    const rows: unknown[] = Array.from({ length: this.numEnvs }, (_, i) =>
      this.wrapper.action(readAction(outer, actions, i)),
    );
    const inner = this.env.singleActionSpace;
    return concatenate(inner, rows, createEmptyArray(inner, this.numEnvs)) as VectorActions;
  }
}

/** ClipAction for vector environments. */
export class ClipAction<Obs = TypedArray> extends VectorizeTransformAction<Obs> {
  constructor(env: VectorEnv<Obs>) {
    super(env, { wrapper: SingleClip });
  }
}

/** RescaleAction for vector environments. */
export class RescaleAction<Obs = TypedArray> extends VectorizeTransformAction<Obs> {
  constructor(env: VectorEnv<Obs>, options: { readonly minAction: Bound; readonly maxAction: Bound }) {
    super(env, { wrapper: SingleRescale, kwargs: { ...options } });
  }
}
