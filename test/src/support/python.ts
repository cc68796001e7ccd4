// A Python for the tests that ask other people's readers.

import { execFileSync } from 'node:child_process';

/** TESSERA_PYTHON: a Python in which numpy, safetensors and tensorboard are installed. */
export const python: string | undefined = process.env['TESSERA_PYTHON'] || undefined;

/** For the name of a test that needs it. */
export const whyNoPython: string =
  python === undefined ? ' (skipped: TESSERA_PYTHON names no Python with tensorboard and safetensors in it)' : '';

/** What a script prints, read as JSON. */
export function runPython(script: string, words: readonly string[]): unknown {
  const output = execFileSync(python!, ['-c', script, ...words], {
    encoding: 'utf8',
    // TensorBoard talks about itself on stderr.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(output);
}
