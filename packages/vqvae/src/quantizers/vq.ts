// The vector quantizer of the VQ-VAE paper: the codebook learns by the gradient of the codebook loss (arXiv 1711.00937, equation 3).
import { add, gather, mul, nearestCode, straightThrough } from '@tessera/engine';
import { uniform } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import type { Quantizer } from './quantizer.ts';

/** `loss = ||sg[z] - e||^2 + beta ||z - sg[e]||^2`, e the nearest code. */
export function createVq(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, commitment } = config;
  return {
    config,
    trainable: true,
    // The range of the original code; seeding from data replaces it before the first step.
    init: (generator) => ({ codebook: uniform(generator, [vocabulary, codeDim], 1 / vocabulary) }),
    quantize({ codebook }, z) {
      const tokens = nearestCode(z, codebook);
      const codes = gather(codebook, tokens); // [N, D]
      const losses = { codebookLoss: codebookLoss(z, codes), commitmentLoss: commitmentLoss(z, codes) };
      const loss = add(losses.codebookLoss, mul(losses.commitmentLoss, commitment));
      return { tokens, quantized: straightThrough(z, codes), ...losses, loss };
    },
    update() {
      // The optimiser makes the update.
    },
    replace({ codebook }, rows, vectors) {
      for (const [i, row] of rows.entries()) {
        codebook!.data.set(vectors.subarray(i * codeDim, (i + 1) * codeDim) as never, row * codeDim);
      }
    },
  };
}
