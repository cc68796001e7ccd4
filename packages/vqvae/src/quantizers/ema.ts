// The codebook as a moving average of the vectors that chose each code: online k-means (arXiv 1711.00937, appendix A.1).
import { ndarray } from '@tessera/core';
import {
  add,
  div,
  gather,
  greater,
  maximum,
  mul,
  nearestCode,
  reshape,
  straightThrough,
  sub,
  sum,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { ones, uniform } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import type { Quantizer, TracedQuantizerState } from './quantizer.ts';
import { tokenCounts, tokenSums } from './statistics.ts';

/**
 * `N <- g N + (1 - g) n`, `m <- g m + (1 - g) sum z`, `e = m / N~` with `N~ = (N + eps) / (sum N + K eps) sum N`.
 *
 * Averages start at N = 1, m = e, so a code that nothing chose stays where it is: N and m shrink alike.
 */
export function createEma(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, commitment, decay, epsilon } = config;
  const decode = ({ codebook }: TracedQuantizerState, tokens: Tensor) => gather(codebook!, tokens);
  return {
    config,
    slots: [vocabulary],
    trainable: [],
    codebooks: [
      {
        name: 'codebook',
        vocabulary,
        width: codeDim,
        lookUp: ({ codebook }, z) => ({ vectors: z, codes: gather(codebook!, nearestCode(z, codebook!)) }),
        replace({ codebook, counts, sums }, rows, vectors, uses) {
          for (const [i, row] of rows.entries()) {
            const vector = vectors.subarray(i * codeDim, (i + 1) * codeDim);
            const count = uses?.[i] ?? 1;
            codebook!.data.set(vector, row * codeDim);
            sums!.data.set(
              vector.map((x) => x * count),
              row * codeDim,
            );
            counts!.data[row] = count;
          }
        },
      },
    ],
    init(generator) {
      const codebook = uniform(generator, [vocabulary, codeDim], 1 / vocabulary);
      return {
        codebook,
        counts: ones([vocabulary]),
        sums: ndarray('float32', codebook.shape, codebook.data.slice()),
      };
    },
    quantize(state, z) {
      const tokens = nearestCode(z, state['codebook']!);
      const codes = decode(state, tokens); // [N, D]
      const losses = { codebook: codebookLoss(z, codes), commitment: commitmentLoss(z, codes) };
      return {
        tokens,
        quantized: straightThrough(z, codes),
        losses,
        loss: mul(losses.commitment, commitment),
        statistics: { counts: tokenCounts(tokens, vocabulary), sums: tokenSums(z, tokens, vocabulary) },
      };
    },
    update({ codebook, counts, sums }, statistics) {
      const count = add(mul(counts!, decay), mul(statistics.counts, 1 - decay));
      const total = add(mul(sums!, decay), mul(statistics['sums']!, 1 - decay));
      const all = sum(count);
      // (N + eps) / (all + K eps) * all, written so that eps = 0 gives N itself.
      const smoothing = sub(1, div(vocabulary * epsilon, add(all, vocabulary * epsilon)));
      const smooth = mul(add(count, epsilon), smoothing);
      return { codebook: meanOr(codebook!, total, reshape(smooth, [vocabulary, 1])), counts: count, sums: total };
    },
    decode,
  };
}

// sums / counts, and the old code where the count has vanished: unused counts fall to 0 in the end, and 0 / 0 is no code.
function meanOr(old: Tensor, sums: Tensor, counts: Tensor): Tensor {
  const known = greater(counts, 1e-30); // [K, 1]
  return add(mul(div(sums, maximum(counts, 1e-30)), known), mul(old, sub(1, known)));
}
