// The vector quantizer of the VQ-VAE paper: the codebook learns by the gradient of the codebook loss (arXiv 1711.00937, equation 3).
import { add, gather, mul, nearestCode, straightThrough } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { uniform } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import type { Quantizer, TracedQuantizerState } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

/** `loss = ||sg[z] - e||^2 + beta ||z - sg[e]||^2`, e the nearest code. */
export function createVq(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, commitment } = config;
  const decode = ({ codebook }: TracedQuantizerState, tokens: Tensor) => gather(codebook!, tokens);
  return {
    config,
    slots: [vocabulary],
    trainable: ['codebook'],
    codebooks: [
      {
        name: 'codebook',
        vocabulary,
        width: codeDim,
        lookUp: ({ codebook }, z) => ({ vectors: z, codes: gather(codebook!, nearestCode(z, codebook!)) }),
        replace({ codebook }, rows, vectors) {
          for (const [i, row] of rows.entries()) {
            codebook!.data.set(vectors.subarray(i * codeDim, (i + 1) * codeDim), row * codeDim);
          }
        },
      },
    ],
    // The range of the original code; seeding from data replaces it before the first step.
    init: (generator) => ({ codebook: uniform(generator, [vocabulary, codeDim], 1 / vocabulary) }),
    quantize(state, z) {
      const tokens = nearestCode(z, state['codebook']!);
      const codes = decode(state, tokens); // [N, D]
      const losses = { codebook: codebookLoss(z, codes), commitment: commitmentLoss(z, codes) };
      return {
        tokens,
        quantized: straightThrough(z, codes),
        losses,
        loss: add(losses.codebook, mul(losses.commitment, commitment)),
        statistics: { counts: tokenCounts(tokens, vocabulary) },
      };
    },
    // The optimiser makes the update.
    update: () => ({}),
    decode,
  };
}
