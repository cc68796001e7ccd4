// `tessera engine`: what runs, why and how fast; `install` provides the native engine, `remove` undoes it. People read stderr; `--json` puts the same on stdout.

import { createInterface } from 'node:readline/promises';
import { engineStatus, installEngine, removeEngine } from '@tessera/engine/node';
import type { EngineStatus, InstallOptions, InstallResult } from '@tessera/engine/node';
import type { Command } from 'commander';
import { formatNumber } from './format.ts';
import type { Io } from './io.ts';
import { renderColumns, renderTable } from './table.ts';
import type { TableRow } from './table.ts';

/** Options as commander gives them. */
export interface EngineCommandOptions {
  readonly json?: boolean;
  readonly tensorflow?: string;
  readonly python?: string;
  readonly wheel?: boolean;
  readonly prebuilt?: boolean;
  readonly gpu?: boolean;
  readonly yes?: boolean;
}

/** What the commands do their work with; tests put others in their place. */
export interface EngineTools {
  readonly status: () => Promise<EngineStatus>;
  readonly install: typeof installEngine;
  readonly remove: typeof removeEngine;
  /** Asks the person in front of the terminal; without a terminal the answer is no. */
  readonly ask: (question: string) => Promise<boolean>;
}

const realTools: EngineTools = { status: engineStatus, install: installEngine, remove: removeEngine, ask: askTerminal };

/** Adds `engine`, `engine install` and `engine remove` to the program. */
export function addEngineCommands(program: Command, io: Io, tools: EngineTools = realTools): void {
  const engine = program
    .command('engine')
    .description('Show the engine: what is installed, what runs and why, and how fast.')
    .option('--json', 'the same as JSON on stdout')
    .action((options: EngineCommandOptions) => showEngine(options, io, tools));
  engine
    .command('install')
    .description('Provide the native engine: TensorFlow, by the first way that works.')
    .option('--tensorflow <dir>', 'a TensorFlow that is there')
    .option('--python <python>', 'that of a Python')
    .option('--wheel', 'a new one, downloaded by pip (0.3 GB)')
    .option('--prebuilt', "TensorFlow.js's own binary, an old one")
    .option('--gpu', 'with CUDA (several GB; experimental)')
    .option('--yes', 'agree to downloads of several GB')
    .option('--json', 'what was done as JSON on stdout')
    .action((_: unknown, command: Command) =>
      installCommand(command.optsWithGlobals<EngineCommandOptions>(), io, tools),
    );
  engine
    .command('remove')
    .description('Undo install: the link, what was built, what was downloaded.')
    .action(() => removeCommand(io, tools));
}

async function showEngine({ json }: EngineCommandOptions, io: Io, tools: EngineTools): Promise<void> {
  const status = await tools.status();
  io.stderr.write(`${describeStatus(status)}\n`);
  if (json === true) io.stdout.write(`${JSON.stringify(status)}\n`);
}

/** The status as a person reads it. */
export function describeStatus({ chosen, versions, addon, build, cache, backends }: EngineStatus): string {
  const rows: TableRow[] = [
    { name: 'engine', value: chosen.backend, note: chosen.note },
    {
      name: 'addon',
      value: addon.damage === null ? addonWords(addon.state) : 'damaged',
      note: addon.damage ?? addon.path ?? 'the package is not installed',
    },
  ];
  if (build) {
    const { strategy, why, compiler, verified, builtAt, node, tensorflow } = build;
    const compiled = compiler === undefined ? 'as it came' : `by ${compiler}`;
    const check = `${verified.gradients} gradients within ${formatNumber(verified.worst)} of the cpu backend`;
    rows.push(
      { name: 'TensorFlow from', value: strategy, note: `${why}; ${tensorflow.folder}` },
      { name: 'built', value: builtAt.slice(0, 10), note: `in Node ${node} ${compiled}; ${check}` },
    );
  }
  const { node, tfjsNode, tensorflow } = versions;
  rows.push({
    name: 'versions',
    value: `Node ${node}`,
    note: `tfjs-node ${tfjsNode ?? '-'}, TensorFlow ${tensorflow ?? '-'}`,
  });
  rows.push({ name: 'cache', value: cache, note: 'TESSERA_CACHE names another' });
  const table = backends.map(({ backend, available, note, threads, gflops }) => [
    backend,
    gflops === null ? '-' : formatNumber(Number(gflops.toPrecision(2))),
    threads === null ? '-' : String(threads),
    available ? '' : note,
  ]);
  return `${renderTable(rows)}\n\n${renderColumns(['back end', 'GFLOPS', 'threads', ''], table)}`;
}

function addonWords(state: EngineStatus['addon']['state']): string {
  return { ours: 'installed', foreign: 'not ours', dangling: 'its build has gone', nothing: 'none' }[state];
}

async function installCommand(options: EngineCommandOptions, io: Io, tools: EngineTools): Promise<void> {
  const { json = false, yes = false, tensorflow, python, wheel, prebuilt, gpu } = options;
  const choice: InstallOptions = { tensorflow, python, wheel, prebuilt, gpu };
  const result = await tools.install({
    ...choice,
    signal: io.signal,
    report: (line) => void io.stderr.write(`${line}\n`),
    confirm: async (question) => yes || tools.ask(question),
  });
  io.stderr.write(`${describeInstall(result)}\n`);
  if (json) io.stdout.write(`${JSON.stringify(result)}\n`);
}

function describeInstall({ action, build, seconds }: InstallResult): string {
  const done = {
    built: 'Built, tried and linked',
    linked: 'Linked from the cache',
    unchanged: 'It is installed already',
  }[action];
  const { version, gpu, gradients, worst } = build.verified;
  const device = gpu ? 'GPU' : 'CPU';
  return `${done} in ${formatNumber(Number(seconds.toPrecision(2)))} s: TensorFlow ${version} on the ${device}; ${gradients} gradients agree within ${formatNumber(worst)}.`;
}

async function removeCommand(io: Io, tools: EngineTools): Promise<void> {
  const { was, cache } = await tools.remove();
  const link = {
    ours: 'The native engine is removed',
    dangling: 'The link to the native engine is removed',
    nothing: 'No native engine was linked',
    foreign: 'An addon that came from elsewhere is left where it is',
  }[was];
  io.stderr.write(`${link}; '${cache}' holds no builds or downloads now.\n`);
}

async function askTerminal(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
