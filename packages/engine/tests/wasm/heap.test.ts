import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import {
  abs,
  backend,
  dispose,
  engine,
  env,
  fill,
  matMul,
  max,
  setBackend,
  sub,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadWasmKernels } from '../../src/wasm/kernels.ts';
import type { WasmKernels } from '../../src/wasm/kernels.ts';
import { withSharedMemory } from '../../src/wasm/shared-memory.ts';
import { wasmHeap } from '../../src/wasm/heap.ts';
import type { WasmHeap } from '../../src/wasm/heap.ts';

let heap: WasmHeap;
let kernels: WasmKernels;

beforeAll(async () => {
  env().set('IS_TEST', true); // keeps the cpu backend from printing its advice
  await setBackend('wasm');
  const found = wasmHeap(backend());
  if (found === undefined) throw new Error('the memory of the wasm backend was not found');
  heap = found;
  const loaded = await loadWasmKernels(heap.memory);
  if (loaded === undefined) throw new Error('the kernels could not be loaded');
  kernels = loaded;
});

describe('kernels on the memory of the TensorFlow.js wasm backend', () => {
  test('agree with its own matMul, without a copy', () => {
    const a = tensor2d(
      Array.from({ length: 35 * 17 }, (_, i) => Math.sin(i)),
      [35, 17],
    );
    const b = tensor2d(
      Array.from({ length: 17 * 23 }, (_, i) => Math.cos(i)),
      [17, 23],
    );
    const out = heap.makeOutput([35, 23], 'float32');
    heap.withScratch(kernels.gemmScratchBytes, (scratch) => {
      kernels.batchMatMul({
        a: heap.pointer(a),
        b: heap.pointer(b),
        c: heap.pointer(out),
        m: 35,
        k: 17,
        n: 23,
        scratch,
      });
    });
    const ours = engine().makeTensorFromTensorInfo(out);
    const theirs = matMul(a, b);
    expect(max(abs(sub(ours, theirs))).dataSync()[0]).toBeLessThan(1e-5);
    expect(heap.float32(heap.pointer(ours), 35 * 23)).toEqual(ours.dataSync());
    dispose([a, b, ours, theirs]);
  });

  test('see the memory after it has grown', () => {
    const before = heap.memory.buffer;
    const big = fill([Math.ceil(before.byteLength / 4)], 2);
    expect(heap.memory.buffer).not.toBe(before);
    const pointer = heap.pointer(big);
    expect(heap.float32(pointer, 4)).toEqual(new Float32Array([2, 2, 2, 2]));
    const out = heap.makeOutput([1, 1], 'float32');
    heap.withScratch(kernels.gemmScratchBytes, (scratch) => {
      kernels.batchMatMul({ a: pointer, b: pointer, c: heap.pointer(out), m: 1, k: 100, n: 1, scratch });
    });
    expect(heap.float32(heap.pointer(out), 1)[0]).toBe(400);
    dispose([big, engine().makeTensorFromTensorInfo(out)]);
  });

  test('get nothing where memory has run out, and go on when it is given back', () => {
    const mark = tensor1d([1, 2, 3]);
    const tensors: Tensor[] = [];
    const take = (count: number) => {
      tensors.push(engine().makeTensorFromTensorInfo(heap.makeOutput([count], 'float32')));
      return heap.pointer(tensors.at(-1)!);
    };
    // Nobody writes to them.
    for (const count of [2 ** 28, 2 ** 24]) {
      expect(() => {
        for (let i = 0; i < 64; i++) expect(take(count)).toBeGreaterThan(0);
      }).toThrow('Cannot enlarge memory');
    }
    // TensorFlow.js's own kernels ask for memory too.
    expect(() => fill([2 ** 24], 1)).toThrow('Cannot enlarge memory');
    expect(() => take(2 ** 29)).toThrow('Cannot enlarge memory: no place for 2147483648 bytes');
    expect(() => take(2 ** 30)).toThrow('Cannot enlarge memory: no place for 4294967296 bytes');
    expect(mark.dataSync()).toEqual(Float32Array.of(1, 2, 3));
    dispose(tensors);
    expect(take(2 ** 28)).toBeGreaterThan(0);
    dispose([mark, tensors.at(-1)!]);
  });

  test('find a tensor that another backend made', async () => {
    await setBackend('cpu');
    const x = engine().makeTensor(new Float32Array([1, 2, 3]), [3], 'float32');
    await setBackend('wasm');
    expect(heap.float32(heap.pointer(x), 3)).toEqual(new Float32Array([1, 2, 3]));
    x.dispose();
  });

  test('a string tensor has no pointer', () => {
    const words = tensor1d(['a', 'b']);
    expect(() => heap.pointer(words)).toThrowErrorMatchingInlineSnapshot(
      `[BackendError: wasm: a string tensor has no pointer. Give the kernel numbers.]`,
    );
    words.dispose();
  });

  test('the cpu backend has no such heap', async () => {
    await setBackend('cpu');
    expect(wasmHeap(backend())).toBeUndefined();
    await setBackend('wasm');
  });

  test('a memory that cannot be shared gives no kernels', async () => {
    const foreign = { buffer: new ArrayBuffer(0) } as unknown as WebAssembly.Memory;
    await expect(loadWasmKernels(foreign)).resolves.toBeUndefined();
  });
});

