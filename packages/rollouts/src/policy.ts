// What chooses actions. Inside a rollout source a policy is data, so that it can travel to a worker; a policy on an accelerator stays where it is and chooses for
// all environments at once.

import { ConfigError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { Discrete } from 'gymnasium-js';

/** `random`: every action equally likely, from the generator `policy/<environment>`. */
export type Policy = { readonly kind: 'random' };

/** A policy at work in one environment. */
export interface ActionSource {
  /** The version whose choices chunk number `sequence` holds: a function of counters, never of how fast anything ran. */
  policyVersion(sequence: number): number;
  /** The action at `frame`, `uint8 [H, W, C]`. */
  act(frame: Uint8Array): number;
}

/** What led to frames, one entry for each. */
export interface StepsBefore {
  /** 1 where a frame is the first of an episode. */
  readonly begins: Uint8Array;
  /** The action that the environment says it executed at the step before; undefined where that is not known, after a saved state, and where an episode begins. */
  readonly executed: readonly (number | undefined)[];
}

/** A policy that chooses for many environments in one call. */
export interface BatchPolicy {
  /** Which weights choose, a whole number >= 0; recorded with each chunk. */
  readonly version: number;
  /**
   * One action for each of `frames`, `uint8 [n, H, W, C]`, as the environment takes them (from the first of its action space on). `envIndices` says whose
   * frame each one is, `before` what led to it, for a policy with a memory. The frames are the policy's to keep.
   */
  act(frames: NdArray<'uint8'>, envIndices: readonly number[], before: StepsBefore): ArrayLike<number>;
}

/** The whole numbers from `first` to `first + count - 1`. */
export interface ActionRange {
  readonly count: number;
  readonly first: number;
}

/** The actions of a Discrete space. Throws ConfigError for any other space, and for one that does not fit into int32. */
export function actionRange(actionSpace: unknown, where: string): ActionRange {
  if (!(actionSpace instanceof Discrete)) {
    throw new ConfigError(
      `${where}: expected a Discrete action space, got ${String(actionSpace)}. Continuous actions are not supported yet: wrap the environment so that it has finitely many.`,
    );
  }
  const { n, start } = actionSpace;
  if (start < -(2 ** 31) || start + n > 2 ** 31) {
    throw new ConfigError(`${where}: expected actions that fit into int32, got ${String(actionSpace)}.`);
  }
  return { count: n, first: start };
}

/** Sets a policy to work. Throws ConfigError for an action space that is not Discrete or does not fit into int32. */
export function createActionSource(
  policy: Policy,
  options: { readonly actionSpace: unknown; readonly generator: Generator; readonly where: string },
): ActionSource {
  const { actionSpace, generator, where } = options;
  const { count, first } = actionRange(actionSpace, where);
  switch (policy.kind) {
    case 'random':
      return { policyVersion: () => 0, act: () => first + generator.integers(count) };
  }
}
