// What a replay knows without reading a file: everything of its chunks but the frames, which chunk follows which, and where a uniformly drawn step lies.

import { ConfigError, ShapeError } from '@tessera/core';
import { chunkSteps, endsEpisode, plainMetadata } from './chunk.ts';
import type { Chunk, ChunkMetadata } from './chunk.ts';
import { recencyLaw } from './recency.ts';
import type { Recency } from './recency.ts';

/** A chunk of a replay: all but its frames. */
export interface ReplayChunk {
  /** Its number among all chunks ever appended, from 0. */
  readonly id: number;
  readonly metadata: ChunkMetadata;
  /** Environment steps, `T`. */
  readonly steps: number;
  /** `[T]`: `actions[t]` was taken at frame t. */
  readonly actions: Int32Array;
  /** `[T]`: what the environment did instead. */
  readonly executedActions: Int32Array;
  /** `[T]`: what `actions[t]` led to, together with frame t + 1. */
  readonly rewards: Float32Array;
  /** `[T]`, 0 or 1; only the last can be 1. */
  readonly terminated: Uint8Array;
  /** `[T]`, 0 or 1; only the last can be 1. */
  readonly truncated: Uint8Array;
  /** The chunk of the same episode that ends where this one begins, while it is held. */
  readonly previous: ReplayChunk | undefined;
}

/** A step of a chunk, from 0. */
export interface StepReference {
  readonly chunk: ReplayChunk;
  readonly step: number;
}

/** Chunks oldest first; the index of a `Replay`. */
export class ReplayIndex {
  readonly #chunks: HeldChunk[] = [];
  /** Of each environment the last chunk that came, held or not. */
  readonly #latest = new Map<string, HeldChunk>();
  /** By context: steps that may be drawn from the first chunk up to and including each. */
  readonly #candidates = new Map<number, Float64Array>();
  /** By context and preference: the law of recent draws. */
  readonly #laws = new Map<string, RecentLaw>();
  /** Number of the next batch of chunks. */
  #nextBatch = 0;
  #frameShape: readonly number[] | undefined;
  #steps = 0;
  #nextId: number;

  constructor(options: { readonly firstId: number }) {
    this.#nextId = options.firstId;
  }

  get chunks(): readonly ReplayChunk[] {
    return this.#chunks;
  }

  /** Steps held. */
  get steps(): number {
    return this.#steps;
  }

  /** The id of the next chunk. */
  get nextId(): number {
    return this.#nextId;
  }

  /** The id of the oldest chunk held, or of the next one. */
  get firstId(): number {
    return this.#nextId - this.#chunks.length;
  }

  get frameShape(): readonly number[] | undefined {
    return this.#frameShape;
  }

  /** The chunk of this id; undefined when it is not held. */
  at(id: number): ReplayChunk | undefined {
    return this.#chunks[id - this.firstId];
  }

