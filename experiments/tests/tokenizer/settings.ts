// Settings of the tokenizer experiment for tests: defaults with a few changes.

import { resolveConfig } from '@tessera/runs';
import { tokenizerSchema } from '../../src/tokenizer/config.ts';
import type { TokenizerConfig } from '../../src/tokenizer/config.ts';

/** The schema's defaults with `values` over them. */
export function settings(values: Readonly<Record<string, unknown>> = {}): TokenizerConfig {
  return resolveConfig(tokenizerSchema, [{ source: 'test', values }]) as unknown as TokenizerConfig;
}

/** A run that is over in a second. */
export const tiny = {
  steps: 400,
  rollouts: { numEnvs: 2, chunkLength: 32 },
  training: { batchSize: 16, trainRatio: 1, warmupSteps: 100, seedFrames: 32, warmupUpdates: 2 },
  model: { channels: 4, quantizer: { vocabulary: 8 } },
  measure: {
    heldOutSteps: 128,
    evaluationFrames: 32,
    probeFrames: 16,
    logEvery: 2,
    churnEvery: 4,
    checkpointEvery: 5,
  },
} as const;
