// A small linear memory for kernel tests: every array lies between guard bytes, so a kernel that writes outside its output is found out.
import { expect } from 'vitest';
import { loadWasmKernels } from '../../src/wasm/kernels.ts';
import type { WasmKernels } from '../../src/wasm/kernels.ts';

const guard = 0xa5;
const guardBytes = 32;

export class TestMemory {
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 64 });
  #top = 0;
  #blocks: { start: number; bytes: number }[] = [];

  /** Forgets everything allocated so far. */
  reset(): void {
    this.#top = 0;
    this.#blocks = [];
  }

  /** `bytes` of 0x5a, aligned to 4 bytes only, with guards on both sides. */
  allocate(bytes: number): number {
    const start = this.#top + guardBytes;
    const end = start + Math.ceil(bytes / 4) * 4 + guardBytes;
    const missing = end + 1024 - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    const view = new Uint8Array(this.memory.buffer);
    view.fill(guard, this.#top, end).fill(0x5a, start, start + bytes);
    this.#blocks.push({ start, bytes });
    this.#top = end - guardBytes + 4;
    return start;
  }

  float32(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length * 4);
    new Float32Array(this.memory.buffer, pointer, values.length).set(values);
    return pointer;
  }

  int32(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length * 4);
    new Int32Array(this.memory.buffer, pointer, values.length).set(values);
    return pointer;
  }

  uint8(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length);
    new Uint8Array(this.memory.buffer, pointer, values.length).set(values);
    return pointer;
  }

  readFloat32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length).slice();
  }

  readInt32(pointer: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, pointer, length).slice();
  }

  readUint8(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, length).slice();
  }

  /** Fails when a byte between two blocks has changed. */
  expectGuardsIntact(): void {
    const view = new Uint8Array(this.memory.buffer);
    let from = 0;
    for (const { start, bytes } of this.#blocks) {
      for (let i = from; i < start; i++)
        if (view[i] !== guard) expect.fail(`byte ${i} before the block at ${start} was overwritten`);
      from = start + bytes;
    }
    for (let i = from; i < this.#top; i++)
      if (view[i] !== guard) expect.fail(`byte ${i} after the last block was overwritten`);
  }
}

export async function kernelsOn(memory: TestMemory): Promise<WasmKernels> {
  const kernels = await loadWasmKernels(memory.memory);
  if (kernels === undefined) throw new Error('this engine has no WebAssembly SIMD');
  return kernels;
}

/** `length` reproducible floats in [-1, 1), exactly representable. */
export function noise(length: number, seed: number): Float32Array {
  const values = new Float32Array(length);
  let state = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = ((state >>> 8) - 0x800000) / 0x800000;
  }
  return values;
}

/** Fails unless `|actual - expected| <= tolerance * scale` for each element, with NaN and infinities matched exactly. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale: (index: number) => number = (i) => Math.abs(expected[i] as number),
): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    const bound = tolerance * scale(i);
    const fine = Object.is(a, e) || a === e || (Number.isFinite(a) && Number.isFinite(e) && Math.abs(a - e) <= bound);
    if (!fine) expect.fail(`element ${i}: got ${a}, expected ${e} within ${bound}`);
  }
}

/** Fails unless each f(input) is the rounded formula or within `tolerance` of it, relatively, besides what subnormal numbers lose. */
export function expectAccurate(
  actual: Float32Array,
  expected: ArrayLike<number>,
  tolerance: number,
  inputs: Float32Array,
): void {
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i] as number;
    const e = expected[i] as number;
    const x = inputs[i] as number;
    const rounded = Math.fround(e);
    const lost = tolerance > 0 ? 1.5 * 2 ** -149 * Math.max(1, Math.abs(x)) : 0;
    const close = Number.isFinite(rounded) && Math.abs(a - e) <= tolerance * Math.abs(e) + lost;
    if (!(Object.is(a, rounded) || a === rounded || close)) expect.fail(`f(${x}) = ${a}, expected ${rounded}`);
  }
}
