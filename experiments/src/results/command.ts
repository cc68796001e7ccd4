// `tessera results RUN... --task NAME`: what several seeds of a task came to, as a file of raw scores and a table of what they say together.

import { join } from 'node:path';
import { ConfigError } from '@tessera/core';
import { listDirectory, makeDirectory, pathInfo, readTextBounded, writeFileAtomic } from '@tessera/core/node';
import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { renderColumns } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import { mergeRuns, readFinishedRun } from './merge.ts';
import { resultsChart, resultsPage } from './page.ts';
import { headings, returnRows } from './returns.ts';
import { parseResults, resultsText } from './schema.ts';
import type { TaskResults } from './schema.ts';

const maxBytes = 64 * 2 ** 20;

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
    .description(
      'Merge runs of several seeds into a file of raw scores and a page of all such files; show what they say.',
    )
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
  const written = parseResults(text, path); // what is written can be read
  const others = await otherResults(out, path);
  await makeDirectory(out);
  await writeFileAtomic(path, text);
  await writeFileAtomic(join(out, `${task}.svg`), `${resultsChart(written)}\n`);
  await writeFileAtomic(join(out, 'tables.md'), resultsPage([...others, written]));
  io.stderr.write(`${renderColumns(headings, returnRows(results))}\n`);
  if (results.commit.endsWith('-dirty')) {
    io.stderr.write(`The sources differed from their commit: nobody can make these numbers again. Commit, then run.\n`);
  }
  io.stdout.write(`${path}\n`);
  return 0;
}

/** What the other results of the folder say. Throws FormatError for one that is damaged: the page would lack it. */
async function otherResults(directory: string, path: string): Promise<TaskResults[]> {
  if ((await pathInfo(directory)) === undefined) return [];
  const names = (await listDirectory(directory)).filter((name) => name.endsWith('.json'));
  const paths = names.map((name) => join(directory, name)).filter((other) => other !== path);
  const texts = await Promise.all(paths.map(async (other) => readTextBounded(other, { maxBytes })));
  // The folder may be one that has other files too, such as package.json.
  return texts.flatMap((text, i) => (text.includes('"task":') ? [parseResults(text, paths[i]!)] : []));
}
