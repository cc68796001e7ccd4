// What a checkpoint of an agent run holds beside the trainer's own state, and how it is written and read.
import { planRound } from '@tessera/agent';
import type { AgentTrainer, TrainerState } from '@tessera/agent';
import { FormatError } from '@tessera/core';
import type { BackendName } from '@tessera/engine';
import type { Replay } from '@tessera/rollouts';
import type { Checkpoint, RunFolder } from '@tessera/runs';
import { isStreaming, isTrainable } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';
import type { RoundMetrics, RoundSums } from './round-metrics.ts';

const name = 'agent';

/** What is saved with the trainer. */
export interface RunProgress {
  readonly trainer: AgentTrainer;
  readonly replay: Replay;
  readonly metrics: RoundMetrics;
  /** Seconds of work, earlier sessions included. */
  readonly wallSeconds: number;
  /** What computes: another back end rounds differently. */
  readonly backend: BackendName;
}

/** A checkpoint as it was read. */
export interface SavedProgress {
  /** Where it is. */
  readonly directory: string;
  readonly trainer: TrainerState;
  readonly metrics: RoundSums;
  readonly metricsLines: number;
  readonly wallSeconds: number;
  readonly backend: BackendName;
}

/** Writes a checkpoint; once it is safe, shards that only older ones needed are removed. */
export async function saveProgress(
  run: RunFolder,
  { trainer, replay, metrics, wallSeconds, backend }: RunProgress,
): Promise<void> {
  const { tensors, meta } = trainer.state();
  const metricsLines = await run.metricsLines();
  await run.writeCheckpoint(name, tensors, {
    trainer: meta,
    metrics: metrics.state(),
    metricsLines,
    wallSeconds,
    backend,
  });
  await replay.commit();
}

/** Reads the newest checkpoint. Throws FileError where there is none, FormatError for a damaged one or one of another kind of run. */
export async function readProgress(run: RunFolder): Promise<SavedProgress> {
  const checkpoint = await run.readCheckpoint();
  const { meta } = checkpoint;
  const { trainer, metrics, metricsLines, wallSeconds, backend } = meta;
  if (
    checkpoint.name !== name ||
    !isObject(trainer) ||
    !isObject(metrics) ||
    !Number.isSafeInteger(metricsLines) ||
    typeof wallSeconds !== 'number' ||
    typeof backend !== 'string'
  ) {
    throw new FormatError(`${checkpoint.directory}: is no checkpoint of an agent run.`);
  }
  return {
    directory: checkpoint.directory,
    trainer: { tensors: checkpoint.tensors, meta: checkTrainer(trainer, checkpoint) },
    metrics: metrics as RoundSums,
    metricsLines: metricsLines as number,
    wallSeconds,
    backend: backend as BackendName,
  };
}

/**
 * Gives a trainer what was saved of it. Throws FormatError that names the checkpoint when that does not fit the run, or has a tensor too many or too few.
 */
export function restoreTrainer(
  { trainer, tokenizer }: { readonly trainer: AgentTrainer; readonly tokenizer: Tokenizer },
  { directory, trainer: saved }: SavedProgress,
): void {
  const refuse = (problem: string, cause?: unknown): FormatError =>
    new FormatError(`${directory}: does not fit the run: ${problem}`, { cause });
  try {
    trainer.loadState(saved);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  const { round, roundStart: startSteps, item, tokenizerRestsSince } = trainer.counters;
  const plan = planRound(trainer.config, { round, startSteps, trainable: isTrainable(tokenizer), tokenizerRestsSince });
  if (item >= plan.length) throw refuse(`it says that ${item} items of a round of ${plan.length} are done.`);
  const taken = trainer.state().tensors;
  for (const [name, { shape }] of Object.entries(saved.tensors)) {
    const own = taken[name];
    if (own === undefined) throw refuse(`nothing has use for its tensor '${name}'.`);
    if (String(own.shape) !== String(shape)) {
      throw refuse(`'${name}' is of shape [${own.shape.join(', ')}], got [${shape.join(', ')}].`);
    }
  }
}

/** Gives a tokenizer of one's own what it had learned by the newest checkpoint. Throws FormatError when that does not fit it. */
export async function restoreTokenizer(run: RunFolder, tokenizer: Tokenizer): Promise<void> {
  if (!isTrainable(tokenizer) && !isStreaming(tokenizer)) return;
  const { tensors, directory } = await run.readCheckpoint();
  const prefix = 'tokenizer.';
  const own = Object.entries(tensors).filter(([key]) => key.startsWith(prefix));
  try {
    tokenizer.loadState(Object.fromEntries(own.map(([key, array]) => [key.slice(prefix.length), array])));
  } catch (cause) {
    throw new FormatError(`${directory}: does not fit the tokenizer: ${String((cause as Error).message)}`, { cause });
  }
}

function checkTrainer(trainer: Record<string, unknown>, { directory }: Checkpoint): TrainerState['meta'] {
  const { returns } = trainer;
  if (!Array.isArray(returns) || !returns.every((value) => typeof value === 'number')) {
    throw new FormatError(`${directory}: the checkpoint has no 'returns'.`);
  }
  for (const key of ['counters', 'generators', 'tokenizerGenerators', 'rollouts', 'replay', 'phases']) {
    if (!isObject(trainer[key])) throw new FormatError(`${directory}: the checkpoint has no '${key}'.`);
  }
  return trainer as unknown as TrainerState['meta'];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
