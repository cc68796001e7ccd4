// A training step of a small causal transformer.
import type { Benchmark } from '@tessera/experiments';
import { gptComparison } from './comparisons.ts';
import { transformerSizes } from './models/transformer.ts';

export const benchmark: Benchmark = {
  name: 'gpt-step-small',
  describe: 'A training step of a small causal transformer (2 layers, width 128, 16x100 tokens), against PyTorch.',
  prepare: (options) => gptComparison(transformerSizes.small, options),
};
