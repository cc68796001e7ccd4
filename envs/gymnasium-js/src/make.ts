// From an id to an environment with Gymnasium's standard wrappers around it (gymnasium.make).
import { ConfigError, EnvironmentError } from '@tessera/core';
import { Env } from './env.ts';
import { splitLoadedId } from './registry/loaders.ts';
import { findSpec, registry } from './registry/registry.ts';
import { describe } from './spaces/explain.ts';
import { EnvSpec } from './spec.ts';
import type { Kwargs } from './spec.ts';
import type { TypedArray } from './types.ts';
import { OrderEnforcing } from './wrappers/order-enforcing.ts';
import { PassiveEnvChecker } from './wrappers/passive-env-checker.ts';
import { TimeLimit } from './wrappers/time-limit.ts';

/** Options of `make`; every further key is an argument of the environment itself. */
export interface MakeOptions {
  /** Steps before TimeLimit truncates, instead of the registered number; -1 for no limit. */
  readonly maxEpisodeSteps?: number | undefined;
  /** Leaves PassiveEnvChecker out. */
  readonly disableEnvChecker?: boolean | undefined;
  readonly [kwarg: string]: unknown;
}

/**
 * Builds a registered environment and wraps it: environment, PassiveEnvChecker, OrderEnforcing, TimeLimit.
 *
 * Throws UnregisteredEnv with a suggestion for an unknown id, ConfigError for bad options and for ids that only `makeVec` can load,
 * EnvironmentError when the environment's constructor fails.
 */
export function make<Obs = TypedArray, Act = number>(id: string | EnvSpec, options: MakeOptions = {}): Env<Obs, Act> {
  const { maxEpisodeSteps, disableEnvChecker, ...kwargs } = options;
  const spec = id instanceof EnvSpec ? id : findSpec(plainId(id));
  const limit = maxEpisodeSteps ?? spec.maxEpisodeSteps ?? -1;
  let env = construct(spec, { ...spec.kwargs, ...kwargs });
  if (!(disableEnvChecker ?? spec.disableEnvChecker)) env = new PassiveEnvChecker(env);
  if (spec.orderEnforce) env = new OrderEnforcing(env);
  if (limit !== -1) env = new TimeLimit(env, { maxEpisodeSteps: limit });
  return env as unknown as Env<Obs, Act>;
}

function plainId(id: unknown): string {
  if (typeof id !== 'string') {
    throw new ConfigError(`make: expected an id or an EnvSpec, got ${typeof id}.`);
  }
  if (registry.has(id)) return id;
  const loaded = splitLoadedId(id);
  if (loaded?.kind === 'loader') {
    const line = `const envs = await makeVec(${JSON.stringify(id)}, { numEnvs: 1 });`;
    throw new ConfigError(`make: "${loaded.prefix}:" environments are asynchronous. Use makeVec: ${line}`);
  }
  if (loaded?.kind === 'module' && !registry.has(loaded.id)) {
    const line = `await import('${loaded.module}');`;
    throw new ConfigError(
      `make: cannot import '${loaded.module}' synchronously. Put ${line} before it, or use makeVec.`,
    );
  }
  return loaded?.id ?? id;
}

function construct(spec: EnvSpec, kwargs: Kwargs): Env<unknown, unknown> {
  let env: unknown;
  try {
    env = spec.entryPoint(kwargs);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const given = Object.entries(kwargs).map(([key, value]) => `${key}: ${describe(value)}`);
    throw new EnvironmentError(
      `make: ${spec.id} could not be built with the arguments { ${given.join(', ')} }: ${why}`,
      { cause },
    );
  }
  if (!(env instanceof Env)) {
    throw new EnvironmentError(`make: ${spec.id}: the entryPoint must return an Env, got ${typeof env}. Extend Env.`);
  }
  // The bare environment's own spec: what make puts around it is added by the wrappers that it puts there.
  const bare = { kwargs, maxEpisodeSteps: undefined, orderEnforce: false, disableEnvChecker: true };
  env.unwrapped.spec = spec.with(bare);
  return env as Env<unknown, unknown>;
}
