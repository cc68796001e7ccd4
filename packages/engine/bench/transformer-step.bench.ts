// One training step of a small transformer on every backend, against the TensorFlow.js tape and PyTorch.
import { compareSteps } from './compare-steps.ts';
import type { BenchOptions, BenchResult } from './compare-steps.ts';
import { transformer } from './models/transformer.ts';

export const benchmark: {
  readonly name: string;
  readonly describe: string;
  run(options: BenchOptions): Promise<BenchResult>;
} = {
  name: 'transformer-step',
  describe:
    'a training step of a 2-block transformer (16x100 tokens, width 128) against PyTorch and the TensorFlow.js tape',
  run: (options) => compareSteps(transformer(), { ...options, cpuSteps: 1 }),
};
