// What a checkpoint of an agent run holds beside the trainer's own state, and how it is written and read.
import type { AgentTrainer, TrainerState } from '@tessera/agent';
import { FormatError } from '@tessera/core';
import type { BackendName } from '@tessera/engine';
import type { Replay } from '@tessera/rollouts';
import type { Checkpoint, RunFolder } from '@tessera/runs';
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
    trainer: { tensors: checkpoint.tensors, meta: checkTrainer(trainer, checkpoint) },
    metrics: metrics as RoundSums,
    metricsLines: metricsLines as number,
    wallSeconds,
    backend: backend as BackendName,
  };
}

function checkTrainer(trainer: Record<string, unknown>, { directory }: Checkpoint): TrainerState['meta'] {
  for (const key of ['counters', 'generators', 'tokenizerGenerators', 'rollouts', 'replay', 'phases']) {
    if (!isObject(trainer[key])) throw new FormatError(`${directory}: the checkpoint has no '${key}'.`);
  }
  return trainer as unknown as TrainerState['meta'];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
