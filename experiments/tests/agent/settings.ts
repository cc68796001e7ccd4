// Agent runs on Catch that are over in a second, and how to start one.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Experiment } from '../../src/experiment.ts';
import { anyAgentExperiment, breakoutExperiment, catchExperiment } from '../../src/agent/experiment.ts';
import { fakeIo } from '../fake-experiment.ts';
import type { FakeIo } from '../fake-experiment.ts';

/** Two rounds of every kind of work. */
export const tiny = {
  steps: 144,
  tokenizer: { vqvae: { channels: 4, quantizer: { vocabulary: 8 } } },
  worldModel: { width: 8, stem: 4, batchSize: 16 },
  behaviour: { embedding: 4, hidden: 8, realBatch: 32, imaginedBatch: 32 },
  training: {
    numEnvs: 4,
    roundSteps: 18,
    tokenizer: { firstUpdates: 3, updates: 2, batchSize: 8, seedFrames: 16 },
    worldModel: { firstUpdates: 3, updates: 2 },
    imagination: { updates: 2, starts: 8, horizon: 3, startAccuracy: 0 },
    measureSteps: 36,
  },
  evaluation: { episodes: 6, heldOutSteps: 144 },
  checkpointEvery: 1,
} as const;

/** The command line of a tiny run of `train catch` on wasm, whose folder comes to be in `root`. */
export function command(root: string, ...words: readonly string[]): string[] {
  const file = join(root, 'tiny.json');
  writeFileSync(file, JSON.stringify(tiny));
  return ['train', 'catch', '--config', file, '--runs', join(root, 'runs'), '--backend', 'wasm', ...words];
}

/** The agent experiments. */
export const experiments: readonly Experiment[] = [catchExperiment, breakoutExperiment, anyAgentExperiment].map(
  (experiment) => experiment as unknown as Experiment,
);

/** Surroundings in which they are known. */
export function agentIo(): FakeIo {
  return fakeIo({ experiments });
}
