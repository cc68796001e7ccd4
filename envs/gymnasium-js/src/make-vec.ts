// From an id to a vector environment (gymnasium.make_vec), asynchronous because it may have to import a module, start workers or
// build a bridge.
import { ConfigError } from '@tessera/core';
import type { Env } from './env.ts';
import type { EnvOf, KnownEnvId, ObservationOf } from './env-registry.ts';
import { GymnasiumError } from './errors.ts';
import { make } from './make.ts';
import type { MakeOptions } from './make.ts';
import { importModule, loaderOf, splitLoadedId } from './registry/loaders.ts';
import { findSpec, registry } from './registry/registry.ts';
import { EnvSpec } from './spec.ts';
import type { TypedArray } from './types.ts';
import { SyncVectorEnv } from './vector/sync-vector-env.ts';
import type { ObservationMode } from './vector/sync-vector-env.ts';
import type { AutoresetMode, VectorEnv } from './vector/vector-env.ts';
import { applyWrapper } from './wrappers/wrapper-spec.ts';
import type { WrapperSpec } from './wrappers/wrapper-spec.ts';

export type VectorizationMode = 'sync' | 'worker' | 'vectorEntryPoint';

/** What `makeVec` puts around each environment. */
export type VecWrapper = ((env: Env<unknown, unknown>) => Env<unknown, unknown>) | WrapperSpec;

