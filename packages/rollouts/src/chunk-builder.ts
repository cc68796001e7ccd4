// Collects the steps of one environment into chunks. It copies each frame once, into the memory that will travel.

import { InternalError, ndarray } from '@tessera/core';
import { chunkFormatVersion, defaultChunkLength, truncateChunk } from './chunk.ts';
import type { Chunk, ChunkMetadata } from './chunk.ts';

export interface ChunkBuilderOptions {
  readonly envId: string;
  readonly envIndex: number;
  readonly seed: number;
  /** `[height, width, channels]`. */
  readonly frameShape: readonly number[];
  /** Most steps in a chunk, `T`; default 64. */
  readonly chunkLength?: number;
}

/** Where a builder stands between two chunks. Plain JSON. */
export interface ChunkBuilderState {
  /** Number of the next chunk. */
  readonly sequence: number;
  /** Episode of the last row; -1 before the first. */
  readonly episode: number;
  readonly stepsOfEpisode: number;
  /** Whether that episode has ended. */
  readonly ended: boolean;
}

/** What one step of an environment gave. `frame` is copied, so an environment may use one buffer for ever. */
export interface ChunkRow {
  readonly action: number;
  /** What the environment did instead, where it says so; default `action`. */
  readonly executedAction?: number;
  readonly reward: number;
  readonly frame: Uint8Array;
  readonly terminated: boolean;
  readonly truncated: boolean;
}

/**
 * Builds the chunks of one environment: `begin`, then `add` until `isComplete`, then `finish`, and so on.
 *
 * It counts episodes, steps and chunks, so that metadata is a function of what was added. Calls out of turn throw InternalError.
 */
export class ChunkBuilder {
  readonly #options: Required<ChunkBuilderOptions>;
  readonly #frameSize: number;
  #chunk: Chunk | undefined;
  #length = 0;
  #sequence = 0;
  #episode = -1;
  #stepsOfEpisode = 0;
  #ended = true;

  constructor(options: ChunkBuilderOptions) {
    this.#options = { chunkLength: defaultChunkLength, ...options };
    this.#frameSize = options.frameShape.reduce((product, size) => product * size, 1);
  }

  /** Episode of the environment, from 0; -1 before the first. */
  get episode(): number {
    return this.#episode;
  }

  /** Steps taken in the present episode. */
  get stepsOfEpisode(): number {
    return this.#stepsOfEpisode;
  }

  /** Number of the chunk being built, or of the next one. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether the episode of the last row has ended, so that the next chunk begins with the frame that `reset` returns. */
  get needsReset(): boolean {
    return this.#ended;
  }

  /** Whether a chunk was begun and not finished. */
  get isOpen(): boolean {
    return this.#chunk !== undefined;
  }

  /** Whether the chunk is full or its episode has ended. */
  get isComplete(): boolean {
    return (
      this.#chunk !== undefined && (this.#length === this.#options.chunkLength || (this.#ended && this.#length > 0))
    );
  }

  /** Starts a chunk at `frame`: what `reset` returned when `needsReset`, else the last frame of the chunk before. */
  begin(frame: Uint8Array, options: { readonly policyVersion: number }): void {
    if (this.#chunk !== undefined) throw new InternalError('ChunkBuilder.begin: the chunk before was not finished.');
    if (this.#ended) {
      this.#episode++;
      this.#stepsOfEpisode = 0;
      this.#ended = false;
    }
    const { chunkLength, frameShape, envId, envIndex, seed } = this.#options;
    const metadata: ChunkMetadata = {
      formatVersion: chunkFormatVersion,
      envId,
      envIndex,
      seed,
      episode: this.#episode,
      firstStep: this.#stepsOfEpisode,
      policyVersion: options.policyVersion,
      sequence: this.#sequence,
    };
    this.#length = 0;
    this.#chunk = {
      frames: ndarray('uint8', [chunkLength + 1, ...frameShape]),
      actions: ndarray('int32', [chunkLength]),
      executedActions: ndarray('int32', [chunkLength]),
      rewards: ndarray('float32', [chunkLength]),
      terminated: ndarray('uint8', [chunkLength]),
      truncated: ndarray('uint8', [chunkLength]),
      metadata,
    };
    this.#chunk.frames.data.set(frame, 0);
  }

  add(row: ChunkRow): void {
    if (this.#chunk === undefined || this.isComplete)
      throw new InternalError('ChunkBuilder.add: there is no open chunk.');
    const { action, executedAction = action, reward, frame, terminated, truncated } = row;
    const step = this.#length++;
    this.#chunk.actions.data[step] = action;
    this.#chunk.executedActions.data[step] = executedAction;
    this.#chunk.rewards.data[step] = reward;
    this.#chunk.terminated.data[step] = terminated ? 1 : 0;
    this.#chunk.truncated.data[step] = truncated ? 1 : 0;
    this.#chunk.frames.data.set(frame, (step + 1) * this.#frameSize);
    this.#stepsOfEpisode++;
    this.#ended = terminated || truncated;
  }

  /** The rows added since `begin`, as a chunk in buffers of its own that may be transferred; `isComplete` need not be true. */
  finish(): Chunk {
    if (this.#chunk === undefined || this.#length === 0) {
      throw new InternalError('ChunkBuilder.finish: there is no row to put into a chunk.');
    }
    const chunk = truncateChunk(this.#chunk, this.#length);
    this.#chunk = undefined;
    this.#sequence++;
    return chunk;
  }

  /** The counters. Throws InternalError while a chunk is open: rows that are in no chunk yet would be lost. */
  getState(): ChunkBuilderState {
    if (this.#chunk !== undefined) throw new InternalError('ChunkBuilder.getState: a chunk is open.');
    return {
      sequence: this.#sequence,
      episode: this.#episode,
      stepsOfEpisode: this.#stepsOfEpisode,
      ended: this.#ended,
    };
  }

  /** Goes on from counters that `getState` gave; an open chunk is dropped. */
  setState(state: ChunkBuilderState): void {
    this.#chunk = undefined;
    this.#length = 0;
    this.#sequence = state.sequence;
    this.#episode = state.episode;
    this.#stepsOfEpisode = state.stepsOfEpisode;
    this.#ended = state.ended;
  }
}
