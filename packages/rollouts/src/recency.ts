// Draws that prefer what is new: the chance of a step halves with every so many steps that came after it, mixed with a share of uniform draws.

import { ConfigError } from '@tessera/core';
import { checkWhole } from './settings.ts';

/** How much newer steps are preferred. */
export interface Recency {
  /** Steps appended after a step that halve its chance. */
  readonly halfLife: number;
  /** Share of the draws, in [0, 1], that are uniform all the same; default 0. */
  readonly uniformShare?: number;
}

/** Throws ConfigError unless these are numbers in range. */
export function checkRecency({ halfLife, uniformShare = 0 }: Recency, where: string): void {
  checkWhole({ halfLife }, 1, where);
  if (uniformShare >= 0 && uniformShare <= 1) return;
  throw new ConfigError(`${where}: expected uniformShare from 0 to 1, got ${uniformShare}.`);
}

/** What was appended at once: all its steps are equally old. */
export interface Batch {
  readonly steps: number;
  /** Those of its steps that may be drawn. */
  readonly candidates: number;
}

/** The probability of each candidate of these batches, oldest first: `u / N + (1 - u) 2^(-age / halfLife) / sum`, the age in steps of the batches after its own. */
export function recencyLaw(batches: readonly Batch[], { halfLife, uniformShare = 0 }: Recency): number[] {
  const later = batches.map(() => 0);
  for (let i = batches.length - 2; i >= 0; i--) later[i] = later[i + 1]! + batches[i + 1]!.steps;
  // Ages are counted from the newest that can be drawn, so that the sum is never 0.
  const youngest = later[batches.findLastIndex(({ candidates }) => candidates > 0)] ?? 0;
  const decays = later.map((age) => 2 ** ((youngest - age) / halfLife));
  const total = batches.reduce((sum, { candidates }) => sum + candidates, 0);
  const sum = batches.reduce(
    (partial, { candidates }, i) => partial + (candidates > 0 ? candidates * decays[i]! : 0),
    0,
  );
  return batches.map(({ candidates }, i) =>
    candidates === 0 ? 0 : uniformShare / total + ((1 - uniformShare) * decays[i]!) / sum,
  );
}
