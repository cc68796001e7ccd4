// Any function on rewards (gymnasium.wrappers.TransformReward).
import type { Env } from '../env.ts';
import type { TypedArray } from '../types.ts';
import { checkFunction } from './checks.ts';
import { RewardWrapper } from './mapping-wrappers.ts';

/** Rewards are `func(reward)`. */
export class TransformReward<Obs = TypedArray, Act = number> extends RewardWrapper<Obs, Act> {
  readonly func: (reward: number) => number;

  constructor(env: Env<Obs, Act>, options: { readonly func: (reward: number) => number }) {
    super(env, { ...options });
    this.func = checkFunction('TransformReward', 'func', options?.func);
  }

  override reward(reward: number): number {
    return this.func(reward);
  }
}
