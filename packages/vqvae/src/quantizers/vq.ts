// The vector quantizer of the VQ-VAE paper: the codebook learns by the gradient of the codebook loss (arXiv 1711.00937, equation 3).
import { add, mul } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';
import { createLookup } from './lookup.ts';
import type { Quantizer } from './quantizer.ts';

/** `loss = ||sg[z] - e||^2 + beta ||z - sg[e]||^2`, e the nearest code. */
export function createVq(config: QuantizerConfig): Quantizer {
  const { vocabulary, commitment } = config;
  const lookup = createLookup(config);
  const { width, lookUp, compare } = lookup;
  return {
    config,
    slots: [vocabulary],
    compare,
    trainable: ['codebook', ...lookup.trainable],
    codebooks: [
      {
        name: 'codebook',
        vocabulary,
        width,
        lookUp,
        replace({ codebook }, rows, vectors) {
          for (const [i, row] of rows.entries()) {
            codebook!.data.set(vectors.subarray(i * width, (i + 1) * width), row * width);
          }
        },
      },
    ],
    init: (generator) => lookup.init(generator),
    quantize(state, z, options = {}) {
      const parts = lookup.quantize(state, z, options);
      const { codebook, commitment: towards } = parts.losses;
      return { ...parts, loss: add(codebook, mul(towards, commitment)) };
    },
    // The optimiser makes the update.
    update: () => ({}),
    decode: (state, tokens) => lookup.decode(state, tokens),
  };
}
