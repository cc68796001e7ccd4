// What the value of an action should be (van Hasselt et al. 2016, Deep reinforcement learning with double Q-learning, arXiv 1509.06461, equation 4).
import { ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Steps, and what both networks say of the states they led to. */
export interface DoubleSteps {
  /** [rows] */
  readonly rewards: ArrayLike<number>;
  /** [rows]: 1 where the step led to a terminal state, whose value is 0; a truncated step counts as 0. */
  readonly terminated: ArrayLike<number>;
  /** [rows, actions]: values of the network that learns, which chooses the next action. */
  readonly online: NdArray;
  /** [rows, actions]: values of the older network, which says what that action is worth. */
  readonly target: NdArray;
}

/** `y = r + gamma (1 - terminated) Q_target(s', argmax_a Q_online(s', a))`: [rows]. The lowest action among equals. Throws ShapeError for sizes that do not fit. */
export function doubleTargets({ rewards, terminated, online, target }: DoubleSteps, gamma: number): Float32Array {
  const rows = rewards.length;
  const [, count = 0] = online.shape;
  if (terminated.length !== rows || [online, target].some(({ shape }) => String(shape) !== `${rows},${count}`)) {
    throw new ShapeError(
      `doubleTargets: ${rows} rewards need as many ends and rows of values, got ${terminated.length}, [${online.shape.join(', ')}] and [${target.shape.join(', ')}].`,
    );
  }
  return Float32Array.from({ length: rows }, (_, row) => {
    if (terminated[row]) return rewards[row]!;
    let best = row * count;
    for (let i = best + 1; i < (row + 1) * count; i++) if (online.data[i]! > online.data[best]!) best = i;
    return rewards[row]! + gamma * Number(target.data[best]);
  });
}
