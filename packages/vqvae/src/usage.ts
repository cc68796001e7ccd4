// How a codebook is used, and how far it could be: statistics of code counts with the ceilings that the size of the sample sets.
import { ShapeError } from '@tessera/core';

/** Statistics of a sample of tokens. */
export interface CodeUsage {
  /** `exp(-sum p ln p)` of the code frequencies p, in [1, min(K, tokens)]; 1 for an empty sample. */
  readonly perplexity: number;
  /** Share of the K codes that occur at least once. */
  readonly usage: number;
  /** Codes that do not occur. */
  readonly dead: number;
  /** Tokens in the sample. */
  readonly tokens: number;
}

/** Hits of each of `vocabulary` codes. */
export function countCodes(tokens: ArrayLike<number>, vocabulary: number): Float64Array {
  const counts = new Float64Array(vocabulary);
  for (let i = 0; i < tokens.length; i++) counts[tokens[i]!]! += 1;
  return counts;
}

/** Statistics of hits by code. */
export function codeUsage(counts: ArrayLike<number>): CodeUsage {
  let tokens = 0;
  let used = 0;
  for (let k = 0; k < counts.length; k++) {
    tokens += counts[k]!;
    if (counts[k]! > 0) used++;
  }
  let entropy = 0;
  for (let k = 0; k < counts.length; k++) {
    const share = counts[k]! / tokens;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return { perplexity: Math.exp(entropy), usage: used / counts.length, dead: counts.length - used, tokens };
}

/** What a sample of `tokens` tokens would show of `vocabulary` codes that are all equally likely. */
export function usageCeilings({ vocabulary, tokens }: { readonly vocabulary: number; readonly tokens: number }): {
  /** `1 - (1 - 1/K)^N`. */
  readonly usage: number;
  /** `exp` of the expected entropy of the sample. */
  readonly perplexity: number;
} {
  if (tokens === 0) return { usage: 0, perplexity: 1 };
  return {
    usage: 1 - (1 - 1 / vocabulary) ** tokens,
    perplexity: Math.exp(Math.log(tokens) - (vocabulary / tokens) * expectedCountTimesLog(tokens, 1 / vocabulary)),
  };
}

// E[n ln n] for n ~ Binomial(N, p), by the recurrence of the probabilities outward from the mode, where they are largest.
function expectedCountTimesLog(tokens: number, p: number): number {
  if (p >= 1) return tokens * Math.log(tokens);
  const odds = p / (1 - p);
  const mode = Math.min(tokens, Math.floor((tokens + 1) * p));
  let total = 0;
  let weights = 0;
  const take = (n: number, weight: number): boolean => {
    weights += weight;
    if (n > 0) total += weight * n * Math.log(n);
    return weight > 1e-18;
  };
  // Probabilities relative to that of the mode: only their ratios matter.
  for (let n = mode, weight = 1; n <= tokens && take(n, weight); n++) weight *= ((tokens - n) / (n + 1)) * odds;
  for (let n = mode - 1, weight = 1; n >= 0; n--) {
    weight *= (n + 1) / ((tokens - n) * odds);
    if (!take(n, weight)) break;
  }
  return total / weights;
}

/** Share of positions at which two equally long lists of tokens differ: token churn when they are codes of the same frames at two times. Throws ShapeError for other lengths. */
export function tokenChurn(before: ArrayLike<number>, after: ArrayLike<number>): number {
  if (before.length !== after.length) {
    throw new ShapeError(
      `tokenChurn: expected tokens of the same frames, got ${before.length} and ${after.length} of them.`,
    );
  }
  let changed = 0;
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i]) changed++;
  return before.length === 0 ? 0 : changed / before.length;
}
