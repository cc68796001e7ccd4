// Frames of chunks by the chunk's number, capped in bytes, least recently used out first.

import type { NdArray } from '@tessera/core';

export class FrameCache {
  readonly maxBytes: number;
  /** A Map keeps the order of insertion: the first entry is the one not used for longest. */
  readonly #frames = new Map<number, NdArray<'uint8'>>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Bytes held; never more than `maxBytes`. */
  get bytes(): number {
    return this.#bytes;
  }

  get(id: number): NdArray<'uint8'> | undefined {
    const frames = this.#frames.get(id);
    if (frames !== undefined) {
      this.#frames.delete(id);
      this.#frames.set(id, frames);
    }
    return frames;
  }

  /** Holds `frames` if they fit at all. */
  add(id: number, frames: NdArray<'uint8'>): void {
    this.delete(id);
    const { byteLength } = frames.data;
    if (byteLength > this.maxBytes) return;
    this.#frames.set(id, frames);
    this.#bytes += byteLength;
    for (const oldest of this.#frames.keys()) {
      if (this.#bytes <= this.maxBytes) break;
      this.delete(oldest);
    }
  }

  delete(id: number): void {
    this.#bytes -= this.#frames.get(id)?.data.byteLength ?? 0;
    this.#frames.delete(id);
  }
}
