// Changed rewards of vector environments (gymnasium/wrappers/vector/vectorize_reward.py).
import type { Kwargs } from '../../spec.ts';
import type { TypedArray } from '../../types.ts';
import type { VectorEnv } from '../../vector/vector-env.ts';
import { checkFunction } from '../checks.ts';
import { ClipReward as SingleClip } from '../clip-reward.ts';
import type { ClipRewardOptions } from '../clip-reward.ts';
import type { RewardWrapper } from '../mapping-wrappers.ts';
import { SingleEnv } from './single-env.ts';
import { VectorRewardWrapper } from './vector-wrapper.ts';

/** Rewards are `func(rewards)`, of the whole batch. */
export class TransformReward<Obs = TypedArray> extends VectorRewardWrapper<Obs> {
  readonly func: (rewards: Float64Array) => Float64Array;

  constructor(env: VectorEnv<Obs>, options: { readonly func: (rewards: Float64Array) => Float64Array }) {
    super(env);
    this.func = checkFunction('TransformReward', 'func', options?.func);
  }

  override rewards(rewards: Float64Array): Float64Array {
    return this.func(rewards);
  }
}

/** A class of wrappers whose rewards depend on nothing but the reward inside. */
export type RewardWrapperClass = new (env: never, options: never) => { reward(reward: number): number };

/** Uses a wrapper of single environments on each reward. */
export class VectorizeTransformReward<Obs = TypedArray> extends VectorRewardWrapper<Obs> {
  readonly wrapper: RewardWrapper<unknown, unknown>;

  constructor(env: VectorEnv<Obs>, options: { readonly wrapper: RewardWrapperClass; readonly kwargs?: Kwargs }) {
    super(env);
    const Wrapper = options.wrapper;
    const wrapper: unknown = new Wrapper(new SingleEnv({}) as never, (options.kwargs ?? {}) as never);
    this.wrapper = wrapper as RewardWrapper<unknown, unknown>;
  }

  override rewards(rewards: Float64Array): Float64Array {
    return rewards.map((reward) => this.wrapper.reward(reward));
  }
}

/** ClipReward for vector environments. */
export class ClipReward<Obs = TypedArray> extends VectorizeTransformReward<Obs> {
  constructor(env: VectorEnv<Obs>, options: ClipRewardOptions) {
    super(env, { wrapper: SingleClip, kwargs: { ...options } });
  }
}
