// What people read of a benchmark: medians, spread, rates, the ratio and how sure it is.

import { quantile } from '@tessera/agent';
import { medianInterval, pairedRatios } from './bench-statistics.ts';
import type { BenchLine, BenchResult, Comparison } from './benchmark.ts';
import { formatCount, formatNumber } from './format.ts';
import { renderTable } from './table.ts';

/** The table at the end. `items` is what a unit of work handles. */
export function benchText(line: BenchLine, result: BenchResult, items: Comparison['items']): string {
  const { ours, theirs, ratio, unit, rounds, backend, threads } = line;
  const note = (median: number, times: readonly number[]): string => {
    const [low, high] = [quantile(times, 0.25), quantile(times, 0.75)].map(formatNumber);
    const rate = `${formatCount((1000 * items.count) / median)} ${items.name}/s`;
    return `${unit}, median of ${rounds} rounds, half of them ${low} to ${high}; ${rate}`;
  };
  const rows = [{ name: 'ours', value: formatNumber(ours), note: note(ours, result.ours) }];
  if (theirs !== null) rows.push({ name: 'theirs', value: formatNumber(theirs), note: note(theirs, result.theirs) });
  if (ratio !== null) {
    const [low, high] = medianInterval(pairedRatios(result)).map((value) => value.toFixed(3));
    rows.push({
      name: 'ratio',
      value: ratio.toFixed(3),
      note: `ours / theirs, median of the paired ratios; 90 % bootstrap interval ${low} to ${high}`,
    });
  }
  return renderTable([...rows, { name: 'back end', value: backend, note: `threads: ${threads}` }]);
}

/** A line for each side that is neither ours nor theirs. */
export function othersText(
  sides: readonly { readonly name: string }[],
  times: readonly (readonly number[])[],
  reference: { readonly name: string; readonly times: readonly number[] },
): string {
  return renderTable(
    sides.map(({ name }, i) => {
      const median = quantile(times[i]!, 0.5);
      const ratio = quantile(pairedRatios({ ours: times[i]!, theirs: reference.times }), 0.5);
      const least = Math.min(...times[i]!);
      return {
        name,
        value: formatNumber(median),
        note: `least ${formatNumber(least)}; ${formatNumber(ratio)} of ${reference.name}`,
      };
    }),
  );
}
