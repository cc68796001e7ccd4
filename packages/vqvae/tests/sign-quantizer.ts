import { ndarray } from '@tessera/core';
import { gather, mul, nearestCode, straightThrough } from '@tessera/engine';
import { commitmentLoss, tokenCounts } from '@tessera/vqvae';
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
    slots: [2 ** codeDim], // a vector has one token, of so many codes
    trainable: [], // the optimiser is not to move the codebook
    init: () => ({ codebook: ndarray('float32', [2 ** codeDim, codeDim], corners) }),
    quantize({ codebook }, z) {
      const tokens = nearestCode(z, codebook!); // int32 [N]; NaN and infinity throw
      const codes = gather(codebook!, tokens); // [N, D]
      const commitmentTerm = commitmentLoss(z, codes); // of the codes, never of `quantized`
      return {
        tokens,
        quantized: straightThrough(z, codes), // exactly the codes; the gradient goes to z
        losses: { commitment: commitmentTerm },
        loss: mul(commitmentTerm, commitment),
        statistics: { counts: tokenCounts(tokens, 2 ** codeDim) },
      };
    },
    update: () => ({}), // a training step changes nothing
    decode: ({ codebook }, tokens) => gather(codebook!, tokens),
  };
}
