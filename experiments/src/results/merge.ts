// Runs of one task with several seeds, made one: whatever else they differ in is refused, because a mean over different things is a number about nothing.

import { ConfigError, FormatError } from '@tessera/core';
import { RunFolder, shortText } from '@tessera/runs';
import type { RunConfig, RunResult } from '@tessera/runs';
import { z } from 'zod';
import { quoteWord } from '../quote-word.ts';
import { differences } from '../resume.ts';
import { resultsVersion, runPlaysSchema } from './schema.ts';
import type { FixedResults, LearnedResults, RunPlays, Scores, SeedResult, TaskResults } from './schema.ts';

/** A run that has ended, with what is kept of it. */
export interface FinishedRun {
  readonly directory: string;
  readonly settings: RunConfig;
  readonly result: RunResult;
  readonly plays: RunPlays;
}

/** Reads a run. Throws what `RunFolder.open` throws, ConfigError when it has not ended, FormatError when it has no returns. */
export async function readFinishedRun(directory: string): Promise<FinishedRun> {
  const run = await RunFolder.open(directory);
  const result = await run.readResult();
  const wanted = run.config.config['steps'];
  if (result === undefined || result.stopped === true || (typeof wanted === 'number' && result.steps < wanted)) {
    throw new ConfigError(
      `results: '${directory}' has not ended. Go on with it first: tessera train ${run.config.experiment} --resume ${quoteWord(directory)}`,
    );
  }
  if (result.evaluation === undefined) {
    throw new ConfigError(
      `results: '${directory}' is a run of '${run.config.experiment}', which plays no episodes: it has no returns.`,
    );
  }
  const plays = runPlaysSchema.safeParse(result);
  if (!plays.success) throw new FormatError(`${directory}: result.json: ${z.prettifyError(plays.error)}`);
  return { directory, settings: run.config, result, plays: plays.data };
}

type Origin = Pick<LearnedResults, 'commit' | 'machine'>;

/** What is merged. */
export interface MergeOptions {
  readonly task: string;
  readonly runs: readonly FinishedRun[];
  /** Runs of other experiments on the same task. */
  readonly baselines: readonly FinishedRun[];
  /** Runs may be of different commits and machines. */
  readonly mixed: boolean;
}

/** The results of a task. Throws ConfigError for runs that do not belong together. */
export function mergeRuns({ task, runs, baselines, mixed }: MergeOptions): TaskResults {
  const learned = mergeSeeds(runs, mixed);
  const first = runs[0]!;
  const groups = new Map<string, FinishedRun[]>();
  for (const run of baselines) {
    checkSameTask(first, run);
    const { experiment } = run.settings;
    const name = run.result.steps === learned.steps ? experiment : `${experiment} at ${run.result.steps} steps`;
    groups.set(name, [...(groups.get(name) ?? []), run]);
  }
  return {
    formatVersion: resultsVersion,
    task,
    env: first.settings.env,
    ...learned,
    baselines: {
      ...fixedBaselines(runs),
      ...Object.fromEntries([...groups].map(([name, group]) => [name, mergeSeeds(group, mixed)])),
    },
  };
}

function mergeSeeds(runs: readonly FinishedRun[], mixed: boolean): LearnedResults {
  const sorted = runs.toSorted((a, b) => a.settings.seed - b.settings.seed);
  const first = sorted[0]!;
  const origin = originOf(first);
  const seeds: [string, SeedResult][] = [];
  for (const [i, run] of sorted.entries()) {
    const { seed } = run.settings;
    if (seed === sorted[i - 1]?.settings.seed) {
      throw new ConfigError(
        `results: '${sorted[i - 1]!.directory}' and '${run.directory}' are both of seed ${seed}. Name one of them.`,
      );
    }
    checkAlike(first, run, mixed);
    const { commit, machine } = originOf(run);
    const { wallSeconds, tokenizer, worldModel, phases } = run.result;
    seeds.push([
      String(seed),
      {
        ...run.plays.evaluation,
        wallSeconds,
        ...(tokenizer !== undefined && { tokenizer: { ...tokenizer } }),
        ...(worldModel !== undefined && { worldModel }),
        ...(phases !== undefined && { phases }),
        ...(commit !== origin.commit && { commit }),
        ...(machine !== origin.machine && { machine }),
      },
    ]);
  }
  const { experiment, config, command } = first.settings;
  const { backend, steps } = first.result;
  return {
    experiment,
    command,
    ...origin,
    backend,
    steps,
    config,
    seeds: Object.fromEntries(seeds),
  };
}

/** The same policies in every run: what one of them lacks is left out for its seed. */
function fixedBaselines(runs: readonly FinishedRun[]): Record<string, FixedResults> {
  const found = new Map<string, { note?: string | undefined; seeds: Record<string, Scores> }>();
  for (const { settings, plays } of runs.toSorted((a, b) => a.settings.seed - b.settings.seed)) {
    for (const [name, { note, ...scores }] of Object.entries(plays.baselines)) {
      const own = found.get(name) ?? { ...(note !== undefined && { note }), seeds: {} };
      own.seeds[settings.seed] = scores;
      found.set(name, own);
    }
  }
  return Object.fromEntries(found);
}

/** Runs of an older Tessera and those outside of a clone do not say. */
function originOf({ result: { commit = 'unknown', machine = 'unknown' } }: FinishedRun): Origin {
  return { commit, machine };
}

/** Throws ConfigError unless two runs differ in nothing but their seed. */
function checkAlike(first: FinishedRun, run: FinishedRun, mixed: boolean): void {
  const what = ({ settings, result, plays }: FinishedRun) => ({
    experiment: settings.experiment,
    env: settings.env,
    steps: result.steps,
    backend: result.backend,
    episodes: plays.evaluation.returns.length,
    config: settings.config,
  });
  checkEqual([first, run], what, 'Runs of one task differ in their seed alone.');
  if (mixed) return;
  const advice = '--mixed takes runs of different commits and machines; the file then says which seed is whose.';
  checkEqual([first, run], originOf, advice);
}

/** Throws ConfigError unless a baseline is another experiment that plays what the runs play. */
function checkSameTask(first: FinishedRun, run: FinishedRun): void {
  const { experiment } = run.settings;
  if (experiment === first.settings.experiment) {
    throw new ConfigError(
      `results: --baseline '${run.directory}' is of the same experiment as the runs, '${experiment}'.`,
    );
  }
  const what = ({ settings: { env, config }, plays }: FinishedRun) => ({
    env,
    rollouts: config['rollouts'],
    maxSteps: (config['evaluation'] as { readonly maxSteps?: unknown } | undefined)?.maxSteps,
    episodes: plays.evaluation.returns.length,
  });
  checkEqual([first, run], what, 'A baseline plays as many episodes in the same environment.');
}

function checkEqual(
  [first, run]: readonly [FinishedRun, FinishedRun],
  what: (run: FinishedRun) => unknown,
  advice: string,
): void {
  const problems = differences(what(first), what(run)).map(
    ({ path, was, is }) => `${path.join('.')}: ${shortText(was)} and ${shortText(is)}.`,
  );
  if (problems.length === 0) return;
  throw new ConfigError(
    `results: '${first.directory}' and '${run.directory}' do not belong together:\n${problems.join('\n')}\n${advice}`,
  );
}
