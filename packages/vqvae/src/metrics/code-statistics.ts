// Code usage over a whole evaluation set and over single batches, kept apart by name: the same words mean very different numbers in papers.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeUsage, countCodes, usageCeilings } from '../usage.ts';

/** Statistics over all tokens of an evaluation set. Entropies are in bits a token. */
export interface DatasetCodeStatistics {
  readonly datasetTokens: number;
  readonly datasetPerplexity: number;
  /** What as many tokens would show if all K codes were equally likely. */
  readonly datasetPerplexityCeiling: number;
  /** Share of the codes that occur. */
  readonly datasetUsage: number;
  /** `1 - (1 - 1/K)^N`. */
  readonly datasetUsageCeiling: number;
  readonly deadCodes: number;
  /** Of the frequencies as they are, `log2 perplexity`. */
  readonly entropy: number;
  /** With Miller's and Madow's correction for a finite sample: `+ (used - 1) / (2 N ln 2)`, at most `log2 K`. */
  readonly entropyCorrected: number;
  /** `entropy / log2 K`. */
  readonly efficiency: number;
}

/** Statistics of single batches, averaged over them. */
export interface BatchCodeStatistics {
  /** Tokens in a batch. */
  readonly batchTokens: number;
  readonly batchPerplexity: number;
  readonly batchPerplexityCeiling: number;
  readonly batchUsage: number;
  readonly batchUsageCeiling: number;
}

/** Statistics over all `tokens` in [0, vocabulary). */
export function datasetCodeStatistics(tokens: ArrayLike<number>, vocabulary: number): DatasetCodeStatistics {
  const { perplexity, usage, dead } = codeUsage(countCodes(tokens, vocabulary));
  const ceilings = usageCeilings({ vocabulary, tokens: tokens.length });
  const entropy = Math.log2(perplexity);
  const correction = tokens.length === 0 ? 0 : (vocabulary - dead - 1) / (2 * tokens.length * Math.LN2);
  const most = Math.log2(vocabulary);
  return {
    datasetTokens: tokens.length,
    datasetPerplexity: perplexity,
    datasetPerplexityCeiling: ceilings.perplexity,
    datasetUsage: usage,
    datasetUsageCeiling: ceilings.usage,
    deadCodes: dead,
    entropy,
    entropyCorrected: Math.min(most, entropy + correction),
    efficiency: most === 0 ? 1 : entropy / most,
  };
}

/** Statistics of batches of `batch` frames, cut from tokens int32 [N, ...]; frames that do not fill a batch are left out. Throws ConfigError when there is no full batch. */
export function batchCodeStatistics(
  tokens: NdArray<'int32'>,
  { vocabulary, batch }: { readonly vocabulary: number; readonly batch: number },
): BatchCodeStatistics {
  const [frames = 0] = tokens.shape;
  const batches = Math.floor(frames / batch);
  if (!(Number.isInteger(batch) && batch >= 1 && batches >= 1)) {
    throw new ConfigError(`batchCodeStatistics: expected a batch of 1 to ${frames} frames, got ${batch}.`);
  }
  const batchTokens = (tokens.data.length / frames) * batch;
  let [batchPerplexity, batchUsage] = [0, 0];
  for (let b = 0; b < batches; b++) {
    const part = tokens.data.subarray(b * batchTokens, (b + 1) * batchTokens);
    const { perplexity, usage } = codeUsage(countCodes(part, vocabulary));
    batchPerplexity += perplexity / batches;
    batchUsage += usage / batches;
  }
  const ceilings = usageCeilings({ vocabulary, tokens: batchTokens });
  return {
    batchTokens,
    batchPerplexity,
    batchPerplexityCeiling: ceilings.perplexity,
    batchUsage,
    batchUsageCeiling: ceilings.usage,
  };
}
