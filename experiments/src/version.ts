// The version that `--version` shows and result files record.

import { readFileSync } from 'node:fs';

/** Version of the `@tessera/experiments` package. */
export function toolVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
