// One action for several steps (gymnasium.wrappers.RepeatAction).
import type { Env } from '../env.ts';
import type { StepResult, TypedArray } from '../types.ts';
import { checkCount } from './checks.ts';
import { Wrapper } from './wrapper.ts';

/** Takes each action `numRepeats` times, fewer at the end of an episode; the reward is the sum, everything else is of the last step. */
export class RepeatAction<Obs = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly numRepeats: number;

  /** Throws ConfigError unless `numRepeats` is a whole number > 0. */
  constructor(env: Env<Obs, Act>, options: { readonly numRepeats: number }) {
    super(env, { ...options });
    this.numRepeats = checkCount('RepeatAction', 'numRepeats', options?.numRepeats, 1);
  }

  override step(action: Act): StepResult<Obs> {
    let result = this.env.step(action);
    let total = result.reward;
    for (let i = 1; i < this.numRepeats && !result.terminated && !result.truncated; i++) {
      result = this.env.step(action);
      total += result.reward;
    }
    return { ...result, reward: total };
  }
}
