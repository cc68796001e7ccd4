// `tessera results RUN... --task NAME`: what several seeds of a task came to, as a file of raw scores and a table of what they say together.

import { join } from 'node:path';
import { bootstrapInterval, interquartileMean } from '@tessera/agent';
import { ConfigError, npRandom } from '@tessera/core';
import { makeDirectory, pathInfo, writeFileAtomic } from '@tessera/core/node';
import type { Command } from 'commander';
import { formatSeconds } from '../format.ts';
import type { Io } from '../io.ts';
import { renderColumns } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import { mergeRuns, readFinishedRun } from './merge.ts';
import { parseResults, resultsText } from './schema.ts';
import type { LearnedResults, Scores, TaskResults } from './schema.ts';

interface ResultsOptions {
  readonly task: string;
  readonly baseline?: readonly string[];
  readonly out: string;
  readonly mixed?: boolean;
  readonly overwrite?: boolean;
}

/** Adds the command to the program. */
export function addResultsCommand(program: Command, io: Io, exitWith: (code: number) => void): void {
  program
    .command('results')
    .description('Merge runs of several seeds into a file of raw scores, and show what they say together.')
    .argument('<runs...>', 'folders of runs that have ended and differ in their seed alone')
    .requiredOption('--task <name>', 'name of the file, TASK.json')
    .option('--baseline <runs...>', 'runs of other experiments on the same task, such as ppo')
    .option('--out <dir>', 'folder of the file; made if it is missing', join('experiments', 'results'))
    .option('--mixed', 'take runs of different commits and machines')
    .option('--overwrite', 'replace a file that is there')
    .action(async (runs: string[], options: ResultsOptions) => exitWith(await resultsCommand(runs, options, io)));
}

/** Runs the command; returns the exit code. Throws errors of Tessera. */
async function resultsCommand(runs: readonly string[], options: ResultsOptions, io: Io): Promise<number> {
  const { task, baseline = [], out, mixed = false, overwrite = false } = options;
  if (!/^[A-Za-z0-9][\w.-]*$/.test(task)) {
    throw new UsageError(`--task ${task}: expected a name of letters, digits, '-', '_' and '.', such as breakout-40k.`);
  }
  const path = join(out, `${task}.json`);
  if (!overwrite && (await pathInfo(path)) !== undefined) {
    throw new ConfigError(
      `results: there is a file '${path}' already. Choose another task, or replace it with --overwrite.`,
    );
  }
  const read = async (directories: readonly string[]) => Promise.all(directories.map(readFinishedRun));
  const results = mergeRuns({ task, runs: await read(runs), baselines: await read(baseline), mixed });
  const text = resultsText(results);
  parseResults(text, path); // what is written can be read
  await makeDirectory(out);
  await writeFileAtomic(path, text);
  io.stderr.write(`${resultsTable(results)}\n`);
  if (results.commit.endsWith('-dirty')) {
    io.stderr.write(`The sources differed from their commit: nobody can make these numbers again. Commit, then run.\n`);
  }
  io.stdout.write(`${path}\n`);
  return 0;
}

/** A row a policy: over seeds the mean of its mean returns, their interquartile mean and its 95 % interval. */
export function resultsTable(results: TaskResults): string {
  const rows = learnedRows(results);
  for (const [name, baseline] of Object.entries(results.baselines)) {
    if ('experiment' in baseline) rows.push(...learnedRows(baseline, name));
    else rows.push(scoreRow(name, Object.values(baseline.seeds)));
  }
  return renderColumns(['policy', 'seeds', 'mean', 'IQM', '95 % interval', 'time'], rows);
}

function learnedRows({ experiment, seeds }: LearnedResults, name = experiment): string[][] {
  const all = Object.values(seeds);
  const seconds = all.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0) / all.length;
  const other = all[0]!.policy === 'sampled' ? 'greedy' : 'sampled';
  const others = all.flatMap((seed) => seed[other] ?? []);
  return [
    scoreRow(`${name}, ${all[0]!.policy}`, all, formatSeconds(seconds)),
    ...(others.length > 0 ? [scoreRow(`${name}, ${other}`, others)] : []),
  ];
}

function scoreRow(name: string, seeds: readonly Scores[], time = ''): string[] {
  const scores = seeds.map(({ meanReturn }) => meanReturn);
  const shown = (value: number): string => value.toFixed(2);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  // One seed says nothing of others.
  const interval =
    scores.length < 2
      ? '-'
      : bootstrapInterval([scores], { generator: npRandom(0), samples: 10_000 })
          .map(shown)
          .join(' to ');
  return [name, String(scores.length), shown(mean), shown(interquartileMean(scores)), interval, time];
}
