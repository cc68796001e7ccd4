// Saved states of vector environments: one format for all kinds of them, so that a checkpoint can change the number of workers.
import { ConfigError } from '@tessera/core';
import type { EnvState, StateValue, TypedArray } from '../types.ts';
import type { BatchRows } from './env-batch.ts';
import type { AutoresetMode } from './vector-env.ts';

/** The states of all environments with the last results, which autoreset and partial resets go on from. */
export function packVectorState(mode: AutoresetMode, envs: readonly EnvState[], rows: BatchRows): EnvState {
  return {
    autoresetMode: mode,
    envs,
    observation: Array.isArray(rows.observation)
      ? (structuredClone(rows.observation) as StateValue[])
      : rows.observation.slice(),
    reward: rows.reward.slice(),
    terminated: rows.terminated.slice(),
    truncated: rows.truncated.slice(),
  };
}

/** Writes the last results back and returns the states of the environments. Throws ConfigError for a state of another setting. */
export function unpackVectorState(mode: AutoresetMode, state: EnvState, rows: BatchRows): readonly EnvState[] {
  const envs = state['envs'] as readonly EnvState[] | undefined;
  const numEnvs = rows.reward.length;
  if (envs?.length !== numEnvs || state['autoresetMode'] !== mode) {
    const expected = `${numEnvs} environments with autoresetMode ${mode}`;
    const got = `${envs?.length} with ${JSON.stringify(state['autoresetMode'])}`;
    throw new ConfigError(`VectorEnv.setState: expected a state of ${expected}, got one of ${got}.`);
  }
  if ((state['observation'] as TypedArray).length !== rows.observation.length) {
    throw new ConfigError(
      'VectorEnv.setState: the observations of the state have another size. Build the environments alike.',
    );
  }
  if (Array.isArray(rows.observation)) {
    rows.observation.splice(0, Infinity, ...structuredClone(state['observation'] as unknown[]));
  } else rows.observation.set(state['observation'] as never);
  rows.reward.set(state['reward'] as Float64Array);
  rows.terminated.set(state['terminated'] as Uint8Array);
  rows.truncated.set(state['truncated'] as Uint8Array);
  return envs;
}
