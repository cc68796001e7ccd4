// Times sides in turn: in every round each works for about half a second, and what counts is the median of that burst. Every second round goes the other way
// round, so that nobody always follows the same one.

import { median } from './bench-statistics.ts';
import type { Side } from './benchmark.ts';

/** How to measure. */
export interface RoundsOptions {
  readonly rounds: number;
  readonly signal: AbortSignal;
  /** Length of a burst in milliseconds; default 500. */
  readonly burst?: number;
  /** Waits for a quiet machine and says whether it came. */
  readonly quiet: () => Promise<boolean>;
}

/** What was measured. */
export interface Rounds {
  /** For each side the median of each round's burst. */
  readonly times: readonly (readonly number[])[];
  /** For each side how many units of work a burst has. */
  readonly counts: readonly number[];
  /** Bursts that began on a quiet machine. */
  readonly quietBursts: number;
}

/** Times `sides`; throws the signal's reason when it is aborted. */
export async function timeRounds(sides: readonly Side[], options: RoundsOptions): Promise<Rounds> {
  const { rounds, signal, burst = 500, quiet } = options;
  const counts: number[] = [];
  for (const side of sides) {
    signal.throwIfAborted();
    const warm = median(await side.times(3));
    counts.push(Math.min(1000, Math.max(1, Math.round(burst / Math.max(warm, 1e-3)))));
  }
  const times: number[][] = sides.map(() => []);
  let quietBursts = 0;
  for (let round = 0; round < rounds; round++) {
    const order = [...sides.entries()];
    for (const [i, side] of round % 2 === 0 ? order : order.toReversed()) {
      signal.throwIfAborted();
      if (await quiet()) quietBursts++;
      times[i]!.push(median(await side.times(counts[i]!)));
    }
  }
  return { times, counts, quietBursts };
}
