// Arguments of vector environments, checked once for all kinds of them.
import { ConfigError } from '@tessera/core';
import { checkSeed } from '../seeding.ts';
import type { Seed } from '../types.ts';
import type { AutoresetMode, VectorResetOptions } from './vector-env.ts';

const autoresetModes: readonly AutoresetMode[] = ['NextStep', 'SameStep', 'Disabled'];

/** Returns the mode when it is one; throws ConfigError otherwise. */
export function checkAutoresetMode(mode: AutoresetMode): AutoresetMode {
  if (autoresetModes.includes(mode)) return mode;
  const known = autoresetModes.join(', ');
  throw new ConfigError(`VectorEnv: expected an autoresetMode out of ${known}, got ${JSON.stringify(mode)}.`);
}

/** What a reset means for each environment. */
export interface ResetPlan {
  readonly seeds: readonly (Seed | undefined)[];
  /** Options for the environments, without `resetMask`. */
  readonly options: Readonly<Record<string, unknown>> | undefined;
  /** 1 for the environments to reset. */
  readonly mask: Uint8Array;
}

/** Spreads the arguments of a reset over the environments. Throws ConfigError for seeds or a mask that do not fit. */
export function planReset(numEnvs: number, { seed, options }: VectorResetOptions): ResetPlan {
  const { resetMask, ...others } = options ?? {};
  return {
    seeds: spreadSeeds(numEnvs, seed),
    options: options === undefined ? undefined : others,
    mask: resetMask === undefined ? new Uint8Array(numEnvs).fill(1) : checkMask(numEnvs, resetMask),
  };
}

function spreadSeeds(numEnvs: number, seed: VectorResetOptions['seed']): (Seed | undefined)[] {
  if (Array.isArray(seed)) {
    if (seed.length !== numEnvs) {
      const got = `got length=${seed.length}`;
      throw new ConfigError(`If seeds are passed as a list the length must match numEnvs=${numEnvs} but ${got}.`);
    }
    return (seed as (Seed | undefined)[]).map((one) => (one === undefined ? undefined : checkSeed(one)));
  }
  if (seed === undefined) return Array.from({ length: numEnvs }, () => undefined);
  const first = checkSeed(seed);
  return Array.from({ length: numEnvs }, (_, i) =>
    typeof first === 'bigint' ? first + BigInt(i) : checkSeed(first + i),
  );
}

function checkMask(numEnvs: number, mask: ArrayLike<number | boolean>): Uint8Array {
  const length = typeof mask === 'object' && mask !== null ? mask.length : undefined;
  if (length !== numEnvs) {
    throw new ConfigError(`options.resetMask: expected ${numEnvs} truth values, got ${length ?? typeof mask}.`);
  }
  const marks = Uint8Array.from(Array.from(mask, Boolean), Number);
  if (!marks.includes(1)) {
    throw new ConfigError('options.resetMask must mark at least one environment. To reset none, do not call reset.');
  }
  return marks;
}

const ownCalls = ['reset', 'step', 'close', 'setState', 'getState'];

/** Throws ConfigError for names that a vector environment has calls of its own for. */
export function checkCallName(name: string): void {
  if (typeof name !== 'string') {
    throw new ConfigError(`VectorEnv.call: expected the name of an attribute, got ${typeof name}.`);
  }
  if (ownCalls.includes(name)) {
    throw new ConfigError(`Trying to call function \`${name}\` with \`call\`, use \`${name}\` directly instead.`);
  }
}

/** One value for each environment: those of an array, or the same for all. Throws ConfigError for an array of another length. */
export function spreadValues(numEnvs: number, values: unknown): readonly unknown[] {
  if (!Array.isArray(values)) return Array.from({ length: numEnvs }, () => values);
  if (values.length === numEnvs) return values as unknown[];
  const got = `Got \`${values.length}\` values for ${numEnvs} environments`;
  throw new ConfigError(`Values must be a list with length equal to the number of environments. ${got}.`);
}
