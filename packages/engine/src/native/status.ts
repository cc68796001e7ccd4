// What is installed, what runs and why, and how fast: the facts behind `tessera engine`.
import { availableParallelism } from 'node:os';
import { ndarray } from '@tessera/core';
import { createEngine } from '../create-node-engine.ts';
import type { BackendName, Engine } from '../engine.ts';
import { matMul } from '../ops/matmul.ts';
import { sum } from '../ops/reduce.ts';
import { findAddonPackage } from './addon-package.ts';
import { cacheFolder, damageOf } from './cache.ts';
import type { BuildRecord } from './cache.ts';
import { linkedBuild } from './link.ts';
import type { Linked } from './link.ts';
import { realSystem } from './system.ts';
import type { System } from './system.ts';

/** A backend, and how fast it multiplies. */
export interface BackendStatus {
  readonly backend: BackendName | 'tensorflow';
  readonly available: boolean;
  /** The engine's note, or why there is none. */
  readonly note: string;
  /** Threads that it computes with; on TensorFlow the number it takes unless TF_NUM_INTRAOP_THREADS says otherwise. */
  readonly threads: number | null;
  /** Of a product of two square matrices, 10^9 floating-point operations a second: the best of several. */
  readonly gflops: number | null;
}

/** Facts about the engine. */
export interface EngineStatus {
  /** What an engine without a wish would be, and why. */
  readonly chosen: { readonly backend: BackendName; readonly note: string };
  readonly versions: { readonly node: string; readonly tfjsNode: string | null; readonly tensorflow: string | null };
  readonly addon: { readonly path: string | null; readonly state: Linked['state']; readonly damage: string | null };
  /** How the addon was made, where it was made by `engine install`. */
  readonly build: BuildRecord | null;
  readonly cache: string;
  readonly backends: readonly BackendStatus[];
}

/** Rows of the square matrices: as large as a few hundred milliseconds allow. */
const matrixSizes = { tensorflow: 1024, wasm: 384, cpu: 96 } as const;

/** Looks and measures; takes a few seconds. */
export async function engineStatus(
  options: { readonly from?: string; readonly system?: System } = {},
): Promise<EngineStatus> {
  const { from = import.meta.url, system = realSystem() } = options;
  const cache = cacheFolder(system);
  const chosen = await createEngine();
  const { backend, note } = chosen;
  chosen.dispose();
  const addonPackage = packageOrNone(from, system);
  // After an engine was made: that links what can be linked.
  const linked: Linked = addonPackage ? await linkedBuild(addonPackage.addon, cache) : { state: 'nothing' };
  const build = linked.state === 'ours' ? linked.build : undefined;
  const backends: BackendStatus[] = [];
  for (const name of ['tensorflow', 'wasm', 'cpu'] as const) backends.push(await measure(name, system));
  const library = /TensorFlow ([\w.-]+)/.exec(backends[0]!.available ? backends[0]!.note : '');
  return {
    chosen: { backend, note },
    versions: {
      node: system.versions.node,
      tfjsNode: addonPackage?.version ?? null,
      tensorflow: library?.[1]?.replace(/[.,]$/, '') ?? null,
    },
    addon: {
      path: addonPackage?.addon ?? null,
      state: linked.state,
      damage: (build && (await damageOf(build))) ?? null,
    },
    build: build?.record ?? null,
    cache,
    backends,
  };
}

function packageOrNone(from: string, system: System): ReturnType<typeof findAddonPackage> | undefined {
  try {
    return findAddonPackage(from, system.versions.napi);
  } catch {
    return undefined;
  }
}

async function measure(name: keyof typeof matrixSizes, { env }: System): Promise<BackendStatus> {
  let engine: Engine;
  try {
    engine = await createEngine({ backend: name });
  } catch (error) {
    return { backend: name, available: false, note: (error as Error).message, threads: null, gflops: null };
  }
  const { backend, note } = engine;
  const asked = Number(env['TF_NUM_INTRAOP_THREADS'] ?? 0);
  const threads = backend === 'tensorflow-gpu' ? null : name === 'tensorflow' ? asked || availableParallelism() : 1;
  try {
    return { backend, available: true, note, threads, gflops: gflopsOf(engine, matrixSizes[name]) };
  } finally {
    engine.dispose();
  }
}

function gflopsOf(engine: Engine, n: number): number {
  const matrix = ndarray('float32', [n, n]);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = Math.sin(i);
  const state = engine.state({ a: matrix, b: matrix });
  const program = state.program('measure', {}, (_, { a, b }) => ({ y: sum(matMul(a, b)) }));
  program.run({});
  const end = performance.now() + 300;
  let best = Infinity;
  for (let runs = 0; runs < 3 || performance.now() < end; runs++) {
    const began = performance.now();
    program.run({});
    best = Math.min(best, performance.now() - began);
  }
  program.dispose();
  state.dispose();
  return program.flops / best / 1e6;
}
