import type { KernelBackend } from '@tensorflow/tfjs-core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { wasmHeap } from '../../src/wasm/heap.ts';
import type { WasmHeap } from '../../src/wasm/heap.ts';

/** An allocator that never reuses an address and knows which blocks are live, so that a leak or a use outside a block is seen. */
class Allocator {
  readonly live: Map<number, number> = new Map();
  calls = 0;
  /** Gives nothing larger. */
  most = Infinity;
  #next = 8;

  _malloc(bytes: number): number {
    if (bytes > this.most) return 0;
    const pointer = this.#next;
    this.live.set(pointer, bytes);
    this.#next += Math.ceil(bytes / 8) * 8 + 24;
    this.calls++;
    return pointer;
  }

  _free(pointer: number): void {
    expect(this.live.delete(pointer)).toBe(true);
  }

  holds(from: number, bytes: number): boolean {
    return [...this.live].some(([start, size]) => from >= start && from + bytes <= start + size);
  }
}

function heapOver(allocator: Allocator): WasmHeap {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = {
    _malloc: (bytes: number) => allocator._malloc(bytes),
    _free: (pointer: number) => allocator._free(pointer),
    asm: { memory },
  };
  const heap = wasmHeap({ wasm: module, dataIdMap: new Map() } as unknown as KernelBackend);
  if (heap === undefined) throw new Error('the stand-in backend was not recognised');
  return heap;
}

/** Uses nested in each other, outermost first, each list one after the other. */
const nests = fc.array(fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 6 }), { maxLength: 8 });

describe('scratch memory, whatever the nesting', () => {
  test.prop([nests])(
    'lies in allocated blocks, aligned, apart from every other use, and is all given back',
    (lists) => {
      const allocator = new Allocator();
      const heap = heapOver(allocator);
      const spans: { start: number; end: number }[] = [];
      const use = ([bytes, ...inner]: number[]): void => {
        if (bytes === undefined) return;
        heap.withScratch(bytes, (start) => {
          const end = start + bytes;
          expect(start % 16).toBe(0);
          // Nothing lies anywhere.
          expect(bytes === 0 || allocator.holds(start, bytes)).toBe(true);
          expect(spans.every((other) => start >= other.end || end <= other.start)).toBe(true);
          spans.push({ start, end });
          use(inner);
          spans.pop();
        });
      };
      for (const list of lists) use(list);
      // Once it has grown, a nest of a size seen before needs no allocation.
      for (const list of lists) use(list);
      const { calls } = allocator;
      for (const list of lists) use(list);
      expect(allocator.calls).toBe(calls);
      expect(allocator.live.size).toBeLessThanOrEqual(1);
      heap.dispose();
      expect(allocator.live.size).toBe(0);
    },
  );

  test('that there is not is an error, and less can be had', () => {
    const allocator = new Allocator();
    const heap = heapOver(allocator);
    for (const [most, bytes] of [
      [1000, 1600],
      [Infinity, 2 ** 32],
      [Infinity, 2 ** 31],
    ] as const) {
      allocator.most = most;
      expect(() => heap.withScratch(bytes, () => undefined)).toThrow(
        `wasm: no memory for ${bytes} bytes of scratch. Use a smaller batch or dispose tensors.`,
      );
      expect(heap.withScratch(64, (pointer) => allocator.holds(pointer, 64))).toBe(true);
    }
    expect(allocator.live.size).toBe(1);
  });

  test('comes back when the body throws', () => {
    const allocator = new Allocator();
    const heap = heapOver(allocator);
    const fail = (): never => {
      throw new Error('from the body');
    };
    for (let i = 0; i < 3; i++) {
      expect(() => heap.withScratch(64, () => heap.withScratch(640, fail))).toThrow('from the body');
    }
    expect(allocator.live.size).toBe(1);
    expect(heap.withScratch(64, (pointer) => allocator.holds(pointer, 704))).toBe(true);
  });
});
