// From times to a result: medians, paired ratios and how sure they are. Medians, because a busy machine makes some rounds slow and none fast.

import { bootstrapInterval, quantile } from '@tessera/agent';
import { npRandom } from '@tessera/core';
import type { BenchLine, BenchResult } from './benchmark.ts';

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Our time over theirs, round by round. */
export function pairedRatios({ ours, theirs }: Pick<BenchResult, 'ours' | 'theirs'>): number[] {
  return theirs.length === 0 ? [] : ours.map((value, round) => value / theirs[round]!);
}

/** The bootstrap interval of the median. The draws are the same every time. */
export function medianInterval(
  values: readonly number[],
  { level = 0.9, samples = 2000 }: { readonly level?: number; readonly samples?: number } = {},
): readonly [low: number, high: number] {
  const statistic = ([sample]: readonly (readonly number[])[]) => median(sample!);
  return bootstrapInterval([values], { generator: npRandom(0), statistic, level, samples });
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
