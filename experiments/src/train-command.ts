// `tessera train <experiment>`: merges the settings (defaults < the environment's < the file < the command line), then plans or
// trains. The run folder's path is the only line on stdout, so that a script can go on with it.

import { ConfigError, didYouMean, FormatError } from '@tessera/core';
import { readTextBounded } from '@tessera/core/node';
import { describeSchema, parseSetting, resolveConfig } from '@tessera/runs';
import type { ConfigLayer } from '@tessera/runs';
import type { DryRun, Experiment, ExperimentConfig } from './experiment.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import type { Io } from './io.ts';
import { createReporter } from './reporter.ts';
import { renderColumns } from './table.ts';
import { parseCount, UsageError } from './usage-error.ts';

/** What `--backend` takes: the engine's choices; `tensorflow` is on the GPU where there is one. */
export const backendChoices: readonly string[] = ['tensorflow', 'wasm', 'cpu'];

/** Options as commander gives them. */
export interface TrainOptions {
  readonly env: string;
  readonly seed: string;
  readonly steps?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly runs: string;
  readonly backend?: string;
  readonly dryRun?: boolean;
}

/** Runs the command; returns the exit code. Throws errors of Tessera. */
export async function trainCommand(experiment: Experiment, options: TrainOptions, io: Io): Promise<number> {
  const { env, backend } = options;
  const seed = parseCount('--seed', options.seed);
  if (backend !== undefined) checkBackend(backend);
  const config = await settingsOf(experiment, options);
  const reporter = createReporter(io.stderr, io.nowMs);
  const context = { config, env, seed, backend, signal: io.signal, reporter };
  try {
    if (options.dryRun === true) {
      const plan = await experiment.dryRun(context);
      reporter.table(planRows(plan));
      io.stdout.write(`${JSON.stringify({ experiment: experiment.name, env, seed, config, plan }, null, 2)}\n`);
      return 0;
    }
    const outcome = await experiment.run({
      ...context,
      steps: config.steps,
      runsRoot: options.runs,
      command: commandLine(experiment, options),
    });
    reporter.close();
    reporter.table(outcome.table);
    io.stdout.write(`${outcome.directory}\n`);
    if (outcome.stopped !== true) return 0;
    reporter.line('Stopped before the last step; what was done until then is saved.');
    return 130;
  } finally {
    reporter.close();
  }
}

/** The settings of an experiment as help shows them. */
export function settingsHelp(experiment: Experiment): string {
  const rows = describeSchema(experiment.schema).map((row) => [row.path, row.default, row.unit, row.type, row.meaning]);
  const table = renderColumns(['setting', 'default', 'unit', 'type', 'meaning'], rows);
  const indented = table.replaceAll(/^/gm, '  ');
  return `\nSettings (for --config FILE, as JSON, and --set setting=value):\n${indented}\n`;
}

async function settingsOf(experiment: Experiment, options: TrainOptions): Promise<ExperimentConfig> {
  const layers: ConfigLayer[] = [{ source: `defaults for ${options.env}`, values: experiment.defaults(options.env) }];
  if (options.config !== undefined) layers.push({ source: options.config, values: await readSettings(options.config) });
  for (const text of options.set ?? []) layers.push(readSetting(text, experiment));
  if (options.steps !== undefined) {
    const steps = parseCount('--steps', options.steps);
    layers.push({ source: `--steps ${options.steps}`, values: { steps } });
  }
  return resolveConfig(experiment.schema, layers) as unknown as ExperimentConfig;
}

/** A setting that cannot be read as one is a mistake on the command line, not in the settings. */
function readSetting(text: string, experiment: Experiment): ConfigLayer {
  try {
    return parseSetting(text, experiment.schema);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message, { cause: error }) : error;
  }
}

async function readSettings(path: string): Promise<unknown> {
  const text = await readTextBounded(path, { maxBytes: 2 ** 24 });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FormatError(`${path}: expected JSON, such as {"steps": 1000}: ${(cause as Error).message}`, { cause });
  }
}

/** Throws UsageError for a name that is no back end. */
export function checkBackend(name: string): void {
  if (backendChoices.includes(name)) return;
  throw new UsageError(
    `--backend: unknown back end '${name}'.${didYouMean(name, backendChoices)} There are: ${backendChoices.join(', ')}.`,
  );
}

function planRows(plan: DryRun): { name: string; value: string }[] {
  return [
    { name: 'parameters', value: formatCount(plan.parameters) },
    { name: 'FLOPs a training step', value: formatCount(plan.flopsPerStep) },
    { name: 'memory', value: formatBytes(plan.memoryBytes) },
    { name: 'expected time', value: formatSeconds(plan.minutes * 60) },
  ];
}

/** The command that gives the run again, with the choices that were made and no machine's paths for runs. */
function commandLine(experiment: Experiment, options: TrainOptions): string {
  const words = ['tessera', 'train', experiment.name, '--env', options.env, '--seed', options.seed];
  if (options.steps !== undefined) words.push('--steps', options.steps);
  if (options.config !== undefined) words.push('--config', options.config);
  for (const text of options.set ?? []) words.push('--set', text);
  if (options.backend !== undefined) words.push('--backend', options.backend);
  return words.map(quoteWord).join(' ');
}

function quoteWord(word: string): string {
  return /^[A-Za-z0-9_./:=@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
