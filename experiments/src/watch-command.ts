// `tessera watch DIR`: a film of what a run has learned. The film's path is the only line on stdout.

import { ConfigError } from '@tessera/core';
import type { Io } from './io.ts';
import { openRun, settingsOfRun } from './open-run.ts';
import { createReporter } from './reporter.ts';
import { checkBackend } from './train-command.ts';
import { parseCount } from './usage-error.ts';

/** Options as commander gives them. */
export interface WatchOptions {
  readonly seed?: string;
  readonly backend?: string;
}

/** Makes the film; returns the exit code. Throws errors of Tessera. */
export async function watchCommand(directory: string, options: WatchOptions, io: Io): Promise<number> {
  const { backend } = options;
  if (backend !== undefined) checkBackend(backend);
  const asked = options.seed === undefined ? undefined : parseCount('--seed', options.seed);
  const opened = await openRun('watch', directory, io.experiments);
  const { run, experiment } = opened;
  const config = settingsOfRun(opened);
  if (!experiment.watch) {
    const advice = `Its pictures are in '${directory}/media', and tessera eval measures it.`;
    throw new ConfigError(`watch: a run of the experiment '${experiment.name}' has no episode to show. ${advice}`);
  }
  const { env, seed: own } = run.config;
  const seed = asked ?? own;
  const reporter = createReporter(io.stderr, io.nowMs);
  try {
    const context = { run, config, env, seed, backend, episodes: undefined, signal: io.signal, reporter };
    const { path, table } = await experiment.watch(context);
    reporter.close();
    reporter.table(table);
    io.stdout.write(`${path}\n`);
    return 0;
  } finally {
    reporter.close();
  }
}
