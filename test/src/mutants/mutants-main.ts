// The command over a list of mutants as a whole process: Ctrl-C ends what it has started.

import type { Mutant } from './mutant.ts';
import { mutantsProgram } from './program.ts';

/** Runs the command line of this process. */
export async function mutantsMain(mutants: readonly Mutant[]): Promise<void> {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => controller.abort());
  process.exitCode = await mutantsProgram(process.argv.slice(2), mutants, {
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
  });
}
