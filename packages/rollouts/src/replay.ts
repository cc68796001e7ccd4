// Everything an agent has lived through, as far as it fits: append-only shards, capped in bytes, oldest out first, drawn from with an explicit generator
// (experience replay: Lin, 1992). Its index is in memory, its frames are in the store behind a cache. A checkpoint notes four numbers, and no shard is
// removed before a checkpoint that needs it no longer has been written.

import { ConfigError, FormatError, TesseraError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { chunkSteps } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { decodeChunkFile, encodeChunkFile } from './chunk-file.ts';
import { FrameCache } from './frame-cache.ts';
import { checkRecency } from './recency.ts';
import type { Recency } from './recency.ts';
import { ReplayIndex } from './replay-index.ts';
import type { ReplayChunk, StepReference } from './replay-index.ts';
import { parseReplayState, replayStateVersion } from './replay-state.ts';
import type { ReplayState } from './replay-state.ts';
import { checkWhole, rejectUnknownKeys } from './settings.ts';
import type { ShardStore } from './shard-store.ts';

export interface ReplayOptions {
  /** Bytes of the shards held at most; the oldest go first. */
  readonly maxBytes: number;
  /** Bytes of frames in memory at most; default 512 MiB. Never changes a result. */
  readonly cacheBytes?: number;
}

interface Shard {
  readonly number: number;
  readonly bytes: number;
  readonly chunks: number;
}

/** Where the frames of a chunk are. */
interface Place {
  readonly shard: number;
  readonly firstChunkId: number;
}

/**
 * Append-only chunks, drawn from uniformly or with more of what is new.
 *
 * 1. Each `append` is one shard, there complete or not at all. When it fails, nothing has changed.
 * 2. Then whole oldest shards leave until everything fits into `maxBytes`. Their files stay until `commit`: the last checkpoint still needs them.
 * 3. `resume` with the state from a checkpoint gives the replay of that moment: what was appended later is removed, so nothing is there twice.
 *
 * Calls may overlap; they are worked off in order.
 */
export class Replay {
  readonly maxBytes: number;
  readonly #store: ShardStore;
  readonly #index: ReplayIndex;
  readonly #cache: FrameCache;
  /** The shards held, oldest first. */
  readonly #shards: Shard[] = [];
  readonly #places = new WeakMap<ReplayChunk, Place>();
  #nextShard: number;
  /** The oldest shard that is in the store. */
  #firstStored: number;
  #bytes = 0;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(store: ShardStore, options: Required<ReplayOptions>, state: ReplayState) {
    this.#store = store;
    this.maxBytes = options.maxBytes;
    this.#cache = new FrameCache(options.cacheBytes);
    this.#index = new ReplayIndex({ firstId: state.firstChunkId });
    this.#nextShard = state.firstShard;
    this.#firstStored = state.firstShard;
  }

  /** A replay in an empty store. Throws ConfigError for bad options and for a store that is not empty. */
  static async create(store: ShardStore, options: ReplayOptions): Promise<Replay> {
    const checked = checkOptions(options, 'Replay.create');
    const [shard] = await store.list();
    if (shard !== undefined) {
      throw new ConfigError(
        `Replay.create: expected an empty store, but there is '${store.describe(shard)}'. Go on with Replay.resume, or choose another place.`,
      );
    }
    return new Replay(store, checked, {
      formatVersion: replayStateVersion,
      firstShard: 0,
      nextShard: 0,
      firstChunkId: 0,
    });
  }

  /**
   * The replay that gave `state`. Shards of the state are read and checked; then those before and after it are removed.
   *
   * Throws FormatError that names the shard when one is missing, damaged, or does not belong where it is; nothing is removed then. ConfigError when
   * `maxBytes` is too small for the newest shard.
   */
  static async resume(store: ShardStore, state: ReplayState, options: ReplayOptions): Promise<Replay> {
    const where = 'Replay.resume';
    const checked = checkOptions(options, where);
    const { nextShard, ...first } = parseReplayState(state, where);
    const stored = (await store.list()).toSorted((a, b) => a - b);
    const there = new Set(stored);
    const replay = new Replay(store, checked, { nextShard, ...first });
    for (let shard = first.firstShard; shard < nextShard; shard++) {
      if (!there.has(shard)) {
        throw new FormatError(
          `${where}: '${store.describe(shard)}' is missing. The checkpoint needs the shards ${first.firstShard} to ${nextShard - 1}.`,
        );
      }
      const bytes = await store.read(shard);
      const chunks = replay.#decode(shard, bytes, replay.#index.nextId);
      replay.#checkFollows(chunks, store.describe(shard));
      replay.#checkFits(bytes.length, where, `'${store.describe(shard)}'`);
      replay.#add(chunks, bytes.length);
    }
    replay.#evict();
    for (const shard of stored.toReversed()) {
      if (shard < first.firstShard || shard >= nextShard) await store.remove(shard);
    }
    return replay;
  }

  /** Steps held. */
  get steps(): number {
    return this.#index.steps;
  }

  /** Bytes of the shards held; never more than `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The number of the next shard. */
  get nextShard(): number {
    return this.#nextShard;
  }

  /** The oldest shard held. */
  get firstShard(): number {
    return this.#nextShard - this.#shards.length;
  }

  /** `[height, width, channels]`; undefined before the first chunk. */
  get frameShape(): readonly number[] | undefined {
    return this.#index.frameShape;
  }

  /**
   * Writes chunks as the newest shard, then lets the oldest shards go until everything fits. No chunks, no shard. The frames may be held, not copied: leave
   * them as they are.
   *
   * Throws what `validateChunk` throws, ShapeError for frames unlike those held, ConfigError for chunks that are not newer than those of their environment
   * and for more than `maxBytes` at once, and the store's own errors. Nothing has changed then.
   */
  append(chunks: readonly Chunk[]): Promise<void> {
    return this.#enqueue(async () => {
      if (chunks.length === 0) return;
      const where = 'Replay.append';
      const bytes = encodeChunkFile(chunks, { firstChunkId: this.#index.nextId, where });
      this.#index.check(chunks, where);
      this.#checkFits(bytes.length, where, `a shard of ${chunks.length} chunks`);
      await this.#store.write(this.#nextShard, bytes);
      this.#add(chunks, bytes.length);
      this.#evict();
    });
  }

  /** The chunks held, oldest first. */
  chunks(): Iterable<ReplayChunk> {
    return this.#index.chunks.slice();
  }

  /** Throws ConfigError when no chunk of this id is held. */
  chunk(id: number): ReplayChunk {
    const chunk = this.#index.at(id);
    if (chunk !== undefined) return chunk;
    const { firstId, nextId } = this.#index;
    const held = firstId === nextId ? 'it is empty' : `it holds ${firstId} to ${nextId - 1}`;
    throw new ConfigError(`Replay.chunk: there is no chunk ${id}; ${held}.`);
  }

  /**
   * The frames of a chunk, `uint8 [T + 1, H, W, C]`, from memory or from the store; not to be changed.
   *
   * Throws ConfigError for a chunk of another replay or one whose shard was removed, FormatError that names the shard when it has changed, and the store's errors.
   */
  async frames(chunk: ReplayChunk): Promise<NdArray<'uint8'>> {
    const place = this.#places.get(chunk);
    if (place === undefined) throw new ConfigError('Replay.frames: expected a chunk of this replay, got another.');
    return this.#cache.get(chunk.id) ?? this.#enqueue(() => this.#readFrames(chunk, place));
  }

  /**
   * Draws `count` steps with replacement among those whose `context` frames up to their own are held or begin with their episode: uniformly, one `integers`
   * draw each, or with `recency` newer ones more often, one `random` each. So the result is a function of the generator's state and of what is held.
   *
   * Throws ConfigError when there is no such step.
   */
  sampleSteps(
    generator: Generator,
    count: number,
    options: { readonly context?: number; readonly recency?: Recency | undefined } = {},
  ): StepReference[] {
    rejectUnknownKeys(options, ['context', 'recency'], 'sampleSteps');
    const { context = 1, recency } = options;
    checkWhole({ count, context }, 1, 'sampleSteps');
    if (recency !== undefined) checkRecency(recency, 'sampleSteps');
    const candidates = this.#index.candidateCount(context);
    if (candidates === 0) {
      const why = this.steps === 0 ? 'the replay is empty' : `no step held has its ${context} frames`;
      throw new ConfigError(`sampleSteps: ${why}. Append chunks before sampling.`);
    }
    return Array.from({ length: count }, () =>
      recency === undefined
        ? this.#index.candidate(generator.integers(candidates), context)
        : this.#index.recentCandidate(generator.random(), { context, recency }),
    );
  }

  /** Which shards are held, plain JSON: all that a checkpoint needs. */
  getState(): ReplayState {
    return {
      formatVersion: replayStateVersion,
      firstShard: this.firstShard,
      nextShard: this.#nextShard,
      firstChunkId: this.#index.firstId,
    };
  }

  /**
   * Removes shards that have left the replay from the store. To be called when a checkpoint is safely written, with the state that is in it (default: the
   * present one); when several are kept, with the oldest. Throws the store's errors; what was not removed is by the next call.
   */
  commit(saved: ReplayState = this.getState()): Promise<void> {
    const { firstShard } = parseReplayState(saved, 'Replay.commit');
    return this.#enqueue(async () => {
      while (this.#firstStored < Math.min(firstShard, this.firstShard)) {
        await this.#store.remove(this.#firstStored);
        this.#firstStored++;
      }
    });
  }

  #add(chunks: readonly Chunk[], bytes: number): void {
    const place = { shard: this.#nextShard, firstChunkId: this.#index.nextId };
    for (const [index, held] of this.#index.add(chunks).entries()) {
      this.#places.set(held, place);
      this.#cache.add(held.id, chunks[index]!.frames);
    }
    this.#shards.push({ number: this.#nextShard++, bytes, chunks: chunks.length });
    this.#bytes += bytes;
  }

  #evict(): void {
    while (this.#bytes > this.maxBytes) {
      const { bytes, chunks } = this.#shards.shift()!;
      for (let id = this.#index.firstId, end = id + chunks; id < end; id++) this.#cache.delete(id);
      this.#index.evict(chunks);
      this.#bytes -= bytes;
    }
  }

  async #readFrames(chunk: ReplayChunk, { shard, firstChunkId }: Place): Promise<NdArray<'uint8'>> {
    const cached = this.#cache.get(chunk.id);
    if (cached !== undefined) return cached;
    if (shard < this.#firstStored) {
      throw new ConfigError(`Replay.frames: chunk ${chunk.id} has left the replay, and its shard was removed.`);
    }
    const chunks = this.#decode(shard, await this.#store.read(shard), firstChunkId);
    const read = chunks[chunk.id - firstChunkId];
    if (read === undefined || !isSame(read, chunk)) {
      throw new FormatError(
        `Replay.frames: '${this.#store.describe(shard)}' has changed: chunk ${chunk.id} is not the one that was written. Resume from a checkpoint whose shards are whole.`,
      );
    }
    if (this.#index.at(chunk.id) === undefined) return read.frames;
    const held = chunks.map((other, index) => ({ id: firstChunkId + index, frames: other.frames }));
    const bytes = held.reduce((sum, { frames }) => sum + frames.data.byteLength, 0);
    // Neighbours are drawn as often as the chunk itself, unless they would only push each other out.
    if (bytes <= this.#cache.maxBytes) for (const { id, frames } of held) this.#cache.add(id, frames);
    this.#cache.add(chunk.id, read.frames);
    return read.frames;
  }

  /** The chunks of a shard, checked to be the ones that belong there. Throws FormatError that names it. */
  #decode(shard: number, bytes: Uint8Array, expectedId: number): Chunk[] {
    const source = this.#store.describe(shard);
    const { chunks, firstChunkId } = decodeChunkFile(bytes, { source });
    if (firstChunkId !== expectedId) {
      throw new FormatError(
        `Replay: expected '${source}' to begin with chunk ${expectedId}, got ${firstChunkId === undefined ? 'a file of no replay' : `chunk ${firstChunkId}`}. Was it copied or renamed?`,
      );
    }
    return chunks;
  }

  #checkFollows(chunks: readonly Chunk[], source: string): void {
    try {
      this.#index.check(chunks, `Replay.resume: '${source}'`);
    } catch (error) {
      if (error instanceof TesseraError) throw new FormatError(error.message, { cause: error });
      throw error;
    }
  }

  #checkFits(bytes: number, where: string, what: string): void {
    if (bytes > this.maxBytes) {
      throw new ConfigError(
        `${where}: ${what} has ${bytes} bytes and does not fit into maxBytes ${this.maxBytes}. Raise maxBytes, or append fewer chunks at once.`,
      );
    }
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#work.then(task);
    this.#work = done.catch(() => undefined);
    return done;
  }
}

function checkOptions(options: ReplayOptions, where: string): Required<ReplayOptions> {
  rejectUnknownKeys(options, ['maxBytes', 'cacheBytes'], where);
  const { maxBytes, cacheBytes = 2 ** 29 } = options;
  checkWhole({ maxBytes }, 1, where);
  checkWhole({ cacheBytes }, 0, where);
  return { maxBytes, cacheBytes };
}

/** Whether a chunk read again is the one in the index. */
function isSame(read: Chunk, held: ReplayChunk): boolean {
  const { actions, executedActions, metadata } = read;
  return (
    chunkSteps(read) === held.steps &&
    JSON.stringify(metadata) === JSON.stringify(held.metadata) &&
    actions.data.every((action, step) => action === held.actions[step]) &&
    executedActions.data.every((action, step) => action === held.executedActions[step])
  );
}
