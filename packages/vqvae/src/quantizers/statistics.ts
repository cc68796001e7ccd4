// Sums over a batch that quantizers hand from `quantize` to `update`.
import { fill, reshape, segmentSum, stopGradient } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** How often each of `vocabulary` tokens occurs: [vocabulary] of int32 [N]. */
export function tokenCounts(tokens: Tensor, vocabulary: number): Tensor {
  return reshape(segmentSum(fill([tokens.shape[0]!, 1], 1), tokens, vocabulary), [vocabulary]);
}

/** The sum of the vectors [N, D] of each token: [vocabulary, D]. */
export function tokenSums(vectors: Tensor, tokens: Tensor, vocabulary: number): Tensor {
  return segmentSum(stopGradient(vectors), tokens, vocabulary);
}
