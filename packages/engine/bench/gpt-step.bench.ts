// A training step of a causal transformer as token world models have it.
import type { Benchmark } from '@tessera/experiments';
import { gptComparison } from './comparisons.ts';
import { transformerSizes } from './models/transformer.ts';

export const benchmark: Benchmark = {
  name: 'gpt-step',
  describe: 'A training step of a causal transformer (4 layers, width 256, 8x340 tokens), against PyTorch.',
  prepare: (options) => gptComparison(transformerSizes.large, options),
};
