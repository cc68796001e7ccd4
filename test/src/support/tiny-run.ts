// Tokenizer runs that are over in a second: small frames, a small model, a few updates.

import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The module that registers `Gallery-v0`. */
export const galleryModule: string = fileURLToPath(new URL('./fixtures/gallery.mjs', import.meta.url));

/** Settings of the fixture environment. */
export interface GalleryKwargs {
  readonly latencyMs?: number;
  readonly failure?: 'throw' | 'observation' | 'exit' | 'hang';
  readonly failStep?: number;
}

const settings = {
  steps: 400,
  rollouts: { numEnvs: 2, numWorkers: 1, chunkLength: 32, envModules: [galleryModule] },
  training: { batchSize: 16, trainRatio: 1, warmupSteps: 100, seedFrames: 32, warmupUpdates: 2 },
  model: { channels: 4, quantizer: { vocabulary: 8, codeDim: 4 } },
  measure: {
    heldOutSteps: 128,
    evaluationFrames: 32,
    probeFrames: 16,
    logEvery: 2,
    churnEvery: 4,
    checkpointEvery: 5,
  },
};

/** What a test may choose. */
export interface TinyOptions {
  /** Where run folders go; the file of settings is written there too. */
  readonly root: string;
  /** `cpu` is bit-exact, `wasm` fast; default `wasm`. */
  readonly backend?: 'cpu' | 'wasm';
  /** Default the fixture, `Gallery-v0`. */
  readonly env?: string;
  readonly seed?: number;
  readonly kwargs?: GalleryKwargs;
  /** Further `--set` options. */
  readonly set?: readonly string[];
}

/** The command line of a tiny run: 18 updates on 400 steps, the model looked at every fourth and saved every fifth. */
export function tinyRun({
  root,
  backend = 'wasm',
  env = 'Gallery-v0',
  seed = 0,
  kwargs = {},
  set = [],
}: TinyOptions): string[] {
  const file = join(root, 'tiny.json');
  writeFileSync(file, JSON.stringify(settings));
  const choices = [`rollouts.envKwargs=${JSON.stringify(kwargs)}`, ...set];
  const options = { env, seed: String(seed), backend, config: file, runs: join(root, 'runs') };
  return [
    'train',
    'tokenizer',
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ...choices.flatMap((choice) => ['--set', choice]),
  ];
}

/** The run folder under `root`, of which there must be one. */
export function onlyRun(root: string): string {
  const runs = join(root, 'runs');
  const [name, ...others] = existsSync(runs) ? readdirSync(runs).filter((entry) => !entry.startsWith('.')) : [];
  if (name === undefined || others.length > 0)
    throw new Error(`expected one run, got ${name === undefined ? 0 : others.length + 1}`);
  return join(runs, name);
}

/** Waits until `ready` is true. */
export async function until(ready: () => boolean, what: string): Promise<void> {
  for (const began = performance.now(); performance.now() - began < 30_000; await sleep(20)) if (ready()) return;
  throw new Error(`waited for half a minute: ${what}`);
}
