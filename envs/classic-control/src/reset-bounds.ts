// The options of `reset` that change where an episode starts (gymnasium/envs/classic_control/utils.py).
import { ConfigError } from '@tessera/core';
import type { ResetOptions } from 'gymnasium-js';

/** The number under `key` in the options of reset, or `byDefault`. Throws ConfigError for what is no number. */
export function resetNumber(owner: string, reset: ResetOptions | undefined, key: string, byDefault: number): number {
  const options = reset?.options;
  if (options === undefined || !Object.hasOwn(options, key)) return byDefault;
  const value = options[key];
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  const got = typeof value === 'number' ? String(value) : `${typeof value} ${JSON.stringify(value)}`;
  throw new ConfigError(
    `${owner}: reset: An option (${key}) could not be converted to a float. Expected a finite number, got ${got}.`,
  );
}

/** `low` and `high` of the options of reset, or these. Throws ConfigError for what is no number, and for `low > high`. */
export function resetBounds(
  owner: string,
  reset: ResetOptions | undefined,
  defaultLow: number,
  defaultHigh: number,
): readonly [low: number, high: number] {
  const low = resetNumber(owner, reset, 'low', defaultLow);
  const high = resetNumber(owner, reset, 'high', defaultHigh);
  if (low <= high) return [low, high];
  throw new ConfigError(
    `${owner}: reset: Lower bound (${low}) must be lower than higher bound (${high}). Both are options of reset.`,
  );
}
