// The memory of the TensorFlow.js wasm backend, as far as our kernels need it: its tensors' pointers, new outputs, scratch space.
// TensorFlow.js keeps the Emscripten module in a private field; everything that relies on that is in this file.
import { BackendError } from '@tessera/core';
import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';

interface EmscriptenModule {
  _malloc: (bytes: number) => number;
  _free(pointer: number): void;
  readonly asm?: { readonly memory?: WebAssembly.Memory };
  /** The multi-threaded build makes its (shared) memory itself and keeps it here. */
  readonly wasmMemory?: WebAssembly.Memory;
}

interface TensorFlowWasmBackend {
  readonly wasm: EmscriptenModule;
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number | null } };
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
}

/** The wasm backend's heap, shared by TensorFlow.js's kernels and ours. */
export interface WasmHeap {
  readonly memory: WebAssembly.Memory;
  /** Byte pointer of a tensor's data; a tensor of another backend is moved here first. Valid while the tensor lives. */
  pointer(tensor: { readonly dataId: object }): number;
  /** A new tensor with unset content, owned by the caller. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  /** Runs `body` with a pointer (16-byte aligned) to `bytes` of scratch that are its own until it returns; calls may nest. */
  withScratch<T>(bytes: number, body: (pointer: number) => T): T;
  /** Current views; memory that grows detaches them, so they are read at once and never kept. */
  float32(pointer: number, length: number): Float32Array;
  int32(pointer: number, length: number): Int32Array;
  uint8(pointer: number, length: number): Uint8Array;
  /** Gives the scratch arena back. */
  dispose(): void;
}

/** The heap of an initialised TensorFlow.js wasm backend, or undefined when `backend` is not one whose memory can be found. */
export function wasmHeap(backend: KernelBackend): WasmHeap | undefined {
  const owner = backend as unknown as TensorFlowWasmBackend;
  const { wasm, dataIdMap }: Partial<TensorFlowWasmBackend> = owner;
  const memory = wasm?.asm?.memory ?? wasm?.wasmMemory;
  if (wasm === undefined || dataIdMap === undefined || !(memory instanceof WebAssembly.Memory)) return undefined;
  refuseWhatDoesNotFit(wasm);
  const scratch = new ScratchArena(wasm);
  return {
    memory,
    pointer({ dataId }) {
      const { memoryOffset } = dataIdMap.get(dataId);
      if (memoryOffset === null)
        throw new BackendError('wasm: a string tensor has no pointer. Give the kernel numbers.');
      return memoryOffset;
    },
    makeOutput: (shape, dtype) => owner.makeOutput(shape, dtype),
    withScratch: (bytes, body) => scratch.with(bytes, body),
    float32: (pointer, length) => new Float32Array(memory.buffer, pointer, length),
    int32: (pointer, length) => new Int32Array(memory.buffer, pointer, length),
    uint8: (pointer, length) => new Uint8Array(memory.buffer, pointer, length),
    dispose: () => scratch.dispose(),
  };
}

// The allocator's sizes have 32 bits, and the search for more than half of what they reach may never end.
const mostBytes = 2 ** 31 - 1;
const guarded = new WeakSet<EmscriptenModule>();

/** Makes an allocation that fails throw. TensorFlow.js takes the 0 that comes instead for a place, and kernels then write over the module's own data. */
function refuseWhatDoesNotFit(wasm: EmscriptenModule): void {
  if (guarded.has(wasm)) return;
  guarded.add(wasm);
  const malloc = wasm._malloc;
  const own = (bytes: number): number => {
    const pointer = bytes > mostBytes ? 0 : malloc(bytes);
    // At its first use Emscripten puts another function in the place of its own.
    wasm._malloc = own;
    if (pointer === 0 && bytes > 0) throw new RangeError(`Cannot enlarge memory: no place for ${bytes} bytes`);
    return pointer;
  };
  wasm._malloc = own;
}

/** A stack of scratch blocks in one allocation that grows, between uses, to the most that was ever needed at once. */
class ScratchArena {
  readonly #wasm: EmscriptenModule;
  #block = 0;
  #size = 0;
  #used = 0;
  #peak = 0;

  constructor(wasm: EmscriptenModule) {
    this.#wasm = wasm;
  }

  with<T>(bytes: number, body: (pointer: number) => T): T {
    const rounded = align(bytes);
    this.#peak = Math.max(this.#peak, this.#used + rounded);
    if (this.#used === 0 && this.#size < this.#peak) this.#grow();
    // While an outer call uses the block it cannot move: what does not fit lives in an allocation of its own.
    const fits = this.#used + rounded <= this.#size;
    const own = fits ? 0 : this.#allocate(rounded);
    const start = fits ? align(this.#block) + this.#used : align(own);
    this.#used += rounded;
    try {
      return body(start);
    } finally {
      this.#used -= rounded;
      if (own !== 0) this.#wasm._free(own);
    }
  }

  dispose(): void {
    if (this.#block !== 0) this.#wasm._free(this.#block);
    this.#block = 0;
    this.#size = 0;
  }

  #grow(): void {
    this.dispose();
    this.#block = this.#allocate(this.#peak);
    this.#size = this.#peak;
  }

  #allocate(bytes: number): number {
    try {
      // 16 to spare for the alignment
      return this.#wasm._malloc(bytes + 16) >>> 0;
    } catch (cause) {
      this.#peak = this.#used;
      throw new BackendError(`wasm: no memory for ${bytes} bytes of scratch. Use a smaller batch or dispose tensors.`, {
        cause,
      });
    }
  }
}

function align(pointer: number): number {
  return Math.ceil(pointer / 16) * 16;
}
