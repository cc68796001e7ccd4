// `tessera list` and `tessera eval DIR`: what is there, and how good it is.

import { ConfigError, didYouMean } from '@tessera/core';
import { listRuns, markNonFinite, parseConfig, RunFolder } from '@tessera/runs';
import type { RunSummary } from '@tessera/runs';
import type { Experiment } from './experiment.ts';
import { formatNumber, formatSeconds } from './format.ts';
import type { Io } from './io.ts';
import { createReporter } from './reporter.ts';
import { renderColumns } from './table.ts';
import { checkBackend } from './train-command.ts';

/** Lists the runs of a folder on stdout, as a table or a JSON object a line; broken ones with what is wrong. Returns the exit code. */
export async function listCommand(
  options: { readonly runs: string; readonly json?: boolean },
  io: Io,
): Promise<number> {
  const runs = await listRuns(options.runs);
  if (options.json === true) {
    for (const run of runs) io.stdout.write(`${JSON.stringify(markNonFinite({ ...run }))}\n`);
    return 0;
  }
  if (runs.length === 0) {
    io.stderr.write(`No runs in '${options.runs}'. \`tessera train\` makes one; --runs DIR looks elsewhere.\n`);
    return 0;
  }
  io.stdout.write(`${renderColumns(['run', 'steps', 'time', 'NMSE', 'state'], runs.map(listRow))}\n`);
  for (const run of runs) if (run.problem !== undefined) io.stderr.write(`${run.name}: ${run.problem}\n`);
  return 0;
}

function listRow({ name, result, problem }: RunSummary): string[] {
  if (problem !== undefined) return [name, '', '', '', 'broken'];
  if (!result) return [name, '', '', '', 'not ended'];
  const { steps, wallSeconds, stopped, tokenizer } = result;
  const state = stopped === true ? 'stopped early' : 'done';
  return [name, String(steps), formatSeconds(wallSeconds), formatNumber(tokenizer.nmse), state];
}

/** Evaluates a run: a table on stderr, the same as JSON on stdout. Returns the exit code. Throws errors of Tessera. */
export async function evalCommand(directory: string, options: { readonly backend?: string }, io: Io): Promise<number> {
  if (options.backend !== undefined) checkBackend(options.backend);
  const run = await RunFolder.open(directory);
  const { experiment: name, env, seed } = run.config;
  const experiment = findExperiment(name, io.experiments);
  if (!experiment) {
    const names = io.experiments.map((known) => known.name);
    throw new ConfigError(
      `eval: '${directory}' is a run of the experiment '${name}', which is not known here.${didYouMean(name, names)} There are: ${names.join(', ')}. Update Tessera if a newer one wrote it.`,
    );
  }
  const config = parseConfig(experiment.schema, run.config.config, { source: `${directory}/config.json: config` });
  const reporter = createReporter(io.stderr, io.nowMs);
  try {
    const { backend } = options;
    const outcome = await experiment.evaluate({
      run,
      config,
      env,
      seed,
      backend,
      episodes: undefined,
      signal: io.signal,
      reporter,
    });
    reporter.close();
    reporter.table(outcome.table);
    io.stdout.write(`${JSON.stringify(markNonFinite(outcome.metrics))}\n`);
    return 0;
  } finally {
    reporter.close();
  }
}

/** The experiment of that name. */
function findExperiment(name: string, experiments: readonly Experiment[]): Experiment | undefined {
  return experiments.find((experiment) => experiment.name === name);
}
