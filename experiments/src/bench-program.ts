// `npm run -s bench -- NAME`: runs one benchmark. People read what was measured on stderr; the last line of stdout is JSON.

import { didYouMean } from '@tessera/core';
import { Command, Option } from 'commander';
import { allocatorText, benchVariables, isSet } from './bench-environment.ts';
import type { Allocator } from './bench-environment.ts';
import { NoPeerError } from './bench-peer.ts';
import { benchText } from './bench-report.ts';
import { runBenchmark } from './bench-run.ts';
import { summariseBench } from './bench-statistics.ts';
import { findBenchmarks, loadBenchmark } from './find-benchmarks.ts';
import type { Io } from './io.ts';
import { reportError } from './program.ts';
import { renderColumns } from './table.ts';
import { parseCount, UsageError } from './usage-error.ts';

interface Options {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly rounds: string;
  readonly backend?: string;
  readonly precision: 'float32' | 'bf16';
  readonly threads: string;
  readonly allocator: Allocator;
  readonly alone?: boolean;
  readonly others?: boolean;
  readonly tiny?: boolean;
  readonly peer: string;
}

/** What the command needs beside its surroundings. */
export interface BenchPlace {
  /** The repository. */
  readonly root: string;
  /** Runs the same command line with other environment variables; where it is missing, those that are there have to do. */
  readonly restart?: (variables: Readonly<Record<string, string | undefined>>) => Promise<number>;
}

/** Exit code where there is no peer on this machine. */
const noPeer = 3;

/** Runs the command line `argv`; returns the exit code and never throws. */
export async function bench(argv: readonly string[], io: Omit<Io, 'experiments'>, place: BenchPlace): Promise<number> {
  let code = 0;
  const program = new Command('bench')
    .description(
      'Run a benchmark of any package: ours and a peer in turn, after both have shown that they compute the same.',
    )
    .argument('[name]', 'the benchmark')
    .option('--list', 'show the benchmarks there are')
    .option('--json', 'the JSON line alone')
    .option('--rounds <n>', 'how many rounds', '12')
    .option('--backend <name>', 'our back end')
    .addOption(new Option('--precision <name>', 'of our products').choices(['float32', 'bf16']).default('float32'))
    .option('--threads <n>', 'threads of either side', '2')
    .addOption(
      new Option('--allocator <name>', 'what glibc does with freed memory, on both sides')
        .choices(['keep', 'default'])
        .default('keep'),
    )
    .option('--alone', 'our side alone')
    .option('--others', 'further sides too: other back ends, TensorFlow.js as it is')
    .option('--peer <arguments>', 'arguments for the peer, such as "--precision bf16"', '')
    .option('--tiny', 'small sizes, to see that all of it runs')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
    })
    .action(async (name: string | undefined, options: Options) => {
      code = await run(name, options, io, place);
    });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return io.signal.aborted ? 130 : code;
  } catch (error) {
    if (!(error instanceof NoPeerError)) return reportError(error, io);
    io.stderr.write(`${error.message}\n`);
    return noPeer;
  }
}

async function run(
  name: string | undefined,
  options: Options,
  io: Omit<Io, 'experiments'>,
  { root, restart }: BenchPlace,
): Promise<number> {
  const files = await findBenchmarks(root);
  const names = files.map((file) => file.name);
  if (options.list === true) {
    const rows: string[][] = [];
    for (const file of files) rows.push([file.name, (await loadBenchmark(file)).describe]);
    io.stdout.write(rows.length > 0 ? `${renderColumns(['benchmark', 'what it compares'], rows)}\n` : '');
    return 0;
  }
  const known = names.length > 0 ? ` There are: ${names.join(', ')}.` : ' There are none yet.';
  if (name === undefined) throw new UsageError(`bench: name a benchmark.${known}`);
  const file = files.find((candidate) => candidate.name === name);
  if (!file) throw new UsageError(`bench: unknown benchmark '${name}'.${didYouMean(name, names)}${known}`);
  const rounds = parseCount('--rounds', options.rounds, { minimum: 1 });
  const threads = parseCount('--threads', options.threads, { minimum: 1 });
  const wanted = benchVariables(options.allocator, threads);
  if (restart !== undefined && !isSet(wanted, io.variables)) return restart(wanted);
  const benchmark = await loadBenchmark(file);
  const say = (text: string): void => {
    if (options.json !== true) io.stderr.write(`${text}\n`);
  };
  say(benchmark.describe);
  say(`Of both: threads ${threads}, allocator ${allocatorText(io.variables)}.`);
  const { result, rates } = await runBenchmark(benchmark, {
    directory: file.directory,
    rounds,
    threads,
    backend: options.backend,
    precision: options.precision,
    tiny: options.tiny === true,
    alone: options.alone === true,
    others: options.others === true,
    extra: options.peer.split(' ').filter((word) => word !== ''),
    variables: io.variables,
    signal: io.signal,
    say,
  });
  const line = summariseBench(name, result);
  say(benchText(line, result, rates));
  io.stdout.write(`${JSON.stringify(line)}\n`);
  return 0;
}
