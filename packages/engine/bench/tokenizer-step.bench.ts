// A training step of a convolutional VQ-VAE at the size of the paper.
import type { Benchmark } from '@tessera/experiments';
import { tokenizerComparison } from './comparisons.ts';
import { convVqSizes } from './models/conv-vq.ts';

export const benchmark: Benchmark = {
  name: 'tokenizer-step',
  describe: 'A training step of a VQ-VAE (32 frames 64x64x3, 128 channels), against PyTorch.',
  prepare: (options) => tokenizerComparison(convVqSizes.large, options),
};
