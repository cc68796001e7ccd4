// From an id to a vector environment (gymnasium.make_vec), asynchronous because it may have to import a module, start workers or
// build a bridge.
import { ConfigError } from '@tessera/core';
import { Env } from './env.ts';
import { make } from './make.ts';
import type { MakeOptions } from './make.ts';
import { importModule, loaderOf, splitLoadedId } from './registry/loaders.ts';
import { findSpec, registry } from './registry/registry.ts';
import { EnvSpec } from './spec.ts';
import { SyncVectorEnv } from './vector/sync-vector-env.ts';
import type { AutoresetMode, VectorEnv } from './vector/vector-env.ts';

/** Options of `makeVec`; every further key is an argument of the environments themselves. */
export interface MakeVecOptions extends MakeOptions {
  /** How many copies; 1 by default. */
  readonly numEnvs?: number | undefined;
  /** `sync` (default) in the calling thread, `worker` in worker threads (needs `import 'gymnasium-js/node'`). */
  readonly vectorizationMode?: 'sync' | 'worker' | undefined;
  /** `NextStep` by default. */
  readonly autoresetMode?: AutoresetMode | undefined;
  /** Applied to each environment in order; `sync` only, as functions cannot cross to a worker. */
  readonly wrappers?: readonly ((env: Env<unknown, unknown>) => Env<unknown, unknown>)[] | undefined;
  /** Modules that register environments, imported here and in each worker: package names or absolute URLs. */
  readonly imports?: readonly string[] | undefined;
  /** `worker` only: how many threads; by default as many as the machine runs at once, at most `numEnvs`. */
  readonly numWorkers?: number | undefined;
  /** `worker` only: milliseconds that a reset or step may take before the worker counts as hung; 60,000 by default. */
  readonly timeLimitMs?: number | undefined;
  /** `worker` only: milliseconds that a worker may take to start; 60,000 by default. */
  readonly startTimeLimitMs?: number | undefined;
}

/** What a way of vectorizing gets to know; `makeOptions` are for `make`. */
export interface VectorizerRequest {
  readonly id: string;
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
  readonly imports: readonly string[];
  readonly makeOptions: MakeOptions;
  readonly numWorkers: number | undefined;
  readonly timeLimitMs: number | undefined;
  readonly startTimeLimitMs: number | undefined;
}

type Vectorizer = (request: VectorizerRequest) => Promise<VectorEnv>;

let workerVectorizer: Vectorizer | undefined;

/** Tells `makeVec` how to build `worker` environments; `gymnasium-js/node` does so on import. */
export function setWorkerVectorizer(vectorizer: Vectorizer): void {
  workerVectorizer = vectorizer;
}

/**
 * Builds `numEnvs` copies of an environment. The id may name a module to import first, `some-package:Env-v0`, or a loader, `python:Env-v1`.
 *
 * Throws UnregisteredEnv with a suggestion for an unknown id, ConfigError for bad options, WorkerError when a worker cannot start.
 */
export async function makeVec(id: string | EnvSpec, options: MakeVecOptions = {}): Promise<VectorEnv> {
  const {
    numEnvs = 1,
    vectorizationMode = 'sync',
    autoresetMode = 'NextStep',
    wrappers = [],
    imports = [],
    numWorkers,
    timeLimitMs,
    startTimeLimitMs,
    ...makeOptions
  } = options;
  if (!Number.isSafeInteger(numEnvs) || numEnvs < 1) {
    throw new ConfigError(`makeVec: expected a whole number > 0 as numEnvs, got ${String(numEnvs)}.`);
  }
  const loaded = typeof id === 'string' && !registry.has(id) ? splitLoadedId(id) : undefined;
  if (loaded?.kind === 'loader') return loaderOf(loaded.prefix)(loaded.id, options);
  const modules = loaded?.kind === 'module' ? [...imports, loaded.module] : imports;
  const wanted = loaded?.id ?? id;
  if (vectorizationMode === 'worker') {
    if (wrappers.length > 0 || typeof wanted !== 'string') {
      const what = typeof wanted === 'string' ? 'wrappers' : 'an EnvSpec';
      const wayOut = 'Register an id whose entryPoint does it, in a module named in imports';
      throw new ConfigError(`makeVec: ${what} cannot cross to a worker. ${wayOut}.`);
    }
    if (workerVectorizer === undefined) {
      throw new ConfigError("makeVec: worker environments need Node. Add the line: import 'gymnasium-js/node';");
    }
    const limits = { numWorkers, timeLimitMs, startTimeLimitMs };
    return workerVectorizer({ id: wanted, numEnvs, autoresetMode, imports: modules, makeOptions, ...limits });
  }
  if (vectorizationMode !== 'sync') {
    const got = JSON.stringify(vectorizationMode);
    throw new ConfigError(`makeVec: invalid vectorizationMode: ${got}, valid modes: sync, worker.`);
  }
  for (const specifier of modules) await importModule(specifier);
  const spec = typeof wanted === 'string' ? findSpec(wanted) : wanted;
  const build = (): Env<unknown, unknown> =>
    wrappers.reduce((env, wrap) => wrap(env), make<unknown, unknown>(spec, makeOptions));
  return new SyncVectorEnv(
    Array.from({ length: numEnvs }, () => build),
    { autoresetMode },
  );
}
