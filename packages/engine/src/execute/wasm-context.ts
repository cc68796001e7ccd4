// What wasm lowerings run on: everything of the plain context, and our own kernels on the same memory.
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { WasmHeap } from '../wasm/heap.ts';
import type { WasmKernels } from '../wasm/kernels.ts';
import { KernelContext } from './kernel-context.ts';

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

  /** Byte pointer of a buffer. */
  pointer(tensor: TensorInfo): number {
    return this.heap.pointer(tensor);
  }

  override dispose(): void {
    super.dispose();
    this.heap.dispose();
  }
}
