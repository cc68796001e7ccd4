// Which run `tessera train <experiment> --resume DIR` goes on with, and whether it may: a run goes on as it was started, or the numbers that it ends
// with belong to no command. Only `steps` may grow.

import { dirname, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '@tessera/core';
import { mergeLayers, parseConfig, RunFolder, shortText } from '@tessera/runs';
import type { ConfigLayer } from '@tessera/runs';
import type { Experiment, ExperimentConfig } from './experiment.ts';
import { settingsOfRun, settingsSource } from './open-run.ts';
import { quoteWord } from './quote-word.ts';

/** What the command line says beside `--resume`; undefined is what it does not say. */
export interface GivenOptions {
  readonly env: string | undefined;
  readonly seed: number | undefined;
  readonly runs: string | undefined;
  /** `--config`, `--set` and `--steps`, in this order. */
  readonly layers: readonly ConfigLayer[];
}

/** Opens the run folder. Throws ConfigError when it is another experiment's or this one's runs cannot go on. */
export async function openForResume(experiment: Experiment, directory: string): Promise<RunFolder> {
  const run = await RunFolder.open(directory);
  const { experiment: made } = run.config;
  if (made !== experiment.name) {
    throw new ConfigError(
      `train ${experiment.name} --resume: '${directory}' is a run of the experiment '${made}', not of '${experiment.name}'. Use: tessera train ${made} --resume ${quoteWord(directory)}`,
    );
  }
  if (!experiment.resume) {
    throw new ConfigError(
      `train ${experiment.name} --resume: runs of the experiment '${experiment.name}' cannot go on once they have ended. Start a new one without --resume; tessera eval ${quoteWord(directory)} measures what this one saved.`,
    );
  }
  return run;
}

/**
 * The settings to go on with: those of the run, with the larger `steps` where the command line has one. Throws ConfigError with a line for each
 * option that does not say what the run was started with.
 */
export function settingsToResume(experiment: Experiment, run: RunFolder, given: GivenOptions): ExperimentConfig {
  const saved = settingsOfRun({ run, experiment });
  const problems: string[] = [];
  const compare = (option: string, was: string | number, is: string | number | undefined): void => {
    if (is !== undefined && is !== was) problems.push(`${option} ${is}: the run has ${was}.`);
  };
  compare('--env', run.config.env, given.env);
  compare('--seed', run.config.seed, given.seed);
  const root = dirname(resolve(run.directory));
  if (given.runs !== undefined && resolve(given.runs) !== root)
    problems.push(`--runs ${given.runs}: the run is in ${root}.`);

  const merged = mergeLayers([{ source: settingsSource(run), values: saved }, ...given.layers]);
  const wanted = parseConfig(experiment.schema, merged.values, {
    source: merged.sourceOf,
  }) as unknown as ExperimentConfig;
  for (const { path, was, is } of differences(saved, wanted)) {
    const where = `${merged.sourceOf(path)}: ${path.join('.')}`;
    if (path.join('.') !== 'steps') problems.push(`${where}: the run has ${shortText(was)}, got ${shortText(is)}.`);
    else if (wanted.steps < saved.steps) {
      problems.push(
        `${where}: the run has ${saved.steps}, got ${wanted.steps}; a run can be made longer, not shorter.`,
      );
    }
  }
  if (problems.length === 0) return wanted;
  throw new ConfigError(
    `train ${experiment.name} --resume: '${run.directory}' goes on as it was started; only steps may differ, and be larger.\n${problems.join('\n')}\nLeave these options out, or start a new run without --resume.`,
  );
}

/** True when the run has nothing left to do. The result of a run that was made longer and interrupted has fewer steps than its settings. */
export async function isFinished(run: RunFolder, { steps }: ExperimentConfig): Promise<boolean> {
  const result = await run.readResult();
  return result !== undefined && result.stopped !== true && result.steps >= steps;
}

/** A command line that asks for so many steps instead. */
export function withSteps(command: string, steps: number): string {
  const words = command.replaceAll(/ --steps \d+/g, '');
  return `${words} --steps ${steps}`;
}

/** A place where two trees differ. */
export interface Difference {
  readonly path: readonly string[];
  readonly was: unknown;
  readonly is: unknown;
}

/** The settings in which two trees differ; lists count as a whole. */
export function differences(was: unknown, is: unknown, path: readonly string[] = []): Difference[] {
  if (isDeepStrictEqual(was, is)) return [];
  if (!isObject(was) || !isObject(is)) return [{ path, was, is }];
  const keys = new Set([...Object.keys(was), ...Object.keys(is)]);
  return [...keys].flatMap((key) => differences(was[key], is[key], [...path, key]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
