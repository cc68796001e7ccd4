// Names that become names of files and folders: portable, without separators, never hidden.

import { ConfigError } from '@tessera/core';

const PORTABLE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Throws ConfigError, opened by `where`, for a name that is not fit for a file on every system. */
export function checkName(where: string, name: string): void {
  if (PORTABLE.test(name)) return;
  throw new ConfigError(
    `${where}: expected a name of letters, digits, '.', '_' and '-' that starts with a letter or digit, got ${JSON.stringify(name)}.`,
  );
}

/** `<experiment>-<env>-s<seed>-<utc time>`, with `_` for what file names cannot hold: `tokenizer-Breakout-v0-s0-20260131T120000Z`. */
export function runName(run: {
  readonly experiment: string;
  readonly env: string;
  readonly seed: number;
  readonly at: Date;
}): string {
  const time = run.at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  const portable = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]+/g, '_');
  return `${portable(run.experiment)}-${portable(run.env)}-s${run.seed}-${time}`;
}
