// One training step of a convolutional VQ-VAE on every backend, against the TensorFlow.js tape and PyTorch.
import { compareSteps } from './compare-steps.ts';
import type { BenchOptions, BenchResult } from './compare-steps.ts';
import { convVq } from './models/conv-vq.ts';

export const benchmark: {
  readonly name: string;
  readonly describe: string;
  run(options: BenchOptions): Promise<BenchResult>;
} = {
  name: 'conv-vq-step',
  describe: 'a training step of a small VQ-VAE (frames 32x32x32x3) against PyTorch and the TensorFlow.js tape',
  run: (options) => compareSteps(convVq(), { ...options, cpuSteps: 2 }),
};
