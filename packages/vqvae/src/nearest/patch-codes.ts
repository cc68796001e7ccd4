// An append-only codebook of patches: exact matches by hash, all others by distance. Plain loops over typed arrays, without an engine.

/** Codes of `width` numbers each, at most `capacity`; a code never changes once it is there. */
export class PatchCodes {
  readonly capacity: number;
  readonly width: number;
  /** `[capacity, width]`; rows from `count` on are zeros. */
  readonly values: Float32Array;
  #count = 0;
  /** Open addressing: the code in each slot, -1 where there is none. Only codes are in it, so nothing in it ever becomes stale. */
  readonly #slots: Int32Array;

  constructor({ capacity, width }: { readonly capacity: number; readonly width: number }) {
    this.capacity = capacity;
    this.width = width;
    this.values = new Float32Array(capacity * width);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(4 * capacity))).fill(-1);
  }

  get count(): number {
    return this.#count;
  }

  /** The code that is equal to the patch; -1 when none is. */
  find(patch: Patch): number {
    const code = this.#slots[this.#slotOf(patch)]!;
    return code;
  }

  /** The nearest code, ties to the lowest index, with its squared Euclidean distance; code -1 at infinity when there are no codes. */
  nearest({ values: patch }: Patch): { readonly code: number; readonly distance: number } {
    const { values, width } = this;
    let code = -1;
    let distance = Infinity;
    for (let k = 0; k < this.#count; k++) {
      let sum = 0;
      for (let i = 0, at = k * width; i < width && sum < distance; i++, at++) sum += (patch[i]! - values[at]!) ** 2;
      if (sum < distance) [code, distance] = [k, sum];
    }
    return { code, distance };
  }

  /** Makes the patch, of which `find` knows no equal, the next code. There has to be room for it. */
  add(patch: Patch): void {
    this.values.set(patch.values, this.#count * this.width);
    this.#slots[this.#slotOf(patch)] = this.#count;
    this.#count += 1;
  }

  /** Takes away all codes. */
  clear(): void {
    this.values.fill(0);
    this.#slots.fill(-1);
    this.#count = 0;
  }

  // The slot that holds the patch, or the free one where it belongs. A quarter of the slots is filled at most, so there always is one.
  #slotOf({ values: patch, bits }: Patch): number {
    const { values, width } = this;
    const mask = this.#slots.length - 1;
    let hash = 0;
    for (let i = 0; i < width; i++) {
      hash = Math.imul(hash ^ bits[i]!, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const code = this.#slots[slot]!;
      if (code === -1) return slot;
      let i = 0;
      for (let at = code * width; i < width && patch[i] === values[at]; at++) i++;
      if (i === width) return slot;
    }
  }
}

/** The values of a patch, and the same memory as bits. */
export interface Patch {
  readonly values: Float32Array;
  readonly bits: Int32Array;
}

/** A patch of zeros to write into. */
export function newPatch(width: number): Patch {
  const values = new Float32Array(width);
  return { values, bits: new Int32Array(values.buffer) };
}
