// Tokens as elements of a sequence, for a `SequencePrior` over the codes of a VQ-VAE.
import type { NdArray } from '@tessera/core';
import { gather, softmaxCrossEntropy, reshape } from '@tessera/engine';
import { initEmbedding } from '@tessera/nn';
import { drawLogit } from '@tessera/vqvae';
import type { SequenceHead } from '@tessera/vqvae';

/** Tokens in [0, vocabulary) under a softmax. */
export function tokenHead(vocabulary: number): SequenceHead<{ readonly table: NdArray<'float32'> }> {
  return {
    element: { dtype: 'int32', shape: [] },
    outputs: vocabulary,
    init: (generator, width) => ({ table: initEmbedding(generator, { vocabulary, width }) }),
    embed: ({ table }, tokens) => gather(table, tokens),
    nll(predictions, tokens) {
      const [rows, length] = predictions.shape as [number, number];
      const nats = softmaxCrossEntropy(reshape(predictions, [rows * length, vocabulary]), reshape(tokens, [-1]));
      return reshape(nats, [rows, length]);
    },
    draw(prediction, target, generator) {
      target[0] = drawLogit(prediction, generator);
    },
  };
}
