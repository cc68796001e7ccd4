// What wasm lowerings run on: everything of the plain context, and our own kernels on the same memory.
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { elementCount } from '@tessera/core';
import type { Spec } from '../record/tensor.ts';
import type { WasmHeap } from '../wasm/heap.ts';
import type { WasmKernels } from '../wasm/kernels.ts';
import { KernelContext } from './kernel-context.ts';

// Sizes are numbers of 32 bits there: a larger one comes in as what is left of it, and the search for that much memory may never end.
const mostBytes = 2 ** 31 - 1;

/** The wasm backend with our kernels. */
export class WasmContext extends KernelContext {
  readonly heap: WasmHeap;
  readonly kernels: WasmKernels;

  constructor(backend: KernelBackend, heap: WasmHeap, kernels: WasmKernels) {
    super(backend, 'wasm');
    this.heap = heap;
    this.kernels = kernels;
  }

  /** A new buffer with unset content. */
  output(shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): TensorInfo {
    return this.made(this.heap.makeOutput(shape, dtype));
  }

  /** Throws what the heap throws when memory has run out, for results that can never fit. */
  override lower(outputs: readonly Spec[], body: () => readonly TensorInfo[]): readonly TensorInfo[] {
    for (const { shape } of outputs) {
      const bytes = 4 * elementCount(shape);
      if (bytes > mostBytes) throw new RangeError(`Cannot enlarge memory: a result takes ${bytes} bytes`);
    }
    return super.lower(outputs, body);
  }

  /** Byte pointer of a buffer. */
  pointer(tensor: TensorInfo): number {
    return this.heap.pointer(tensor);
  }

  override dispose(): void {
    super.dispose();
    this.heap.dispose();
  }
}
