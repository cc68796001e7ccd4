// What chooses actions inside a rollout source. A policy is data, so that it can travel to a worker; weights come with later kinds.

import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
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

/** Sets a policy to work. Throws ConfigError for an action space that is not Discrete or does not fit into int32. */
export function createActionSource(
  policy: Policy,
  options: { readonly actionSpace: unknown; readonly generator: Generator; readonly where: string },
): ActionSource {
  const { actionSpace, generator, where } = options;
  if (!(actionSpace instanceof Discrete)) {
    throw new ConfigError(
      `${where}: expected a Discrete action space, got ${String(actionSpace)}. Continuous actions are not supported yet: wrap the environment so that it has finitely many.`,
    );
  }
  const { n, start } = actionSpace;
  if (start < -(2 ** 31) || start + n > 2 ** 31) {
    throw new ConfigError(`${where}: expected actions that fit into int32, got ${String(actionSpace)}.`);
  }
  switch (policy.kind) {
    case 'random':
      return { policyVersion: () => 0, act: () => start + generator.integers(n) };
  }
}
