// Sums over a batch that quantizers hand from `quantize` to `update`.
import { fill, mul, reshape, segmentSum, stopGradient } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** How often each of `vocabulary` tokens, int32 [N] in [0, vocabulary), occurs where `mask` [N] is 1: [vocabulary]. */
export function tokenCounts(tokens: Tensor, vocabulary: number, mask?: Tensor): Tensor {
  const rows = tokens.shape[0]!;
  const ones = mask === undefined ? fill([rows, 1], 1) : reshape(mask, [rows, 1]);
  return reshape(segmentSum(ones, tokens, vocabulary), [vocabulary]);
}

/** The sum of the finite vectors [N, D] of each token where `mask` [N] is 1: [vocabulary, D]. No gradient passes. */
export function tokenSums(vectors: Tensor, tokens: Tensor, vocabulary: number, mask?: Tensor): Tensor {
  const counted = mask === undefined ? vectors : mul(vectors, reshape(mask, [vectors.shape[0]!, 1]));
  return segmentSum(stopGradient(counted), tokens, vocabulary);
}
