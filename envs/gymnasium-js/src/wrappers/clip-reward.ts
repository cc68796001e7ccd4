// Rewards cut to an interval (gymnasium.wrappers.ClipReward).
import type { Env } from '../env.ts';
import { InvalidBound } from '../errors.ts';
import type { TypedArray } from '../types.ts';
import { RewardWrapper } from './mapping-wrappers.ts';

export interface ClipRewardOptions {
  readonly minReward?: number | undefined;
  readonly maxReward?: number | undefined;
}

/** Rewards within `[minReward, maxReward]`; one of the two may be left out. */
export class ClipReward<Obs = TypedArray, Act = number> extends RewardWrapper<Obs, Act> {
  readonly #min: number;
  readonly #max: number;

  /** Throws InvalidBound when both bounds are left out and when the lower one is not the lower one. */
  constructor(env: Env<Obs, Act>, options: ClipRewardOptions) {
    const { minReward, maxReward } = options ?? {};
    super(env, { ...options });
    if (minReward === undefined && maxReward === undefined) {
      throw new InvalidBound('ClipReward: Both `minReward` and `maxReward` cannot be undefined.');
    }
    this.#min = minReward ?? -Infinity;
    this.#max = maxReward ?? Infinity;
    if (!(this.#min <= this.#max)) {
      const [min, max] = [String(minReward), String(maxReward)];
      throw new InvalidBound(`ClipReward: Min reward (${min}) must be smaller than max reward (${max}).`);
    }
  }

  override reward(reward: number): number {
    return Math.min(Math.max(reward, this.#min), this.#max);
  }
}
