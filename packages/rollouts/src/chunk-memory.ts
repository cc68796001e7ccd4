// Chunks in memory, capped in bytes, oldest out first, and uniform samples of their frames: the whole replay of a tokenizer that trains while frames stream in.

import { ConfigError, InternalError, ndarray, ShapeError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { chunkBytes, chunkSteps, endsEpisode } from './chunk.ts';
import type { Chunk } from './chunk.ts';
import { checkWhole } from './settings.ts';

export interface ChunkMemoryOptions {
  /** Bytes of the chunks held at most; the oldest go first. */
  readonly maxBytes: number;
}

interface Entry {
  readonly chunk: Chunk;
  readonly bytes: number;
  /** Frames of this chunk that are its own. */
  readonly frames: number;
  /** Number of its first frame among all frames ever added. */
  readonly firstFrame: number;
}

/**
 * Holds the newest chunks that fit into `maxBytes` and draws batches of their frames.
 *
 * The last frame of a chunk whose episode goes on is the first of the chunk that follows it, so it is left to that one: each frame is counted once.
 * Chunks are held, not copied.
 */
export class ChunkMemory {
  readonly maxBytes: number;
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #framesAdded = 0;
  #frameShape: readonly number[] | undefined;

  /** Throws ConfigError unless `maxBytes` is a whole number > 0. */
  constructor(options: ChunkMemoryOptions) {
    checkWhole({ maxBytes: options.maxBytes }, 1, 'ChunkMemory');
    this.maxBytes = options.maxBytes;
  }

  /** Bytes held; never more than `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Frames held, each counted once. */
  get frameCount(): number {
    return this.#framesAdded - (this.#entries[0]?.firstFrame ?? this.#framesAdded);
  }

  /** Chunks held, oldest first. */
  get chunks(): readonly Chunk[] {
    return this.#entries.map(({ chunk }) => chunk);
  }

  /** `[height, width, channels]` of every frame; undefined before the first chunk. */
  get frameShape(): readonly number[] | undefined {
    return this.#frameShape;
  }

  /**
   * Adds a chunk as the newest and lets the oldest go until everything fits.
   *
   * Throws ShapeError when its frames are not like those held, ConfigError when it alone is larger than `maxBytes`; nothing is lost then.
   */
  add(chunk: Chunk): void {
    const frameShape = chunk.frames.shape.slice(1);
    if (this.#frameShape !== undefined && String(frameShape) !== String(this.#frameShape)) {
      throw new ShapeError(
        `ChunkMemory.add: expected frames of shape [${this.#frameShape.join(', ')}], like those held, got [${frameShape.join(', ')}] from ${chunk.metadata.envId}. Use one memory for each frame shape, or resize.`,
      );
    }
    const bytes = chunkBytes(chunk);
    if (bytes > this.maxBytes) {
      throw new ConfigError(
        `ChunkMemory.add: a chunk of ${bytes} bytes does not fit into maxBytes ${this.maxBytes}. Raise maxBytes, or make chunks shorter.`,
      );
    }
    this.#frameShape = frameShape;
    while (this.#bytes + bytes > this.maxBytes) this.#evict();
    const frames = chunkSteps(chunk) + (endsEpisode(chunk) ? 1 : 0);
    this.#entries.push({ chunk, bytes, frames, firstFrame: this.#framesAdded });
    this.#framesAdded += frames;
    this.#bytes += bytes;
  }

  /**
   * A batch `uint8 [batch, height, width, channels]` of frames drawn uniformly, with replacement, from all frames held: one `integers` draw each, so the
   * result is a function of the generator's state and of what is held.
   *
   * Throws ConfigError for a batch that is no whole number > 0, and when nothing is held.
   */
  sampleFrames(generator: Generator, batch: number): NdArray<'uint8'> {
    checkWhole({ batch }, 1, 'sampleFrames');
    const { frameCount } = this;
    const frameShape = this.#frameShape;
    if (frameShape === undefined || frameCount === 0) {
      throw new ConfigError('sampleFrames: the memory is empty. Add a chunk before sampling from it.');
    }
    const out = ndarray('uint8', [batch, ...frameShape]);
    const frameSize = out.data.length / batch;
    const oldest = this.#framesAdded - frameCount;
    for (let row = 0; row < batch; row++) {
      const number = oldest + generator.integers(frameCount);
      const { chunk, firstFrame } = this.#entryOf(number);
      const start = (number - firstFrame) * frameSize;
      out.data.set(chunk.frames.data.subarray(start, start + frameSize), row * frameSize);
    }
    return out;
  }

  #evict(): void {
    const entry = this.#entries.shift();
    if (entry === undefined) throw new InternalError('ChunkMemory: bytes are held, but no chunk.');
    this.#bytes -= entry.bytes;
  }

  /** The entry that holds frame `number`, by binary search. */
  #entryOf(number: number): Entry {
    let low = 0;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#entries[middle]!.firstFrame <= number) low = middle;
      else high = middle - 1;
    }
    return this.#entries[low]!;
  }
}
