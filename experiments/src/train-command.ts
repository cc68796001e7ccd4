// `tessera train <experiment>`: merges the settings (defaults < the environment's < the file < the command line), then plans or
// trains, or goes on with a run. The run folder's path is the only line on stdout, so that a script can go on with it.

import { dirname } from 'node:path';
import { ConfigError, didYouMean, FormatError } from '@tessera/core';
import { readTextBounded } from '@tessera/core/node';
import { describeSchema, parseSetting, resolveConfig } from '@tessera/runs';
import type { ConfigLayer } from '@tessera/runs';
import type { DryRun, Experiment, ExperimentConfig, RunOutcome } from './experiment.ts';
import { formatBytes, formatCount, formatSeconds } from './format.ts';
import type { Io } from './io.ts';
import { quoteWord } from './quote-word.ts';
import { createReporter } from './reporter.ts';
import type { Reporter } from './reporter.ts';
import { isFinished, openForResume, settingsToResume, withSteps } from './resume.ts';
import { renderColumns } from './table.ts';
import { parseCount, UsageError } from './usage-error.ts';

/** What `--backend` takes: the engine's choices; `tensorflow` is on the GPU where there is one. */
export const backendChoices: readonly string[] = ['tensorflow', 'wasm', 'cpu'];

/** Options as commander gives them. */
export interface TrainOptions {
  readonly env?: string;
  readonly seed?: string;
  readonly steps?: string;
  readonly config?: string;
  readonly set?: readonly string[];
  readonly runs?: string;
  readonly backend?: string;
  readonly dryRun?: boolean;
  readonly resume?: string;
}

/** What is taken where an option is left out. */
export const trainDefaults: { readonly seed: string; readonly runs: string } = { seed: '0', runs: 'runs' };

/** Runs the command; returns the exit code. Throws errors of Tessera. */
export async function trainCommand(experiment: Experiment, options: TrainOptions, io: Io): Promise<number> {
  const { backend } = options;
  if (backend !== undefined) checkBackend(backend);
  if (options.resume === undefined) return startRun(experiment, options, io);
  if (options.dryRun === true) {
    throw new UsageError('--dry-run: it plans a new run, and --resume goes on with one. Leave one of them out.');
  }
  return resumeRun(experiment, { ...options, resume: options.resume }, io);
}

async function startRun(experiment: Experiment, options: TrainOptions, io: Io): Promise<number> {
  const { env = experiment.defaultEnv, seed: seedText = trainDefaults.seed, backend } = options;
  const seed = parseCount('--seed', seedText);
  const environment: ConfigLayer = { source: `defaults for ${env}`, values: experiment.defaults(env) };
  const layers = [environment, ...(await givenLayers(experiment, options))];
  const config = resolveConfig(experiment.schema, layers) as unknown as ExperimentConfig;
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
      runsRoot: options.runs ?? trainDefaults.runs,
      command: commandLine(experiment, { ...options, env, seed: seedText }),
    });
    return reportOutcome(experiment, outcome, { reporter, io });
  } finally {
    reporter.close();
  }
}

async function resumeRun(
  experiment: Experiment,
  options: TrainOptions & { readonly resume: string },
  io: Io,
): Promise<number> {
  const { env, runs, backend, resume: directory } = options;
  const seed = options.seed === undefined ? undefined : parseCount('--seed', options.seed);
  const layers = await givenLayers(experiment, options);
  const run = await openForResume(experiment, directory);
  const release = await run.lock();
  const reporter = createReporter(io.stderr, io.nowMs);
  try {
    const config = settingsToResume(experiment, run, { env, seed, runs, layers });
    if (await isFinished(run, config)) {
      reporter.line(
        `The run is finished: it has made its ${config.steps} steps. To go on with it, give it more: --steps ${2 * config.steps}.`,
      );
      io.stdout.write(`${run.directory}\n`);
      return 0;
    }
    if (config.steps !== run.config.config['steps']) {
      const { config: saved, command } = run.config;
      await run.updateConfig({ config: { ...saved, steps: config.steps }, command: withSteps(command, config.steps) });
    }
    const outcome = await experiment.resume!({
      config,
      env: run.config.env,
      seed: run.config.seed,
      backend,
      signal: io.signal,
      reporter,
      steps: config.steps,
      runsRoot: dirname(run.directory),
      command: run.config.command,
      run,
    });
    return reportOutcome(experiment, outcome, { reporter, io });
  } finally {
    reporter.close();
    await release();
  }
}

/** Shows what came out and returns the exit code. */
function reportOutcome(
  experiment: Experiment,
  outcome: RunOutcome,
  { reporter, io }: { readonly reporter: Reporter; readonly io: Io },
): number {
  reporter.close();
  reporter.table(outcome.table);
  io.stdout.write(`${outcome.directory}\n`);
  if (outcome.stopped !== true) return 0;
  reporter.line('Stopped before the last step; what was done until then is saved.');
  if (experiment.resume) {
    reporter.line(`Continue with: tessera train ${experiment.name} --resume ${quoteWord(outcome.directory)}`);
  }
  return 130;
}

/** The settings of an experiment as help shows them. */
export function settingsHelp(experiment: Experiment): string {
  const rows = describeSchema(experiment.schema).map((row) => [row.path, row.default, row.unit, row.type, row.meaning]);
  const table = renderColumns(['setting', 'default', 'unit', 'type', 'meaning'], rows);
  const indented = table.replaceAll(/^/gm, '  ');
  return `\nSettings (for --config FILE, as JSON, and --set setting=value):\n${indented}\n`;
}

/** What `--config`, `--set` and `--steps` say, in the order in which they win. */
async function givenLayers(experiment: Experiment, options: TrainOptions): Promise<ConfigLayer[]> {
  const layers: ConfigLayer[] = [];
  if (options.config !== undefined) layers.push({ source: options.config, values: await readSettings(options.config) });
  for (const text of options.set ?? []) layers.push(readSetting(text, experiment));
  if (options.steps !== undefined) {
    const steps = parseCount('--steps', options.steps);
    layers.push({ source: `--steps ${options.steps}`, values: { steps } });
  }
  return layers;
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

/** Gathers an option that may be repeated, for commander. */
export function collect(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
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
function commandLine(
  experiment: Experiment,
  options: TrainOptions & { readonly env: string; readonly seed: string },
): string {
  const env = experiment.fixedEnv === true ? [] : ['--env', options.env];
  const words = ['tessera', 'train', experiment.name, ...env, '--seed', options.seed];
  if (options.steps !== undefined) words.push('--steps', options.steps);
  if (options.config !== undefined) words.push('--config', options.config);
  for (const text of options.set ?? []) words.push('--set', text);
  if (options.backend !== undefined) words.push('--backend', options.backend);
  return words.map(quoteWord).join(' ');
}
