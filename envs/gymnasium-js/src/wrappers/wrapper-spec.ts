// What a spec remembers of a wrapper (gymnasium.envs.registration.WrapperSpec), and the names under which wrappers are found again.
import { ConfigError, didYouMean } from '@tessera/core';
import type { Env } from '../env.ts';
import type { Kwargs } from '../spec.ts';

/** Puts a wrapper around an environment. */
export type WrapperEntryPoint = (env: Env<unknown, unknown>, kwargs: Kwargs) => Env<unknown, unknown>;

/** How a wrapper was put around an environment. */
export interface WrapperSpec {
  /** The class's name; a spec that comes from JSON is found by it. */
  readonly name: string;
  /** Undefined in a spec that comes from JSON. */
  readonly entryPoint?: WrapperEntryPoint | undefined;
  /** Its arguments after the environment; undefined when the wrapper does not record them. */
  readonly kwargs: Kwargs | undefined;
}

/** A class of wrappers that take their arguments as one object after the environment. */
export interface WrapperClass {
  readonly name: string;
  wrapperSpec(kwargs?: Kwargs): WrapperSpec;
}

const classes = new Map<string, WrapperClass>();

/** Makes wrappers known by name, so that specs from JSON can have them. The wrappers of gymnasium-js are known. */
export function registerWrapper(Class: WrapperClass, name: string = Class.name): void {
  classes.set(name, Class);
}

/** Puts the wrapper of the spec around `env`. Throws ConfigError when it did not record its arguments or when its name is unknown. */
export function applyWrapper(
  env: Env<unknown, unknown>,
  { name, entryPoint, kwargs }: WrapperSpec,
): Env<unknown, unknown> {
  if (kwargs === undefined) {
    const wayOut = 'Pass its arguments on in its constructor: super(env, { ...options })';
    throw new ConfigError(
      `${name} wrapper does not record its arguments, therefore, the wrapper cannot be recreated. ${wayOut}.`,
    );
  }
  const put = entryPoint ?? classes.get(name)?.wrapperSpec().entryPoint;
  if (put !== undefined) return put(env, kwargs);
  const hint = didYouMean(name, [...classes.keys()]);
  throw new ConfigError(`make: the wrapper ${name} is not known.${hint} Make it known with registerWrapper(${name}).`);
}
