// From logits to actions, outside of programs, so that each draw is one number of an explicit generator.
import { NonFiniteError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { generatorOf } from '../row-generators.ts';
import type { RowGenerators } from '../row-generators.ts';

/** Actions and how likely they were. */
export interface Choices {
  /** Action indices from 0. */
  readonly actions: Int32Array;
  /** Natural logarithm of the probability of each. */
  readonly logProbabilities: Float32Array;
  /** float32 [rows, actions]: how likely each action was. */
  readonly probabilities: NdArray<'float32'>;
}

/**
 * An action for each row of `logits` [rows, actions]: drawn with probability `softmax(logits)`, one `random()` a row, or with `greedy` the most likely, the
 * lowest among equals. Throws NonFiniteError for logits that are no numbers.
 */
export function chooseActions(
  logits: NdArray,
  { generator, greedy = false }: { readonly generator: RowGenerators; readonly greedy?: boolean },
): Choices {
  const [rows, count] = logits.shape as [number, number];
  const actions = new Int32Array(rows);
  const logProbabilities = new Float32Array(rows);
  const probabilities = ndarray('float32', [rows, count]);
  for (let row = 0; row < rows; row++) {
    const own = logits.data.subarray(row * count, (row + 1) * count) as Float32Array;
    let best = 0;
    for (let i = 1; i < count; i++) if (own[i]! > own[best]!) best = i;
    const weights = Float64Array.from(own, (x) => Math.exp(x - own[best]!));
    const total = weights.reduce((sum, x) => sum + x, 0);
    if (!Number.isFinite(total)) {
      throw new NonFiniteError(`policy: expected finite logits, got ${own.join(', ')} in row ${row}.`);
    }
    const action = greedy ? best : drawIndex(weights, total * generatorOf(generator, row).random());
    actions[row] = action;
    logProbabilities[row] = Math.log(weights[action]! / total);
    for (let i = 0; i < count; i++) probabilities.data[row * count + i] = weights[i]! / total;
  }
  return { actions, logProbabilities, probabilities };
}

function drawIndex(weights: Float64Array, position: number): number {
  let left = position;
  for (let i = 0; i < weights.length - 1; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  // Rounding may leave the position just behind the last of those that can be chosen.
  return weights.findLastIndex((weight) => weight > 0);
}

/** `log softmax(logits)[action]` of one row. */
export function logProbability(logits: Float32Array, action: number): number {
  const top = logits.reduce((a, b) => Math.max(a, b));
  return logits[action]! - top - Math.log(logits.reduce((sum, x) => sum + Math.exp(x - top), 0));
}
