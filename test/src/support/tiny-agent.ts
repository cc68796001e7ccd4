// Agent runs that are over in seconds on plain JavaScript: frames of 8 x 8 pixels, small networks, a few hundred steps, and yet every kind of work that a
// long run has.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The module that registers `Chase-v0`, `Glide-v0` and `Fog-v0`. */
export const chaseModule: string = fileURLToPath(new URL('./fixtures/chase.mjs', import.meta.url));

/** Rounds of a tiny run. */
export const rounds = 8;

const settings = {
  steps: rounds * 40,
  rollouts: { envModules: [chaseModule] },
  tokenizer: {
    kind: 'vqvae',
    vqvae: {
      tokenShape: [4, 4],
      channels: 4,
      kernelSize: 2,
      residualBlocks: 0,
      quantizer: { vocabulary: 12, codeDim: 4 },
    },
    nearest: { tokenShape: [4, 4], vocabulary: 12 },
  },
  worldModel: { context: 2, width: 8, layers: 1, stem: 4, batchSize: 16 },
  behaviour: { embedding: 4, stem: 4, hidden: 16, epochs: 2, realBatch: 16, imaginedBatch: 16 },
  training: {
    numEnvs: 4,
    roundSteps: 10,
    // About four rounds.
    replayBytes: 56_000,
    tokenizer: { firstUpdates: 8, updates: 3, untilSteps: 240, batchSize: 16, seedFrames: 32, warmupUpdates: 2 },
    worldModel: { firstUpdates: 8, updates: 4 },
    // Whatever the world model is worth: dreams are part of the work.
    imagination: { updates: 2, starts: 8, horizon: 4, explore: 2, startAccuracy: 0 },
    measureSteps: 20,
  },
  evaluation: { episodes: 80, maxSteps: 20, heldOutSteps: 320 },
  checkpointEvery: 1,
};

/** What a test may choose. */
export interface TinyAgentOptions {
  /** Where run folders go; the file of settings is written there too. */
  readonly root: string;
  /** `cpu` is bit-exact, `wasm` fast; default `cpu`. */
  readonly backend?: 'cpu' | 'wasm';
  /** Default `Chase-v0`. */
  readonly env?: string;
  readonly seed?: number;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Further `--set` options. */
  readonly set?: readonly string[];
}

/** The command line of a tiny run of `train agent`: 320 steps in 8 rounds, a checkpoint after each, shards that leave the replay from the fifth on. */
export function tinyAgent({
  root,
  backend = 'cpu',
  env = 'Chase-v0',
  seed = 0,
  kwargs,
  set = [],
}: TinyAgentOptions): string[] {
  const file = join(root, 'agent.json');
  writeFileSync(file, JSON.stringify(settings));
  const choices = [...(kwargs === undefined ? [] : [`rollouts.envKwargs=${JSON.stringify(kwargs)}`]), ...set];
  const options = { env, seed: String(seed), backend, config: file, runs: join(root, 'runs') };
  return [
    'train',
    'agent',
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ...choices.flatMap((choice) => ['--set', choice]),
  ];
}
