// The patches of pixels under the tokens: how many different ones there are limits how many codes a tokenizer can use.
import type { NdArray } from '@tessera/core';
import { toBytes } from '../frames.ts';

/** How often each distinct patch occurs: patches are the pixels under one token, compared as bytes. Without a grid of two axes the whole frame is the patch. */
export function patchCounts(frames: NdArray<'float32'>, tokenShape: readonly number[]): number[] {
  const counter = new PatchCounter(tokenShape);
  counter.add(frames);
  return counter.counts;
}

// Arguments of one call are limited.
const longestRun = 1024;

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
      for (let n = 0; n < batch; n++) this.#count(keyOf(bytes, { start: n * size, run: size, runs: 1, stride: 0 }));
      return;
    }
    const line = size / height;
    const [runs, run] = [height / rows, line / columns];
    for (let row = 0; row < batch * rows; row++) {
      for (let column = 0; column < columns; column++) {
        this.#count(keyOf(bytes, { start: row * runs * line + column * run, run, runs, stride: line }));
      }
    }
  }

  #count(key: string): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}

interface Runs {
  readonly start: number;
  /** Bytes beside each other. */
  readonly run: number;
  readonly runs: number;
  /** From the start of one run to that of the next. */
  readonly stride: number;
}

function keyOf(bytes: Uint8Array, { start, run, runs, stride }: Runs): string {
  let key = '';
  for (let y = 0; y < runs; y++) {
    const from = start + y * stride;
    for (let at = from; at < from + run; at += longestRun) {
      key += String.fromCharCode(...bytes.subarray(at, Math.min(at + longestRun, from + run)));
    }
  }
  return key;
}
