// The codebook as a moving average of the vectors that chose each code: online k-means (arXiv 1711.00937, appendix A.1).
import { ndarray } from '@tessera/core';
import { add, div, greater, maximum, mul, reshape, sub, sum } from '@tessera/engine';
import { ones } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { createLookup } from './lookup.ts';
import type { Quantizer } from './quantizer.ts';

/**
 * `N <- g N + (1 - g) n`, `m <- g m + (1 - g) sum z`, `e = m / N~` with `N~ = (N + eps) / (sum N + K eps) sum N`.
 *
 * Averages start at N = 1, m = e, so a code that nothing chose stays where it is: N and m shrink alike.
 */
export function createEma(config: QuantizerConfig): Quantizer {
  const { vocabulary, commitment, decay, epsilon } = config;
  const lookup = createLookup(config);
  const { width, lookUp, compare } = lookup;
  return {
    config,
    slots: [vocabulary],
    compare,
    trainable: lookup.trainable,
    codebooks: [
      {
        name: 'codebook',
        vocabulary,
        width,
        lookUp,
        replace({ codebook, counts, sums }, rows, vectors, uses) {
          for (const [i, row] of rows.entries()) {
            const count = uses?.[i] ?? 1;
            counts!.data[row] = count;
            for (let d = 0; d < width; d++) {
              codebook!.data[row * width + d] = vectors[i * width + d]!;
              sums!.data[row * width + d] = vectors[i * width + d]! * count;
            }
          }
        },
      },
    ],
    init(generator) {
      const { codebook, ...projection } = lookup.init(generator);
      const sums = ndarray('float32', codebook!.shape, codebook!.data.slice());
      return { codebook: codebook!, counts: ones([vocabulary]), sums, ...projection };
    },
    quantize(state, z, options = {}) {
      const parts = lookup.quantize(state, z, { ...options, sums: true });
      return { ...parts, loss: mul(parts.losses.commitment, commitment) };
    },
    update({ codebook, counts, sums }, statistics) {
      // 0 without vectors in the batch: then nothing is forgotten either.
      const any = greater(sum(statistics.counts), 0);
      const keep = add(mul(any, decay), sub(1, any));
      const count = add(mul(counts!, keep), mul(statistics.counts, 1 - decay));
      const total = add(mul(sums!, keep), mul(statistics['sums']!, 1 - decay));
      const all = sum(count);
      // (N + eps) / (all + K eps) * all, written so that eps = 0 gives N itself.
      const smoothing = sub(1, div(vocabulary * epsilon, add(all, vocabulary * epsilon)));
      const smooth = reshape(mul(add(count, epsilon), smoothing), [vocabulary, 1]);
      // The old code where the count has vanished: unused counts fall to 0 in the end, and 0 / 0 is no code.
      const known = mul(greater(smooth, 1e-30), any); // [K, 1]
      const codes = add(mul(div(total, maximum(smooth, 1e-30)), known), mul(codebook!, sub(1, known)));
      return { codebook: codes, counts: count, sums: total };
    },
    decode: (state, tokens) => lookup.decode(state, tokens),
  };
}
