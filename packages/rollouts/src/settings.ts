// What a rollout source is told, and the checks that turn it into settings without gaps. Settings are plain data, so that they can travel to a worker.

import { ConfigError, didYouMean } from '@tessera/core';
import { defaultChunkLength } from './chunk.ts';
import type { Policy } from './policy.ts';

/** Which environment to step. */
export interface EnvConfig {
  /** The id in the registry of gymnasium-js. */
  readonly id: string;
  /** Arguments of the environment, and `maxEpisodeSteps`; plain data, since it is copied to the workers. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Modules that register environments, imported first: package names (as seen from this package) or absolute URLs (`import.meta.resolve('./my-envs.js')`). */
  readonly imports?: readonly string[];
}

export interface RolloutOptions {
  readonly env: EnvConfig;
  /** Environments stepped side by side; default 1. Part of what decides the output. */
  readonly numEnvs?: number;
  /** Worker threads; default one for each environment, at most one less than there are cores. Never changes the output. */
  readonly numWorkers?: number;
  /** Seed of everything random, a whole number >= 0. */
  readonly seed: number;
  /** Most steps in a chunk, `T`; default 64. */
  readonly chunkLength?: number;
  /** What chooses actions; default `{ kind: 'random' }`. */
  readonly policy?: Policy;
  /** Environment steps in all, exactly; the last chunk is cut to fit. Without it the source is endless. */
  readonly steps?: number;
  /** Longest wait for a worker's next chunk, in milliseconds; default 60,000. It has at least a minute to start. */
  readonly timeoutMs?: number;
  /** Ends the rollouts with a `CancelledError`. */
  readonly signal?: AbortSignal | undefined;
  /** Most chunks alive at once: being collected, waiting, or held by the consumer; default `2 * numEnvs`. Never changes the output. */
  readonly maxChunksAlive?: number;
}

/** `RolloutOptions` after the checks: what decides the output, and nothing else. */
export interface RolloutSettings {
  readonly env: Required<EnvConfig>;
  readonly numEnvs: number;
  readonly seed: number;
  readonly chunkLength: number;
  readonly policy: Policy;
}

/** How the output is produced; no value of these changes it, but for where `steps` ends it. */
export interface RolloutLimits {
  readonly numWorkers: number | undefined;
  /** Infinity for an endless source. */
  readonly steps: number;
  readonly timeoutMs: number;
  readonly maxChunksAlive: number;
  readonly signal: AbortSignal | undefined;
}

const knownOptions = [
  'env',
  'numEnvs',
  'numWorkers',
  'seed',
  'chunkLength',
  'policy',
  'steps',
  'timeoutMs',
  'signal',
  'maxChunksAlive',
] as const satisfies readonly (keyof RolloutOptions)[];

/** Fills in defaults. Throws ConfigError for a key that is unknown and for a value that is out of range; `where` opens the message. */
export function resolveRollouts(
  options: RolloutOptions,
  where: string,
): { readonly settings: RolloutSettings; readonly limits: RolloutLimits } {
  rejectUnknownKeys(options, knownOptions, where);
  const { env, numEnvs = 1, numWorkers, seed, chunkLength = defaultChunkLength, steps, timeoutMs = 60_000 } = options;
  const { signal, policy = { kind: 'random' } } = options;
  checkEnv(env, where);
  checkWhole({ numEnvs, chunkLength, timeoutMs, ...(numWorkers !== undefined && { numWorkers }) }, 1, where);
  checkWhole({ seed, ...(steps !== undefined && { steps }) }, 0, where);
  const { maxChunksAlive = 2 * numEnvs } = options;
  checkWhole({ maxChunksAlive }, 1, where);
  checkPolicy(policy, where);
  return {
    settings: {
      env: { id: env.id, kwargs: env.kwargs ?? {}, imports: env.imports ?? [] },
      numEnvs,
      seed,
      chunkLength,
      policy,
    },
    limits: { numWorkers, steps: steps ?? Infinity, timeoutMs, maxChunksAlive, signal },
  };
}

/** Throws ConfigError unless `env` names an environment and nothing unknown. */
export function checkEnv(env: EnvConfig, where: string): void {
  if (env === null || typeof env !== 'object' || typeof env.id !== 'string' || env.id === '') {
    throw new ConfigError(`${where}: expected env: { id: 'Name-v0' }, got ${describeValue(env)}.`);
  }
  rejectUnknownKeys(env, ['id', 'kwargs', 'imports'], `${where}: env`);
  const { imports = [] } = env;
  if (!Array.isArray(imports) || imports.some((specifier) => typeof specifier !== 'string')) {
    throw new ConfigError(
      `${where}: expected env.imports to be a list of module names or URLs, got ${describeValue(imports)}.`,
    );
  }
}

function checkPolicy(policy: Policy, where: string): void {
  if (policy === null || typeof policy !== 'object' || policy.kind !== 'random') {
    throw new ConfigError(
      `${where}: expected policy: { kind: 'random' }, got ${describeValue(policy)}. No other kind exists yet.`,
    );
  }
}

/** Throws ConfigError, with a suggestion, for a key of `options` that is not in `known`. */
export function rejectUnknownKeys(options: object, known: readonly string[], where: string): void {
  if (options === null || typeof options !== 'object') {
    throw new ConfigError(`${where}: expected an object of options, got ${describeValue(options)}.`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new ConfigError(
        `${where}: unknown option '${key}'.${didYouMean(key, known)} Known options: ${known.join(', ')}.`,
      );
    }
  }
}

/** Throws ConfigError unless each value is a whole number, `minimum` or more. */
export function checkWhole(values: Readonly<Record<string, number>>, minimum: number, where: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new ConfigError(
        `${where}: expected ${name} to be a whole number >= ${minimum}, got ${describeValue(value)}.`,
      );
    }
  }
}

/** A short text for a value in a message. */
export function describeValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined) return String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${(value as Uint8Array).length})`;
  if (typeof value === 'function') return 'a function';
  try {
    const text = JSON.stringify(value) ?? typeof value;
    return text.length > 80 ? `${text.slice(0, 77)}...` : text;
  } catch {
    return typeof value;
  }
}