/** Options of `makeVec`; every further key is an argument of the environments themselves. */
export interface MakeVecOptions extends MakeOptions {
  /** How many copies; 1 by default. */
  readonly numEnvs?: number | undefined;
  /**
   * `sync` in the calling thread; `worker` in worker threads (needs `import 'gymnasium-js/node'`), which is Python's `async`;
   * `vectorEntryPoint` the environment's own. By default the last where the spec has one, else the first.
   */
  readonly vectorizationMode?: VectorizationMode | undefined;
  /** `NextStep` by default. */
  readonly autoresetMode?: AutoresetMode | undefined;
  /** `sync` only: what the environments' observation spaces have in common; `same` by default. */
  readonly observationMode?: ObservationMode | undefined;
  /** Applied to each environment in order: functions in `sync` mode, specs like `ClipReward.wrapperSpec({ maxReward: 1 })` in `worker` mode too. */
  readonly wrappers?: readonly VecWrapper[] | undefined;
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
  readonly id: string | EnvSpec;
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
export function makeVec<Id extends KnownEnvId>(
  id: Id,
  options?: MakeVecOptions,
): Promise<VectorEnv<ObservationOf<EnvOf<Id>>>>;
export function makeVec<Obs = TypedArray>(id: string | EnvSpec, options?: MakeVecOptions): Promise<VectorEnv<Obs>>;
export async function makeVec(id: string | EnvSpec, options: MakeVecOptions = {}): Promise<VectorEnv> {
  const loaded = typeof id === 'string' && !registry.has(id) ? splitLoadedId(id) : undefined;
  if (loaded?.kind === 'loader') {
    checkNumEnvs(options.numEnvs ?? 1);
    return loaderOf(loaded.prefix)(loaded.id, options);
  }
  const imports = loaded?.kind === 'module' ? [...(options.imports ?? []), loaded.module] : (options.imports ?? []);
  const wanted = loaded?.id ?? id;
  // A spec that makeVec made knows how many there were, and of which kind.
  const saved = (wanted instanceof EnvSpec ? wanted.kwargs : {}) as MakeVecOptions;
  const all: MakeVecOptions = { ...saved, ...options, imports };
  checkNumEnvs(all.numEnvs ?? 1);
  if (all.vectorizationMode === 'worker') return inWorkers(wanted, all);
  checkMode(all.vectorizationMode);
  for (const specifier of imports) await importModule(specifier);
  const spec = typeof wanted === 'string' ? findSpec(wanted) : wanted;
  const ofOwn = all.vectorizationMode === undefined && spec.vectorEntryPoint !== undefined;
  return ofOwn || all.vectorizationMode === 'vectorEntryPoint' ? byEntryPoint(spec, all) : inThread(spec, all);
}

interface SplitOptions {
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
  readonly wrappers: readonly VecWrapper[];
  readonly imports: readonly string[];
  readonly observationMode: ObservationMode | undefined;
  readonly limits: Pick<VectorizerRequest, 'numWorkers' | 'timeLimitMs' | 'startTimeLimitMs'>;
  /** For `make`. */
  readonly makeOptions: MakeOptions;
}

function splitOptions(options: MakeVecOptions): SplitOptions {
  const {
    numEnvs = 1,
    vectorizationMode: _mode,
    autoresetMode = 'NextStep',
    observationMode,
    wrappers = [],
    imports = [],
    numWorkers,
    timeLimitMs,
    startTimeLimitMs,
    ...makeOptions
  } = options;
  const limits = { numWorkers, timeLimitMs, startTimeLimitMs };
  return { numEnvs, autoresetMode, observationMode, wrappers, imports, limits, makeOptions };
}

// What is saved in the spec of the vector environment is no argument of the single ones.
function singleSpec(spec: EnvSpec): EnvSpec {
  return spec.with({ kwargs: splitOptions(spec.kwargs).makeOptions });
}

async function inThread(spec: EnvSpec, options: MakeVecOptions): Promise<VectorEnv> {
  const { numEnvs, autoresetMode, observationMode, wrappers, makeOptions } = splitOptions(options);
  if (spec.entryPoint === undefined && registry.get(spec.id)?.entryPoint === undefined) {
    throw new GymnasiumError(
      `Cannot create vectorized environment for ${spec.id} because it doesn't have an entry point defined.`,
    );
  }
  const single = singleSpec(spec);
  const wrap = (env: Env<unknown, unknown>, wrapper: VecWrapper): Env<unknown, unknown> =>
    typeof wrapper === 'function' ? wrapper(env) : applyWrapper(env, wrapper);
  const build = (): Env<unknown, unknown> => wrappers.reduce(wrap, make<unknown, unknown>(single, makeOptions));
  return new SyncVectorEnv(
    Array.from({ length: numEnvs }, () => build),
    {
      autoresetMode,
      ...(observationMode !== undefined && { observationMode }),
      spec: vectorSpec(spec, 'sync', options),
    },
  );
}

async function inWorkers(wanted: string | EnvSpec, options: MakeVecOptions): Promise<VectorEnv> {
  const { numEnvs, autoresetMode, observationMode, wrappers, imports, limits, makeOptions } = splitOptions(options);
  if (observationMode !== undefined && observationMode !== 'same') {
    throw new ConfigError('makeVec: observationMode is for sync environments. In workers all spaces are the same.');
  }
  if (wrappers.some((wrapper) => typeof wrapper === 'function')) {
    const wayOut =
      'Give specs like ClipReward.wrapperSpec({ maxReward: 1 }), or register an id whose entryPoint does it';
    throw new ConfigError(`makeVec: wrappers cannot cross to a worker as functions. ${wayOut}.`);
  }
  if (workerVectorizer === undefined) {
    throw new ConfigError("makeVec: worker environments need Node. Add the line: import 'gymnasium-js/node';");
  }
  let id = typeof wanted === 'string' ? wanted : singleSpec(wanted);
  if (wrappers.length > 0) {
    if (typeof id === 'string') {
      for (const specifier of imports) await importModule(specifier);
      id = findSpec(id);
    }
    id = id.with({ additionalWrappers: [...id.additionalWrappers, ...(wrappers as readonly WrapperSpec[])] });
  }
  return workerVectorizer({ id, numEnvs, autoresetMode, imports, makeOptions, ...limits });
}

async function byEntryPoint(spec: EnvSpec, options: MakeVecOptions): Promise<VectorEnv> {
  const { numEnvs, observationMode, wrappers, makeOptions } = splitOptions(options);
  const entryPoint = spec.vectorEntryPoint ?? registry.get(spec.id)?.vectorEntryPoint;
  const refused = [
    [options.autoresetMode !== undefined, 'autoresetMode'],
    [observationMode !== undefined, 'observationMode'],
    [wrappers.length > 0, 'wrappers'],
    [spec.additionalWrappers.length > 0, 'additionalWrappers in its spec'],
  ] as const;
  const given = refused.find(([isGiven]) => isGiven)?.[1];
  if (given !== undefined) {
    throw new GymnasiumError(`Cannot use \`vectorEntryPoint\` vectorization mode with ${given}: ${spec.id}.`);
  }
  if (entryPoint === undefined) {
    throw new GymnasiumError(
      `Cannot create vectorized environment for ${spec.id} because it doesn't have a vector entry point defined.`,
    );
  }
  const { maxEpisodeSteps } = spec;
  const limit = maxEpisodeSteps === undefined ? {} : { maxEpisodeSteps };
  // The checker looks at single environments.
  const { disableEnvChecker: _checker, ...kwargs } = makeOptions;
  const saved = splitOptions(spec.kwargs).makeOptions;
  return entryPoint({ ...limit, ...saved, ...kwargs, numEnvs }, vectorSpec(spec, 'vectorEntryPoint', options));
}

function vectorSpec(spec: EnvSpec, vectorizationMode: VectorizationMode, options: MakeVecOptions): EnvSpec {
  const { numEnvs, autoresetMode, makeOptions } = splitOptions(options);
  const { maxEpisodeSteps: _limit, disableEnvChecker: _checker, ...kwargs } = makeOptions;
  return spec.with({
    kwargs: {
      ...spec.kwargs,
      ...kwargs,
      ...(numEnvs !== 1 && { numEnvs }),
      ...(autoresetMode !== 'NextStep' && { autoresetMode }),
      vectorizationMode,
    },
  });
}

function checkNumEnvs(numEnvs: number): void {
  if (Number.isSafeInteger(numEnvs) && numEnvs >= 1) return;
  throw new ConfigError(`makeVec: expected a whole number > 0 as numEnvs, got ${String(numEnvs)}.`);
}

function checkMode(mode: unknown): void {
  if (mode === undefined || mode === 'sync' || mode === 'vectorEntryPoint') return;
  const hint = mode === 'async' ? ' Python\'s "async" is "worker" here.' : '';
  const modes = 'valid modes: sync, worker, vectorEntryPoint';
  throw new ConfigError(`makeVec: invalid vectorizationMode: ${JSON.stringify(mode)}, ${modes}.${hint}`);
}
