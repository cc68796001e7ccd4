import { ndarray } from '@tessera/core';
import { gather, mul, nearestCode, straightThrough } from '@tessera/engine';
import { codebookLoss, commitmentLoss } from '@tessera/vqvae';
import type { Quantizer, QuantizerConfig } from '@tessera/vqvae';

/** The signs of D numbers as one of 2^D codes: a codebook with nothing to learn. */
export function createSigns(config: QuantizerConfig): Quantizer {
  const { codeDim, commitment } = config;
  const bit = (code: number, d: number) => (code >> (codeDim - 1 - d)) & 1;
  const corners = Float32Array.from({ length: 2 ** codeDim * codeDim }, (_, i) =>
    bit(Math.floor(i / codeDim), i % codeDim) === 1 ? 1 : -1,
  );
  return {
    config,
    trainable: false, // the optimiser is not to move the codebook
    init: () => ({ codebook: ndarray('float32', [2 ** codeDim, codeDim], corners) }),
    quantize({ codebook }, z) {
      const tokens = nearestCode(z, codebook); // int32 [N]; NaN and infinity throw
      const codes = gather(codebook, tokens); // [N, D]
      const commitmentTerm = commitmentLoss(z, codes);
      return {
        tokens,
        quantized: straightThrough(z, codes), // exactly the codes; the gradient goes to z
        codebookLoss: codebookLoss(z, codes), // of the codes, never of `quantized`
        commitmentLoss: commitmentTerm,
        loss: mul(commitmentTerm, commitment),
      };
    },
    update() {
      // No statistics to keep.
    },
    replace() {
      // No code is ever restarted.
    },
  };
}
