// One run of the study: a folder of its own in which `tessera train breakout` works. What has ended is read, what was interrupted goes on.
import { basename, join } from 'node:path';
import { FormatError, WorkerError } from '@tessera/core';
import { listRuns, RunFolder } from '@tessera/runs';
import type { RunResult } from '@tessera/runs';
import { quoteWord } from '../quote-word.ts';
import { readFinishedRun } from '../results/merge.ts';
import type { FinishedRun } from '../results/merge.ts';
import type { RunPlays, Scores } from '../results/schema.ts';
import { isFinished } from '../resume.ts';
import type { ChildRequest, RunChild } from './child.ts';
import type { Variant } from './variants.ts';

/** A run that is to be made. */
export interface AgentWork {
  readonly variant: Variant;
  readonly seed: number;
  /** Holds its run folder. */
  readonly root: string;
  /** After `tessera train breakout`: what starts it, without `--runs`. */
  readonly words: readonly string[];
  readonly backend: string | undefined;
}

/** What is known of a run that has ended. */
export interface AgentUnit {
  readonly variant: string;
  readonly group: string;
  readonly against: string;
  readonly seed: number;
  /** The run folder's name, in the folder `runs/VARIANT-sSEED` of the study. */
  readonly run: string;
  readonly command: string;
  /** Actions drawn from the policy, and the most likely ones. */
  readonly drawn: Scores;
  readonly greedy: Scores;
  readonly baselines: RunPlays['baselines'];
  readonly result: Pick<
    RunResult,
    'steps' | 'wallSeconds' | 'backend' | 'commit' | 'machine' | 'worldModel' | 'tokenizer' | 'phases'
  >;
}

/** As people call a run. */
export const labelOf = ({ variant, seed }: Pick<AgentWork, 'variant' | 'seed'>): string =>
  `${variant.name}, seed ${seed}`;

/** The run of `work` if it has ended. Throws what is wrong with its files. */
export async function readUnit(work: AgentWork): Promise<AgentUnit | undefined> {
  const directory = await newestRun(work.root);
  if (directory === undefined) return undefined;
  const run = await RunFolder.open(directory);
  if (!(await isFinished(run, { steps: run.config.config['steps'] as number }))) return undefined;
  return unitOf(work, await readFinishedRun(directory));
}

/**
 * Begins the run of `work`, or goes on with it, and reads it; undefined when `signal` was aborted before its end. Throws WorkerError where the child fails.
 */
export async function runUnit(
  work: AgentWork,
  { runChild, variables, signal }: { readonly runChild: RunChild } & Pick<ChildRequest, 'variables' | 'signal'>,
): Promise<AgentUnit | undefined> {
  const { root, backend } = work;
  const begun = await newestRun(root);
  const words = [
    'train',
    'breakout',
    ...(begun === undefined ? [...work.words, '--runs', root] : ['--resume', begun]),
    ...(backend === undefined ? [] : ['--backend', backend]),
  ];
  const { code, said } = await runChild({ words, variables, signal });
  if (code === 0) {
    const unit = await readUnit(work);
    if (unit !== undefined) return unit;
  }
  if (signal.aborted) return undefined;
  const how = typeof code === 'number' ? `with code ${code}` : `by ${code}`;
  const command = ['tessera', ...words].map(quoteWord).join(' ');
  throw new WorkerError(
    `${labelOf(work)}: the run ended ${how}${code === 0 ? ' and left no result' : ''}. ${said === '' ? 'It said nothing.' : `The end of what it said:\n${said.replaceAll(/^/gm, '  ')}`}\nIts command: ${command}`,
  );
}

/** The newest run in `root` that says what it is. */
async function newestRun(root: string): Promise<string | undefined> {
  return (await listRuns(root)).findLast(({ config }) => config !== undefined)?.directory;
}

function unitOf({ variant, seed }: AgentWork, { directory, settings, result, plays }: FinishedRun): AgentUnit {
  const { policy } = plays.evaluation;
  const play = (kind: typeof policy): Scores => {
    const scores = policy === kind ? plays.evaluation : plays.evaluation[kind];
    if (scores === undefined)
      throw new FormatError(`${join(directory, 'result.json')}: evaluation.${kind} is missing.`);
    const { meanReturn, standardError, meanLength, truncated, returns } = scores;
    return { meanReturn, standardError, meanLength, truncated, returns };
  };
  const { steps, wallSeconds, backend, commit, machine, worldModel, tokenizer, phases } = result;
  return {
    variant: variant.name,
    group: variant.group,
    against: variant.against ?? 'default',
    seed,
    run: basename(directory),
    command: settings.command,
    drawn: play('sampled'),
    greedy: play('greedy'),
    baselines: plays.baselines,
    result: { steps, wallSeconds, backend, commit, machine, worldModel, tokenizer, phases },
  };
}
