// `npm run -s bench -- NAME`: runs one benchmark. People read medians and the ratio on stderr; the last line of stdout is JSON.

import { didYouMean, FormatError } from '@tessera/core';
import { Command } from 'commander';
import { summariseBench } from './benchmark.ts';
import type { BenchLine, BenchResult } from './benchmark.ts';
import { findBenchmarks, loadBenchmark } from './find-benchmarks.ts';
import { formatNumber } from './format.ts';
import type { Io } from './io.ts';
import { reportError } from './program.ts';
import { renderColumns, renderTable } from './table.ts';
import { parseCount, UsageError } from './usage-error.ts';

interface Options {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly rounds?: string;
  readonly backend?: string;
}

/** Runs the command line `argv` over the benchmarks of the repository at `root`; returns the exit code and never throws. */
export async function bench(argv: readonly string[], io: Omit<Io, 'experiments'>, root: string): Promise<number> {
  const program = new Command('bench')
    .description('Run a benchmark of any package.')
    .argument('[name]', 'the benchmark')
    .option('--list', 'show the benchmarks there are')
    .option('--json', 'the JSON line alone')
    .option('--rounds <n>', 'how many rounds')
    .option('--backend <name>', 'back end')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .action((name: string | undefined, options: Options) => run(name, options, io, root));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return io.signal.aborted ? 130 : 0;
  } catch (error) {
    return reportError(error, io);
  }
}

async function run(
  name: string | undefined,
  options: Options,
  io: Omit<Io, 'experiments'>,
  root: string,
): Promise<void> {
  const files = await findBenchmarks(root);
  const names = files.map((file) => file.name);
  if (options.list === true) {
    const rows: string[][] = [];
    for (const file of files) rows.push([file.name, (await loadBenchmark(file)).describe]);
    io.stdout.write(rows.length > 0 ? `${renderColumns(['benchmark', 'what it compares'], rows)}\n` : '');
    return;
  }
  const known = names.length > 0 ? ` There are: ${names.join(', ')}.` : ' There are none yet.';
  if (name === undefined) throw new UsageError(`bench: name a benchmark.${known}`);
  const file = files.find((candidate) => candidate.name === name);
  if (!file) throw new UsageError(`bench: unknown benchmark '${name}'.${didYouMean(name, names)}${known}`);
  const rounds = options.rounds === undefined ? undefined : parseCount('--rounds', options.rounds);
  const benchmark = await loadBenchmark(file);
  if (options.json !== true) io.stderr.write(`${benchmark.describe}\n`);
  const result = await benchmark.run({ signal: io.signal, rounds, backend: options.backend });
  checkResult(file.path, result);
  const line = summariseBench(name, result);
  if (options.json !== true) io.stderr.write(`${table(line)}\n`);
  io.stdout.write(`${JSON.stringify(line)}\n`);
}

function checkResult(path: string, { ours, theirs }: BenchResult): void {
  const numbers = [...ours, ...theirs];
  const paired = theirs.length === 0 || theirs.length === ours.length;
  if (ours.length === 0 || !paired || !numbers.every((value) => Number.isFinite(value) && value > 0)) {
    throw new FormatError(
      `${path}: expected numbers > 0, as many of theirs as of ours or none, got ours [${ours.join(', ')}], theirs [${theirs.join(', ')}].`,
    );
  }
}

function table({ ours, theirs, ratio, unit, rounds, backend, threads }: BenchLine): string {
  const rows = [{ name: 'ours', value: formatNumber(ours), note: `${unit}, median of ${rounds} rounds` }];
  if (theirs !== null) rows.push({ name: 'theirs', value: formatNumber(theirs), note: unit });
  if (ratio !== null) rows.push({ name: 'ratio', value: formatNumber(ratio), note: 'ours / theirs, median' });
  return renderTable([...rows, { name: 'back end', value: backend, note: `threads: ${threads}` }]);
}
