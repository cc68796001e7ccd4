// Lambda-returns of one stretch of experience (Sutton and Barto 2018, equation 12.2; as recursion in Dreamer, arXiv 1912.01603, equation 6).
import { ShapeError } from '@tessera/core';

/** Consecutive steps of one episode, or of one row of imagination. */
export interface Stretch {
  /** [T] */
  readonly rewards: ArrayLike<number>;
  /** [T + 1]: the value of the state before each step, and of the one after the last. */
  readonly values: ArrayLike<number>;
  /**
   * [T]: 1 where the step led to a terminal state, whose value counts as 0. A step that was truncated is no such end: what would have come after it is
   * still estimated by its value.
   */
  readonly terminated: ArrayLike<number>;
}

/** Discount of later rewards, and weight of longer returns. */
export interface ReturnOptions {
  readonly gamma: number;
  readonly lambda: number;
}

/**
 * `G_t = r_t + gamma (1 - terminated_t) ((1 - lambda) V_{t+1} + lambda G_{t+1})`, with `G_T = V_T`: [T].
 *
 * `G_t - V_t` is the generalised advantage (Schulman et al. 2016, arXiv 1506.02438). Throws ShapeError for lengths that do not fit.
 */
export function lambdaReturns(
  { rewards, values, terminated }: Stretch,
  { gamma, lambda }: ReturnOptions,
): Float32Array {
  const steps = rewards.length;
  if (values.length !== steps + 1 || terminated.length !== steps) {
    throw new ShapeError(
      `lambdaReturns: ${steps} rewards need ${steps + 1} values and ${steps} ends, got ${values.length} and ${terminated.length}.`,
    );
  }
  const returns = new Float32Array(steps);
  let next = values[steps]!;
  for (let t = steps - 1; t >= 0; t--) {
    const future = (1 - lambda) * values[t + 1]! + lambda * next;
    next = terminated[t] ? rewards[t]! : rewards[t]! + gamma * future;
    returns[t] = next;
  }
  return returns;
}
