// Several steps for one action, and the brighter of the last two frames (gymnasium.wrappers.MaxAndSkipObservation).
import type { Env } from '../env.ts';
import type { StepResult, TypedArray } from '../types.ts';
import { checkBox, checkCount } from './checks.ts';
import { Wrapper } from './wrapper.ts';

/**
 * Takes each action `skip` times, fewer at the end of an episode. The observation is the element-wise maximum of the last two, the reward
 * the sum, everything else of the last step.
 *
 * Where an episode ends early, Gymnasium takes the maximum with frames of earlier steps or episodes; here with the step before alone.
 */
export class MaxAndSkipObservation<Obs extends TypedArray = TypedArray, Act = number> extends Wrapper<Obs, Act> {
  readonly skip: number;

  /** Throws ConfigError unless observations are in a Box and `skip` is a whole number >= 2. */
  constructor(env: Env<Obs, Act>, options: { readonly skip?: number } = {}) {
    super(env, { ...options });
    this.skip = checkCount('MaxAndSkipObservation', 'skip', options.skip ?? 4, 2);
    checkBox('MaxAndSkipObservation', 'observation', env.observationSpace);
  }

  override step(action: Act): StepResult<Obs> {
    let result = this.env.step(action);
    let before: Obs | undefined;
    let total = result.reward;
    for (let i = 1; i < this.skip && !result.terminated && !result.truncated; i++) {
      before = result.observation;
      result = this.env.step(action);
      total += result.reward;
    }
    const observation = before === undefined ? result.observation : maximum(before, result.observation);
    return { ...result, observation, reward: total };
  }
}

function maximum<T extends TypedArray>(a: T, b: T): T {
  const out = b.slice() as T;
  for (let i = 0; i < out.length; i++) if (a[i]! > out[i]!) out[i] = a[i]!;
  return out;
}