describe('shared memory, which the multi-threaded build of TensorFlow.js has', () => {
  test('takes the same kernels', async () => {
    const memory = new WebAssembly.Memory({ initial: 100, maximum: 65536, shared: true });
    const shared = await loadWasmKernels(memory);
    new Float32Array(memory.buffer, 0, 4).set([1, 2, 3, 4]);
    shared?.batchMatMul({ a: 0, b: 0, c: 16, m: 2, k: 2, n: 2, scratch: 1024 });
    expect([...new Float32Array(memory.buffer, 16, 4)]).toEqual([7, 10, 15, 22]);
  });

  test('a module that imports anything else is refused', () => {
    const tableImport = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 8, 1, 1, 0x61, 1, 0x62, 1, 0x70, 0];
    expect(() => withSharedMemory(Uint8Array.from(tableImport))).toThrowErrorMatchingInlineSnapshot(
      `[InternalError: internal: the kernel module imports something else than one plain memory]`,
    );
  });
});

describe('scratch memory', () => {
  test('nested uses never overlap, also while the arena is still growing', () => {
    const spans: [number, number][] = [];
    const use = (depth: number): void =>
      heap.withScratch(1000 * (depth + 1) + depth, (pointer) => {
        expect(pointer % 16).toBe(0);
        const bytes = 1000 * (depth + 1) + depth;
        for (const [from, to] of spans) expect(pointer >= to || pointer + bytes <= from).toBe(true);
        spans.push([pointer, pointer + bytes]);
        heap.uint8(pointer, bytes).fill(depth);
        if (depth < 5) use(depth + 1);
        expect(new Set(heap.uint8(pointer, bytes))).toEqual(new Set([depth]));
        spans.pop();
      });
    for (let round = 0; round < 3; round++) use(0);
  });

  test('is reused: a thousand uses do not grow the memory', () => {
    heap.withScratch(1e6, () => undefined);
    const before = heap.memory.buffer.byteLength;
    for (let i = 0; i < 1000; i++) heap.withScratch(1e6, () => undefined);
    expect(heap.memory.buffer.byteLength).toBe(before);
  });

  test('more than there is gives an error that says so, and the arena still works', () => {
    expect(() => heap.withScratch(5e9, () => undefined)).toThrow(/no memory for 5000000000 bytes of scratch/);
    expect(heap.withScratch(64, (pointer) => pointer > 0)).toBe(true);
  });
});

test('the generated module is not older than its sources', () => {
  const script = fileURLToPath(new URL('../../scripts/build-wasm.mjs', import.meta.url));
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});
