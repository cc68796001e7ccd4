// A training step of a convolutional VQ-VAE so small that what is around the products counts.
import type { Benchmark } from '@tessera/experiments';
import { tokenizerComparison } from './comparisons.ts';
import { convVqSizes } from './models/conv-vq.ts';

export const benchmark: Benchmark = {
  name: 'tokenizer-step-small',
  describe: 'A training step of a small VQ-VAE (32 frames 32x32x3, 32 channels), against PyTorch.',
  prepare: (options) => tokenizerComparison(convVqSizes.small, options),
};
