// A command line that cannot be understood. It ends with exit code 2, as is the custom of Unix tools; other errors end with 1.

import { ConfigError } from '@tessera/core';

/** The command line is wrong: an unknown command, a missing argument, a number that is none. */
export class UsageError extends ConfigError {
  override readonly name: string = 'UsageError';
}

/** A count from a command line, at least `minimum` (default 0). Throws UsageError, opened by `option`. */
export function parseCount(option: string, text: string, options: { readonly minimum?: number } = {}): number {
  const { minimum = 0 } = options;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < minimum) {
    throw new UsageError(`${option}: expected a whole number >= ${minimum}, got ${JSON.stringify(text)}.`);
  }
  return value;
}
