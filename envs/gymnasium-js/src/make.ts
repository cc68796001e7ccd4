// From an id to an environment with Gymnasium's standard wrappers around it (gymnasium.make).
import { ConfigError, EnvironmentError } from '@tessera/core';
import { isEqual } from './data-equivalence.ts';
import { Env } from './env.ts';
import type { EnvOf, KnownEnvId } from './env-registry.ts';
import { GymnasiumError, InvalidMetadata, RegistrationError } from './errors.ts';
import { warn } from './logger.ts';
import { splitLoadedId } from './registry/loaders.ts';
import { findSpec, registry, spec as specOf } from './registry/registry.ts';
import { describe } from './spaces/explain.ts';
import { EnvSpec } from './spec.ts';
import type { Kwargs } from './spec.ts';
import type { TypedArray } from './types.ts';
import { OrderEnforcing } from './wrappers/order-enforcing.ts';
import { PassiveEnvChecker } from './wrappers/passive-env-checker.ts';
import { RenderCollection } from './wrappers/render-collection.ts';
import { TimeLimit } from './wrappers/time-limit.ts';
import { applyWrapper } from './wrappers/wrapper-spec.ts';
import type { WrapperSpec } from './wrappers/wrapper-spec.ts';

/** Options of `make`; every further key is an argument of the environment itself. */
export interface MakeOptions {
  /** Steps before TimeLimit truncates, instead of the registered number; -1 for no limit. */
  readonly maxEpisodeSteps?: number | undefined;
  /** Leaves PassiveEnvChecker out. */
  readonly disableEnvChecker?: boolean | undefined;
  readonly [kwarg: string]: unknown;
}

type AnyEnv = Env<unknown, unknown>;

/**
 * Builds a registered environment and wraps it: environment, PassiveEnvChecker, OrderEnforcing, TimeLimit, the spec's additional wrappers,
 * RenderCollection for a `renderMode` `*_list` that the environment does not have itself.
 *
 * Throws UnregisteredEnv with a suggestion for an unknown id, ConfigError for bad options and for ids that only `makeVec` can load,
 * EnvironmentError when the environment's constructor fails.
 */
export function make<Id extends KnownEnvId>(id: Id, options?: MakeOptions): EnvOf<Id>;
export function make<Obs = TypedArray, Act = number>(id: string | EnvSpec, options?: MakeOptions): Env<Obs, Act>;
export function make(id: string | EnvSpec, options: MakeOptions = {}): AnyEnv {
  const { maxEpisodeSteps, disableEnvChecker, ...given } = options;
  const spec = id instanceof EnvSpec ? id : findSpec(plainId(id));
  const limit = maxEpisodeSteps ?? spec.maxEpisodeSteps ?? -1;
  const { kwargs, isCollected } = splitListMode({ ...spec.kwargs, ...given });
  let env = construct(spec, kwargs);
  const prior = checkPriorWrappers(env.spec!.additionalWrappers, spec.additionalWrappers);
  if (!(disableEnvChecker ?? spec.disableEnvChecker)) env = new PassiveEnvChecker(env);
  if (spec.orderEnforce) env = new OrderEnforcing(env);
  if (limit !== -1) env = new TimeLimit(env, { maxEpisodeSteps: limit });
  for (const wrapper of spec.additionalWrappers.slice(prior)) env = applyWrapper(env, wrapper);
  return isCollected ? new RenderCollection(env) : env;
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

// Frames of a list mode are collected around an environment that renders one at a time.
function splitListMode(kwargs: Kwargs): { kwargs: Kwargs; isCollected: boolean } {
  const { renderMode } = kwargs;
  if (typeof renderMode !== 'string' || !renderMode.endsWith('_list')) return { kwargs, isCollected: false };
  return { kwargs: { ...kwargs, renderMode: renderMode.slice(0, -'_list'.length) }, isCollected: true };
}

function construct(spec: EnvSpec, kwargs: Kwargs): AnyEnv {
  // A spec from JSON has no entry point of its own.
  const entryPoint = spec.entryPoint ?? specOf(spec.id).entryPoint;
  if (entryPoint === undefined) {
    throw new GymnasiumError(`${spec.id} registered but entryPoint is not specified. Use makeVec.`);
  }
  let env: unknown;
  try {
    env = entryPoint(kwargs);
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
  checkMetadata(spec.id, env, kwargs['renderMode']);
  // The bare environment's own spec: what make puts around it is added by the wrappers that it puts there.
  const bare = {
    kwargs,
    entryPoint,
    maxEpisodeSteps: undefined,
    orderEnforce: false,
    disableEnvChecker: true,
    additionalWrappers: [],
  };
  env.unwrapped.spec = spec.with(bare);
  return env as AnyEnv;
}

function checkMetadata(id: string, env: Env, renderMode: unknown): void {
  const { metadata } = env as { metadata: unknown };
  if (typeof metadata !== 'object' || metadata === null) {
    throw new InvalidMetadata(
      `${id}: expect the environment metadata to be an object, actual type: ${typeof metadata}.`,
    );
  }
  const { renderModes } = env.metadata;
  if (!Array.isArray(renderModes)) {
    const keys = Object.keys(metadata).join(', ');
    warn(`The environment creator metadata of ${id} doesn't include \`renderModes\`, contains: [${keys}]`);
  } else if (renderMode !== undefined && !renderModes.includes(renderMode)) {
    const modes = `(${renderModes.join(', ')})`;
    warn(
      `The environment ${id} is being initialised with renderMode=${JSON.stringify(renderMode)} that is not in the possible renderModes ${modes}.`,
    );
  }
}

// An entry point may return a wrapped environment; its wrappers are then the first of those that its spec records.
function checkPriorWrappers(prior: readonly WrapperSpec[], recorded: readonly WrapperSpec[]): number {
  for (const [i, wrapper] of prior.entries()) {
    const saved = recorded[i];
    if (saved === undefined) return 0;
    if (saved.name === wrapper.name && isEqual(saved.kwargs, wrapper.kwargs)) continue;
    const difference = `${wrapper.name} is different from the saved \`EnvSpec\` additional wrapper ${saved.name}`;
    throw new RegistrationError(`The environment's wrapper spec ${difference}, or has other arguments.`);
  }
  return prior.length;
}
