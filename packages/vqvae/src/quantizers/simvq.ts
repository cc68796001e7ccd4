// SimVQ (Zhu et al. 2024, arXiv 2411.02038): the codes are a frozen random table seen through one learned linear map, so that every step moves all of them at once and
// none is left behind where no vector comes.
import { ndarray } from '@tessera/core';
import { add, gather, matMul, mul, nearestCode, stopGradient, straightThrough } from '@tessera/engine';
import { normal } from '@tessera/nn';
import type { QuantizerConfig } from '../config.ts';
import { codebookLoss, commitmentLoss } from './losses.ts';
import type { Quantizer, TracedQuantizerState } from './quantizer.ts';
import { tokenCounts } from './statistics.ts';

/** Codes `E W`: `E` [K, D] normal numbers of variance 1/D, which never change, and `W` [D, D], at first the identity, the only thing that is trained. Losses as kind vq. */
export function createSimVq(config: QuantizerConfig): Quantizer {
  const { vocabulary, codeDim, commitment } = config;
  const codesOf = ({ table, transform }: TracedQuantizerState) => matMul(stopGradient(table!), transform!); // [K, D]
  return {
    config,
    slots: [vocabulary],
    trainable: ['transform'],
    init: (generator) => ({
      table: normal(generator, [vocabulary, codeDim], Math.sqrt(1 / codeDim)),
      transform: ndarray(
        'float32',
        [codeDim, codeDim],
        Float32Array.from({ length: codeDim ** 2 }, (_, i) => (i % (codeDim + 1) === 0 ? 1 : 0)),
      ),
    }),
    quantize(state, z) {
      const codebook = codesOf(state);
      const tokens = nearestCode(z, codebook);
      const codes = gather(codebook, tokens); // [N, D]
      const losses = { codebook: codebookLoss(z, codes), commitment: commitmentLoss(z, codes) };
      return {
        tokens,
        quantized: straightThrough(z, codes),
        losses,
        loss: add(losses.codebook, mul(losses.commitment, commitment)),
        statistics: { counts: tokenCounts(tokens, vocabulary) },
      };
    },
    update: () => ({}),
    decode: (state, tokens) => gather(codesOf(state), tokens),
  };
}
