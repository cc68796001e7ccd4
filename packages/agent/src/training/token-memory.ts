// The replay as the world model and the policy see it: tokens instead of frames. While the tokenizer still learns they are made anew each time; once its codes
// have come to rest, the tokens of a chunk are made once and kept.
import { InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { stepWindow } from '@tessera/rollouts';
import type { ActionRange, FrameReference, Replay, ReplayChunk, StepReference, StepWindow } from '@tessera/rollouts';
import type { Tokenizer } from '@tessera/vqvae';
import { tokensOf } from '../preprocess.ts';
import type { ActionKind, RewardKind } from '../world-model/config.ts';
import type { Pictures } from '../world-model/end-to-end.ts';
import type { Transitions } from '../world-model/world-model.ts';

/** What a memory reads from. */
export interface TokenMemoryOptions {
  readonly replay: Replay;
  readonly tokenizer: Tokenizer;
  readonly actions: ActionRange;
  /** Frames that the world model sees. */
  readonly context: number;
  /** What of a reward its transitions have; default the sign. */
  readonly rewards?: RewardKind;
  /** Which actions its transitions have; default the executed ones. */
  readonly actionKind?: ActionKind;
}

/** Tokens of replayed steps. */
export class TokenMemory {
  readonly #options: TokenMemoryOptions;
  readonly #size: number;
  readonly #kept = new Map<number, Int32Array>();
  #settled = false;

  constructor(options: TokenMemoryOptions) {
    this.#options = options;
    this.#size = options.tokenizer.spec.tokenShape.reduce((product, size) => product * size, 1);
  }

  /** Says that the codes move no more: from now on tokens are kept. */
  settle(): void {
    this.#settled = true;
  }

  /** Says that the codes move: no tokens are kept. */
  unsettle(): void {
    this.#settled = false;
    this.forget();
  }

  /** Forgets all tokens, because there are new codes. */
  forget(): void {
    this.#kept.clear();
  }

  /** Forgets the tokens of chunks that have left the replay. */
  prune(): void {
    const [oldest] = this.#options.replay.chunks();
    for (const id of this.#kept.keys()) if (oldest === undefined || id < oldest.id) this.#kept.delete(id);
  }

  /** The tokens of all frames of some chunks of one replay, each int32 [(steps + 1) * tokens]; encoded together. */
  async chunkTokens(chunks: readonly ReplayChunk[]): Promise<Int32Array[]> {
    const missing = chunks.filter((chunk) => !this.#kept.has(chunk.id));
    const fresh = new Map<number, Int32Array>();
    if (missing.length > 0) {
      const frames = await Promise.all(missing.map((chunk) => this.#options.replay.frames(chunk)));
      const tokens = tokensOf(this.#options.tokenizer, joinFrames(frames)).data;
      let at = 0;
      for (const [i, { id }] of missing.entries()) {
        const end = at + frames[i]!.shape[0]! * this.#size;
        fresh.set(id, tokens.slice(at, end));
        at = end;
      }
    }
    if (this.#settled) for (const [id, tokens] of fresh) this.#kept.set(id, tokens);
    return chunks.map(({ id }) => {
      const tokens = fresh.get(id) ?? this.#kept.get(id);
      if (tokens === undefined) throw new InternalError(`TokenMemory: chunk ${id} has no tokens.`);
      return tokens;
    });
  }

  /** These steps with the frames before them, as the world model learns them, or with another number of frames. */
  async transitions(
    steps: readonly StepReference[],
    { context = this.#options.context }: { readonly context?: number } = {},
  ): Promise<Transitions> {
    const windows = steps.map((step) => stepWindow(step, context));
    const places = windows.flatMap(({ frames }) => frames);
    const tokens = this.#settled ? await this.#keptTokens(places) : await this.#freshTokens(places);
    return this.#batch(windows, tokens, context);
  }

  /** The same as frames, for those who make tokens of them themselves. */
  async pictures(steps: readonly StepReference[]): Promise<Pictures> {
    const { context, replay } = this.#options;
    const windows = steps.map((step) => stepWindow(step, context));
    const places = windows.flatMap(({ frames }) => frames);
    const frames = await framesAt(replay, places);
    const { actions, rewards, terminated } = this.#batch(windows, new Int32Array(places.length * this.#size), context);
    const shape = [steps.length, context + 1, ...frames.shape.slice(1)];
    return { frames: { ...frames, shape }, actions, rewards, terminated };
  }

  #batch(windows: readonly StepWindow[], tokens: Int32Array, context: number): Transitions {
    const { actions: range, rewards = 'sign', actionKind = 'executed' } = this.#options;
    const batch = {
      tokens: ndarray('int32', [windows.length, context, this.#size]),
      actions: ndarray('int32', [windows.length, context]),
      nextTokens: ndarray('int32', [windows.length, this.#size]),
      rewards: ndarray('float32', [windows.length]),
      terminated: ndarray('uint8', [windows.length]),
    };
    const seen = context * this.#size;
    const width = seen + this.#size;
    for (const [row, window] of windows.entries()) {
      batch.tokens.data.set(tokens.subarray(row * width, row * width + seen), row * seen);
      batch.nextTokens.data.set(tokens.subarray(row * width + seen, (row + 1) * width), row * this.#size);
      // Before the beginning of an episode there was no action, which is a number of its own.
      const taken = actionKind === 'executed' ? window.executedActions : window.actions;
      const indices = taken.map((action, age) => (age < context - window.known ? range.count : action - range.first));
      batch.actions.data.set(indices, row * context);
      batch.rewards.data[row] = rewards === 'sign' ? Math.sign(window.reward) : window.reward;
      batch.terminated.data[row] = window.terminated ? 1 : 0;
    }
    return batch;
  }

  async #keptTokens(places: readonly FrameReference[]): Promise<Int32Array> {
    const chunks = [...new Map(places.map(({ chunk }) => [chunk.id, chunk])).values()];
    const tokens = await this.chunkTokens(chunks);
    const byId = new Map(chunks.map(({ id }, i) => [id, tokens[i]!]));
    const out = new Int32Array(places.length * this.#size);
    for (const [i, { chunk, frame }] of places.entries()) {
      const start = frame * this.#size;
      out.set(byId.get(chunk.id)!.subarray(start, start + this.#size), i * this.#size);
    }
    return out;
  }

  async #freshTokens(places: readonly FrameReference[]): Promise<Int32Array> {
    return tokensOf(this.#options.tokenizer, await framesAt(this.#options.replay, places)).data;
  }
}

/** The frames at these places, uint8 [places, height, width, channels]. */
export async function framesAt(replay: Replay, places: readonly FrameReference[]): Promise<NdArray<'uint8'>> {
  const chunks = new Map<number, NdArray<'uint8'>>();
  for (const { chunk } of places) if (!chunks.has(chunk.id)) chunks.set(chunk.id, await replay.frames(chunk));
  const [, ...frameShape] = chunks.values().next().value!.shape;
  const out = ndarray('uint8', [places.length, ...frameShape]);
  const size = out.data.length / places.length;
  for (const [i, { chunk, frame }] of places.entries()) {
    out.data.set(chunks.get(chunk.id)!.data.subarray(frame * size, (frame + 1) * size), i * size);
  }
  return out;
}

/** Frames of all arrays, one after the other. */
export function joinFrames(arrays: readonly NdArray<'uint8'>[]): NdArray<'uint8'> {
  const rows = arrays.reduce((total, { shape }) => total + shape[0]!, 0);
  const out = ndarray('uint8', [rows, ...arrays[0]!.shape.slice(1)]);
  let at = 0;
  for (const { data } of arrays) {
    out.data.set(data, at);
    at += data.length;
  }
  return out;
}
