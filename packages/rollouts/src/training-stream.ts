// The joint training stream: chunks go into memory, and each one earns a number of updates that counters alone decide. What an update is, the caller says.

import { ConfigError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { defer, from } from 'rxjs';
import type { Observable } from 'rxjs';
import { breathe } from './breathe.ts';
import type { ChunkMemory } from './chunk-memory.ts';
import { chunkSteps } from './chunk.ts';
import type { Chunk, ChunkMetadata } from './chunk.ts';
import { holdOutEvery } from './held-out.ts';
import { pullMap } from './pull-map.ts';
import type { PullSource } from './pull-map.ts';
import { checkWhole, describeValue, rejectUnknownKeys } from './settings.ts';

/** What an update is told beside its frames. */
export interface TrainContext {
  /** Number of this update, from 0. */
  readonly update: number;
  /** Environment steps taken so far. */
  readonly envSteps: number;
  /** The newest chunk. */
  readonly chunk: Chunk;
  /** Aborted when the result is no longer wanted. */
  readonly signal: AbortSignal;
}

interface TrainingBase<T> {
  readonly chunks: PullSource<Chunk>;
  /** Where training chunks go and batches come from. */
  readonly memory: ChunkMemory;
  /** Draws the batches. */
  readonly generator: Generator;
  /** Frames in a batch. */
  readonly batchSize: number;
  /** Environment steps before the first update; these earn none. Default 0. */
  readonly warmupSteps?: number;
  /** Keeps one chunk in `every` out of training, in a memory of its own. */
  readonly heldOut?: { readonly every: number; readonly memory: ChunkMemory } | undefined;
  /** One update on `frames`, `uint8 [batchSize, height, width, channels]`, which are its own to keep. */
  readonly train: (frames: NdArray<'uint8'>, context: TrainContext) => T | Promise<T>;
  /** Ends the stream with a `CancelledError`. */
  readonly signal?: AbortSignal | undefined;
}

/** How much is learned from how much experience: exactly one of the two. */
export type TrainingPace =
  | {
      /** Updates for each chunk; a fraction adds up over chunks. */
      readonly updatesPerChunk: number;
      readonly trainRatio?: undefined;
    }
  | {
      /** Frames trained on for each environment step, `updates * batchSize / envSteps` (the train ratio of DreamerV3). */
      readonly trainRatio: number;
      readonly updatesPerChunk?: undefined;
    };

export type TrainingOptions<T> = TrainingBase<T> & TrainingPace;

/** Progress of training. A chunk's event comes before those of the updates that it earned. */
export type TrainingEvent<T> =
  | {
      readonly kind: 'chunk';
      readonly envSteps: number;
      readonly updates: number;
      readonly chunk: ChunkMetadata;
      /** Steps of this chunk. */
      readonly steps: number;
      readonly heldOut: boolean;
    }
  | {
      readonly kind: 'update';
      readonly envSteps: number;
      /** Updates done, this one included. */
      readonly updates: number;
      readonly chunk: ChunkMetadata;
      /** What `train` returned. */
      readonly result: T;
    };

const knownOptions = [
  'chunks',
  'memory',
  'generator',
  'batchSize',
  'warmupSteps',
  'heldOut',
  'train',
  'signal',
  'updatesPerChunk',
  'trainRatio',
];

/**
 * Trains while chunks stream in: each chunk is pulled, put into memory, and followed by the updates it has earned, one after another.
 *
 * _While the learner learns, the environments fill the room they have, and no more._
 *
 * 1. The next chunk is asked for when the updates of the last one are done: a slow learner slows the environments down.
 * 2. After `envSteps` steps in `chunks` chunks, the updates done are `floor(chunks * updatesPerChunk)` or `floor(envSteps * trainRatio / batchSize)`, both
 *    counted from the end of the warm-up: a function of counters, so the same in every run; no update is left over, and none comes early.
 * 3. Held-out chunks are counted like others and go to `heldOut.memory`; their frames are never in a batch.
 * 4. An error of the source or of `train` is passed on and closes the source. The signal, unsubscribing and `take(n)` end the stream at once: no update
 *    begins any more, and one that is running asynchronously ends unheard (its `signal` is aborted).
 * 5. Each subscription opens the source anew, but memory and generator are the caller's: subscribe once.
 *
 * Throws ConfigError for bad options.
 */
export function trainingStream<T>(options: TrainingOptions<T>): Observable<TrainingEvent<T>> {
  rejectUnknownKeys(options, knownOptions, 'trainingStream');
  const { chunks, memory, generator, batchSize, warmupSteps = 0, heldOut, train, signal } = options;
  checkWhole({ batchSize }, 1, 'trainingStream');
  checkWhole({ warmupSteps }, 0, 'trainingStream');
  const updatesEarned = paceOf(options);
  const isHeldOut = heldOut === undefined ? () => false : holdOutEvery(heldOut.every);

  return defer(() => {
    let envSteps = 0;
    let paidSteps = 0;
    let paidChunks = 0;
    let updates = 0;

    async function* learnFrom(chunk: Chunk, aborted: AbortSignal): AsyncGenerator<TrainingEvent<T>, void, undefined> {
      const steps = chunkSteps(chunk);
      const held = isHeldOut(chunk.metadata);
      (held ? heldOut!.memory : memory).add(chunk);
      envSteps += steps;
      if (envSteps > warmupSteps) {
        paidSteps = envSteps - warmupSteps;
        paidChunks++;
      }
      yield { kind: 'chunk', envSteps, updates, chunk: chunk.metadata, steps, heldOut: held };
      const earned = updatesEarned(paidChunks, paidSteps);
      while (updates < earned) {
        await breathe();
        if (aborted.aborted) return;
        const frames = memory.sampleFrames(generator, batchSize);
        const result = await train(frames, { update: updates, envSteps, chunk, signal: aborted });
        updates++;
        yield { kind: 'update', envSteps, updates, chunk: chunk.metadata, result };
      }
    }

    return pullMap(chunks, (chunk, context) => from(learnFrom(chunk, context.signal)), { signal });
  });
}

/** The number of updates earned by so many chunks and steps. */
function paceOf(options: TrainingPace & { readonly batchSize: number }): (chunks: number, steps: number) => number {
  const { updatesPerChunk, trainRatio, batchSize } = options;
  if ((updatesPerChunk === undefined) === (trainRatio === undefined)) {
    const got = `updatesPerChunk ${describeValue(updatesPerChunk)} and trainRatio ${describeValue(trainRatio)}`;
    throw new ConfigError(`trainingStream: expected one of updatesPerChunk and trainRatio, got ${got}.`);
  }
  const pace = updatesPerChunk ?? trainRatio!;
  if (!Number.isFinite(pace) || pace < 0) {
    const name = updatesPerChunk === undefined ? 'trainRatio' : 'updatesPerChunk';
    throw new ConfigError(`trainingStream: expected ${name} to be a finite number >= 0, got ${describeValue(pace)}.`);
  }
  if (updatesPerChunk !== undefined) return (chunks) => Math.floor(chunks * updatesPerChunk);
  return (_chunks, steps) => Math.floor((steps * pace) / batchSize);
}
