// SimVQ (Zhu et al. 2024, arXiv 2411.02038): the codes are a frozen random table seen through one learned linear map, so that every step moves all of them at once and
// none is left behind where no vector comes.
import { ndarray } from '@tessera/core';
import { add, gather, matMul, mul, nearestCode, stopGradient } from '@tessera/engine';
import { normal } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { passGradient } from './gradient-estimators.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import { masked, maskedTokens } from './masks.ts';
import type { Quantizer, TracedQuantizerState } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

/** Codes `E W`: `E` [K, D] normal numbers of variance 1/D, which never change, and `W` [D, D], at first the identity, the only thing that is trained. Losses as kind vq. */
export function createSimVq(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, commitment, gradient } = config;
  const codesOf = ({ table, transform }: TracedQuantizerState) => matMul(stopGradient(table!), transform!); // [K, D]
  return {
    config,
    slots: [vocabulary],
    trainable: ['transform'],
    compare: (state, z) => ({ vectors: z, table: codesOf(state) }),
    init: (generator) => ({
      table: normal(generator, [vocabulary, codeDim], Math.sqrt(1 / codeDim)),
      transform: ndarray(
        'float32',
        [codeDim, codeDim],
        Float32Array.from({ length: codeDim ** 2 }, (_, i) => (i % (codeDim + 1) === 0 ? 1 : 0)),
      ),
    }),
    quantize(state, vectors, { mask } = {}) {
      const z = masked(vectors, mask);
      const codebook = codesOf(state);
      const tokens = nearestCode(z, codebook);
      const codes = gather(codebook, tokens); // [N, D]
      const losses = { codebook: codebookLoss(z, codes, mask), commitment: commitmentLoss(z, codes, mask) };
      return {
        tokens: maskedTokens(tokens, mask),
        quantized: masked(passGradient(gradient, z, codes), mask),
        losses,
        loss: add(losses.codebook, mul(losses.commitment, commitment)),
        statistics: { counts: tokenCounts(tokens, vocabulary, mask) },
      };
    },
    update: () => ({}),
    decode: (state, tokens) => gather(codesOf(state), tokens),
  };
}
