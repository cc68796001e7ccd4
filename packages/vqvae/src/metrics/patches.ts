// The patches of pixels under the tokens: how many different ones there are limits how many codes a tokenizer can use.
import type { NdArray } from '@tessera/core';
import { toBytes } from '../frames.ts';

/** How often each distinct patch occurs: patches are the pixels under one token, compared as bytes. Without a grid of two axes the whole frame is the patch. */
export function patchCounts(frames: NdArray<'float32'>, tokenShape: readonly number[]): number[] {
  const counter = new PatchCounter(tokenShape);
  counter.add(frames);
  return counter.counts;
}

// A character for each of the 256 bytes, so keys are equal where patches are.
const decoder = new TextDecoder('latin1');

/** Counts patches batch by batch. */
export class PatchCounter {
  readonly #tokenShape: readonly number[];
  readonly #counts = new Map<string, number>();

  constructor(tokenShape: readonly number[]) {
    this.#tokenShape = tokenShape;
  }

  /** How often each patch occurred, in the order of first sight. */
  get counts(): number[] {
    return [...this.#counts.values()];
  }

  get distinct(): number {
    return this.#counts.size;
  }

  /** Adds frames [B, H, W, C] in [0, 1], or frames of any other shape, which are whole patches. */
  add(frames: NdArray<'float32'>): void {
    const [batch = 0, height = 0, width = 0] = frames.shape;
    const bytes = toBytes(frames).data;
    const [rows = 0, columns = 0] = this.#tokenShape;
    const size = bytes.length / batch;
    if (this.#tokenShape.length !== 2 || frames.shape.length !== 4 || height % rows !== 0 || width % columns !== 0) {
      for (let n = 0; n < batch; n++) this.#count(bytes.subarray(n * size, (n + 1) * size));
      return;
    }
    const line = size / height;
    const [runs, run] = [height / rows, line / columns];
    const patch = new Uint8Array(runs * run);
    for (let row = 0; row < batch * rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let y = 0; y < runs; y++) {
          const start = (row * runs + y) * line + column * run;
          patch.set(bytes.subarray(start, start + run), y * run);
        }
        this.#count(patch);
      }
    }
  }

  #count(patch: Uint8Array): void {
    const key = decoder.decode(patch);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}
