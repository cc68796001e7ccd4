// From times to a result: medians, paired ratios and how sure they are. Medians, because a busy machine makes some rounds slow and none fast.

import { npRandom } from '@tessera/core';
import type { BenchLine, BenchResult } from './benchmark.ts';

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a share `q` of the values lies, between two of them in proportion (type 7 of Hyndman and Fan 1996); NaN of nothing. */
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

/** Our time over theirs, round by round. */
export function pairedRatios({ ours, theirs }: Pick<BenchResult, 'ours' | 'theirs'>): number[] {
  return theirs.length === 0 ? [] : ours.map((value, round) => value / theirs[round]!);
}

/**
 * The percentile bootstrap interval of the median (Efron 1979): medians of `samples` draws with replacement, of which a share `level` lies inside.
 * The draws are the same every time.
 */
export function bootstrapInterval(
  values: readonly number[],
  { level = 0.9, samples = 2000 }: { readonly level?: number; readonly samples?: number } = {},
): readonly [low: number, high: number] {
  const generator = npRandom(0);
  const medians = Array.from({ length: samples }, () =>
    median(values.map(() => values[generator.integers(0, values.length)]!)),
  );
  return [quantile(medians, (1 - level) / 2), quantile(medians, (1 + level) / 2)];
}

/** Medians, and the median of the paired ratios. */
export function summariseBench(name: string, result: BenchResult): BenchLine {
  const { ours, theirs, unit, backend, threads } = result;
  const compared = theirs.length > 0;
  return {
    name,
    ratio: compared ? median(pairedRatios(result)) : null,
    ours: median(ours),
    theirs: compared ? median(theirs) : null,
    unit,
    rounds: ours.length,
    backend,
    threads,
  };
}