  /**
   * Checks that `chunks` can follow: frames like those held, and in each environment only chunks that come after its last. Throws ShapeError, ConfigError.
   */
  check(chunks: readonly Chunk[], where: string): void {
    let frameShape = this.#frameShape;
    const latest = new Map([...this.#latest].map(([env, { metadata }]) => [env, metadata.sequence]));
    for (const { frames, metadata } of chunks) {
      const shape = frames.shape.slice(1);
      frameShape ??= shape;
      if (String(shape) !== String(frameShape)) {
        throw new ShapeError(
          `${where}: expected frames of shape [${frameShape.join(', ')}], like those held, got [${shape.join(', ')}] from ${metadata.envId}. Use one replay for each frame shape, or resize.`,
        );
      }
      const env = environmentOf(metadata);
      const last = latest.get(env);
      if (last !== undefined && metadata.sequence <= last) {
        throw new ConfigError(
          `${where}: expected chunks of ${metadata.envId} (environment ${metadata.envIndex}) after number ${last}, got number ${metadata.sequence}. Append each chunk once, in order.`,
        );
      }
      latest.set(env, metadata.sequence);
    }
  }

  /** Adds chunks that `check` has let pass. */
  add(chunks: readonly Chunk[]): ReplayChunk[] {
    this.#forget();
    const batch = this.#nextBatch++;
    return chunks.map((chunk) => {
      this.#frameShape ??= chunk.frames.shape.slice(1);
      const env = environmentOf(chunk.metadata);
      const held = new HeldChunk({ id: this.#nextId++, batch }, chunk);
      this.#latest.get(env)?.link(held);
      this.#latest.set(env, held);
      this.#chunks.push(held);
      this.#steps += held.steps;
      return held;
    });
  }

  /** Lets the `count` oldest chunks go. */
  evict(count: number): void {
    this.#forget();
    for (const chunk of this.#chunks.splice(0, count)) {
      chunk.release();
      this.#steps -= chunk.steps;
    }
  }

  /** How many steps have their `context` frames. */
  candidateCount(context: number): number {
    return this.#candidatesOf(context).at(-1) ?? 0;
  }

  /** Candidate `number`, from 0, of those with `context`, oldest first. */
  candidate(number: number, context: number): StepReference {
    const sums = this.#candidatesOf(context);
    const place = firstAbove(sums, number);
    return this.#fromEnd(place, sums[place]! - number);
  }

  /** The candidate with `context` at `position`, in [0, 1), of all of them side by side, each as wide as it is likely. */
  recentCandidate(
    position: number,
    { context, recency }: { readonly context: number; readonly recency: Recency },
  ): StepReference {
    const { sums, likelihoods, counts, last } = this.#lawOf(context, recency);
    // Rounded sums may end below 1.
    const place = Math.min(last, firstAbove(sums, position));
    const inside = Math.floor((position - (sums[place - 1] ?? 0)) / likelihoods[place]!);
    const count = counts[place]!;
    return this.#fromEnd(place, count - Math.max(0, Math.min(count - 1, inside)));
  }

  /** The step that so many from the end of a chunk begin with: steps without their context are the first ones. */
  #fromEnd(place: number, steps: number): StepReference {
    const chunk = this.#chunks[place]!;
    return { chunk, step: chunk.steps - steps };
  }

  #forget(): void {
    this.#candidates.clear();
    this.#laws.clear();
  }

  #lawOf(context: number, recency: Recency): RecentLaw {
    const key = JSON.stringify([context, recency.halfLife, recency.uniformShare]);
    let law = this.#laws.get(key);
    if (law === undefined) {
      const before = this.#candidatesOf(context);
      const counts = before.map((sum, i) => sum - (before[i - 1] ?? 0));
      const first = this.#chunks[0]?.batch ?? 0;
      const batches = Array.from({ length: this.#nextBatch - first }, () => ({ steps: 0, candidates: 0 }));
      for (const [i, { batch, steps }] of this.#chunks.entries()) {
        batches[batch - first]!.steps += steps;
        batches[batch - first]!.candidates += counts[i]!;
      }
      const byBatch = recencyLaw(batches, recency);
      const likelihoods = Float64Array.from(this.#chunks, ({ batch }) => byBatch[batch - first]!);
      let sum = 0;
      const sums = counts.map((count, i) => (sum += count * likelihoods[i]!));
      law = { counts, likelihoods, sums, last: counts.findLastIndex((count) => count > 0) };
      this.#laws.set(key, law);
    }
    return law;
  }

  #candidatesOf(context: number): Float64Array {
    let sums = this.#candidates.get(context);
    if (sums === undefined) {
      sums = new Float64Array(this.#chunks.length);
      let sum = 0;
      for (const [index, chunk] of this.#chunks.entries()) {
        const without = Math.max(0, context - 1 - chunk.updateHistory());
        sum += Math.max(0, chunk.steps - without);
        sums[index] = sum;
      }
      this.#candidates.set(context, sums);
    }
    return sums;
  }
}

/** How likely the candidates of each chunk are. */
interface RecentLaw {
  /** Of each chunk: its candidates. */
  readonly counts: Float64Array;
  /** Of each chunk: the probability of one of its candidates. */
  readonly likelihoods: Float64Array;
  /** The probability of all candidates from the first chunk up to and including each. */
  readonly sums: Float64Array;
  /** The last chunk that has any. */
  readonly last: number;
}

/** The first index whose sum is above `number`; the last one when none is. */
function firstAbove(sums: Float64Array, number: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sums[middle]! > number) high = middle;
    else low = middle + 1;
  }
  return low;
}

class HeldChunk implements ReplayChunk {
  readonly id: number;
  /** Which `add` it came with. */
  readonly batch: number;
  readonly metadata: ChunkMetadata;
  readonly steps: number;
  readonly actions: Int32Array;
  readonly executedActions: Int32Array;
  readonly rewards: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  readonly #ends: boolean;
  #previous: HeldChunk | undefined;
  #next: HeldChunk | undefined;
  #released = false;
  #history = 0;

  constructor({ id, batch }: { readonly id: number; readonly batch: number }, chunk: Chunk) {
    this.id = id;
    this.batch = batch;
    this.metadata = plainMetadata(chunk.metadata);
    this.steps = chunkSteps(chunk);
    this.#ends = endsEpisode(chunk);
    // Copies: the caller may transfer or reuse the chunk's memory.
    this.actions = chunk.actions.data.slice();
    this.executedActions = chunk.executedActions.data.slice();
    this.rewards = chunk.rewards.data.slice();
    this.terminated = chunk.terminated.data.slice();
    this.truncated = chunk.truncated.data.slice();
  }

  get previous(): ReplayChunk | undefined {
    return this.#previous;
  }

  /** Makes `next` the chunk after this one if it goes on where this one ends. */
  link(next: HeldChunk): void {
    const { episode, firstStep } = next.metadata;
    const follows = episode === this.metadata.episode && firstStep === this.metadata.firstStep + this.steps;
    if (!follows || this.#ends || this.#released) return;
    this.#next = next;
    next.#previous = this;
  }

  release(): void {
    this.#released = true;
    if (this.#next !== undefined) this.#next.#previous = undefined;
    this.#next = undefined;
  }

  /** Steps of the episode that are held before this chunk, without a gap; Infinity when its start is. To be called in the order of ids. */
  updateHistory(): number {
    const previous = this.#previous;
    if (this.metadata.firstStep === 0) this.#history = Infinity;
    else this.#history = previous === undefined ? 0 : previous.#history + previous.steps;
    return this.#history;
  }
}

function environmentOf({ envId, seed, envIndex }: ChunkMetadata): string {
  return JSON.stringify([envId, seed, envIndex]);
}
