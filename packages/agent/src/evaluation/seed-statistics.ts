// What runs with several seeds say together: the interquartile mean and bootstrap intervals, as Agarwal et al. 2021 (rliable, arXiv 2108.13264) advise for few runs.
import { ConfigError, NonFiniteError } from '@tessera/core';
import type { Generator } from '@tessera/core';

/** Scores by task, one for each seed: the strata of a stratified bootstrap. */
export type Strata = readonly (readonly number[])[];

/** How an interval is drawn. */
export interface BootstrapOptions {
  /** Draws the samples; the same state gives the same interval. */
  readonly generator: Generator;
  /** What is computed of each sample; default the interquartile mean of all scores together. */
  readonly statistic?: (sample: Strata) => number;
  /** Share of the samples inside, in (0, 1); default 0.95. */
  readonly level?: number;
  /** Samples drawn; default 2,000. */
  readonly samples?: number;
}

/**
 * The mean of the middle half of the scores: `2/n sum_i w_i x_(i)`, with `w_i` the part of `[i, i + 1]` inside `[n/4, 3n/4]`, i from 0.
 *
 * Where 4 divides n that is scipy's `trim_mean(x, 0.25)`. Elsewhere the two scores on the border count in part, so that exactly half of the weight stays;
 * scipy, and rliable with it, would keep them whole. Of up to two scores it is the mean. Throws ConfigError for no scores, NonFiniteError for one that is no number.
 */
export function interquartileMean(scores: readonly number[]): number {
  checkScores('interquartileMean', scores);
  const sorted = scores.toSorted((a, b) => a - b);
  const [from, to] = [sorted.length / 4, (3 * sorted.length) / 4];
  const first = Math.floor(from);
  const kept = sorted.slice(first, Math.ceil(to));
  const half = to - from;
  const mean = kept.reduce((sum, score, i) => {
    const weight = Math.min(first + i + 1, to) - Math.max(first + i, from);
    return sum + (weight / half) * score;
  }, 0);
  return Math.min(kept.at(-1)!, Math.max(kept[0]!, mean)); // rounding must not lead outside
}

/** The value below which a share `q` of the values lies, between two of them in proportion (type 7 of Hyndman and Fan 1996, numpy's default); NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const part = place - below;
  const [low, high] = [sorted[below]!, sorted[Math.min(below + 1, sorted.length - 1)]!];
  const between = low * (1 - part) + high * part; // no difference of the two: it may overflow
  return Math.min(high, Math.max(low, between));
}

/**
 * The stratified percentile bootstrap interval: in each sample every task keeps its number of seeds, drawn from its own with replacement (Efron 1979).
 *
 * With few seeds it is too narrow: of n scores a mean varies by `sqrt((n - 1) / n)` of what it should, and one seed gives a point. Throws ConfigError for a level
 * outside (0, 1), samples below 1 and a task without scores, NonFiniteError for a score that is no number.
 */
export function bootstrapInterval(
  strata: Strata,
  {
    generator,
    statistic = (sample) => interquartileMean(sample.flat()),
    level = 0.95,
    samples = 2000,
  }: BootstrapOptions,
): readonly [low: number, high: number] {
  if (!(level > 0 && level < 1))
    throw new ConfigError(`bootstrapInterval: expected a level inside (0, 1), got ${level}.`);
  if (!Number.isSafeInteger(samples) || samples < 1) {
    throw new ConfigError(`bootstrapInterval: expected a number of samples, 1 or more, got ${samples}.`);
  }
  if (strata.length === 0) throw new ConfigError('bootstrapInterval: expected scores of at least one task, got none.');
  for (const scores of strata) checkScores('bootstrapInterval', scores);
  const draw = (scores: readonly number[]) => scores.map(() => scores[generator.integers(scores.length)]!);
  const found = Array.from({ length: samples }, () => statistic(strata.map(draw)));
  return [quantile(found, (1 - level) / 2), quantile(found, (1 + level) / 2)];
}

function checkScores(where: string, scores: readonly number[]): void {
  if (scores.length === 0) throw new ConfigError(`${where}: expected at least one score, got none.`);
  const odd = scores.find((score) => !Number.isFinite(score));
  if (odd !== undefined) throw new NonFiniteError(`${where}: expected finite scores, got ${odd}.`);
}
