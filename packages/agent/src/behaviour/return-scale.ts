// How far returns spread, as DreamerV3 measures it to scale advantages (Hafner et al. 2023, arXiv 2301.04104, equations 6 and 7).
import { quantile } from '../evaluation/seed-statistics.ts';

/** What is left of the average after a batch. */
const decay = 0.99;

/**
 * `S = 0.99 S + 0.01 (Per(R, 95) - Per(R, 5))` after one more batch of returns: a moving average that begins at 0, rounded to float32 as it is saved. A few
 * outliers do not move it.
 */
export function nextReturnRange(before: number, returns: Float32Array): number {
  const values = Array.from(returns);
  return Math.fround(decay * before + (1 - decay) * (quantile(values, 0.95) - quantile(values, 0.05)));
}

/** What advantages are divided by: `max(1, S)`, so that small returns are not blown up where rewards are rare. */
export function returnScale(range: number): number {
  // A range that is no number must stay one, to be found in the loss.
  return range < 1 ? 1 : range;
}
