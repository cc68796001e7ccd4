// `tessera list` and `tessera eval DIR`: what is there, and how good it is.

import { listRuns, markNonFinite } from '@tessera/runs';
import type { RunSummary } from '@tessera/runs';
import { formatNumber, formatSeconds } from './format.ts';
import type { Io } from './io.ts';
import { openRun, settingsOfRun } from './open-run.ts';
import { createReporter } from './reporter.ts';
import { renderColumns } from './table.ts';
import { checkBackend } from './train-command.ts';
import { parseCount } from './usage-error.ts';

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
  io.stdout.write(`${renderColumns(['run', 'steps', 'time', 'NMSE', 'return', 'state'], runs.map(listRow))}\n`);
  for (const run of runs) if (run.problem !== undefined) io.stderr.write(`${run.name}: ${run.problem}\n`);
  return 0;
}

function listRow({ name, result, problem, running }: RunSummary): string[] {
  const { steps = '', wallSeconds, stopped, tokenizer, evaluation } = result ?? {};
  const shown = (value: number | undefined): string => (value === undefined ? '' : formatNumber(value));
  let state = stopped === true ? 'stopped early' : 'done';
  if (!result) state = 'not ended';
  if (running === true) state = 'running';
  if (problem !== undefined) state = 'broken';
  const time = wallSeconds === undefined ? '' : formatSeconds(wallSeconds);
  return [name, String(steps), time, shown(tokenizer?.nmse), shown(evaluation?.meanReturn), state];
}

/** Options as commander gives them. */
export interface EvalOptions {
  readonly episodes?: string;
  readonly backend?: string;
}

/** Evaluates a run: a table on stderr, the same as JSON on stdout. Returns the exit code. Throws errors of Tessera. */
export async function evalCommand(directory: string, options: EvalOptions, io: Io): Promise<number> {
  const { backend } = options;
  if (backend !== undefined) checkBackend(backend);
  const episodes =
    options.episodes === undefined ? undefined : parseCount('--episodes', options.episodes, { minimum: 1 });
  const opened = await openRun('eval', directory, io.experiments);
  const { run, experiment } = opened;
  const { env, seed } = run.config;
  const config = settingsOfRun(opened);
  const reporter = createReporter(io.stderr, io.nowMs);
  try {
    const context = { run, config, env, seed, backend, episodes, signal: io.signal, reporter };
    const outcome = await experiment.evaluate(context);
    reporter.close();
    reporter.table(outcome.table);
    io.stdout.write(`${JSON.stringify(markNonFinite(outcome.metrics))}\n`);
    return 0;
  } finally {
    reporter.close();
  }
}
