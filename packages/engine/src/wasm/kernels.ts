// Our own WebAssembly kernels, run on the memory of the TensorFlow.js wasm backend: tensors of both are the same bytes, nothing is copied.
// Sources are in ../../assembly (AssemblyScript); pointers are byte offsets, sizes count elements, everything is row-major and float32 unless said.
import { moduleBase64 } from './kernels.generated.ts';

/** `C[i] = op(A[i]) op(B[i])` for each i of a batch, with op(A) [m, k], op(B) [k, n] and C [m, n]. */
export interface BatchMatMulOptions {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Default 1. */
  readonly batch?: number;
  /** Elements from one matrix of the batch to the next; 0 repeats one matrix. Defaults: m * k, k * n, m * n. */
  readonly strideA?: number;
  readonly strideB?: number;
  readonly strideC?: number;
  /** A is stored [k, m]. */
  readonly transposeA?: boolean;
  /** B is stored [n, k]. */
  readonly transposeB?: boolean;
  /** Add to C instead of overwriting it. */
  readonly accumulate?: boolean;
  /** Pointer to `gemmScratchBytes` bytes, none of them part of A, B or C. */
  readonly scratch: number;
}

/** The kernels over one memory. */
export interface WasmKernels {
  /** Bytes of scratch memory that `batchMatMul` needs, whatever the sizes. */
  readonly gemmScratchBytes: number;
  /** `C (+)= op(A) op(B)`, batched; m, k, n and batch may be 0 (k = 0 gives zeros). */
  batchMatMul(options: BatchMatMulOptions): void;
}

interface RawKernels {
  gemmScratchBytes(): number;
  batchMatMul(
    a: number,
    b: number,
    c: number,
    batch: number,
    m: number,
    k: number,
    n: number,
    strideA: number,
    strideB: number,
    strideC: number,
    flags: number,
    scratch: number,
  ): void;
}

/**
 * Instantiates the kernels on `memory`.
 *
 * Returns undefined where they cannot run: no SIMD, no WebAssembly, or a memory that the engine refuses to share with them.
 */
export async function loadWasmKernels(memory: WebAssembly.Memory): Promise<WasmKernels | undefined> {
  try {
    const bytes = Uint8Array.from(atob(moduleBase64), (character) => character.charCodeAt(0));
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
    return bindKernels(instance.exports as unknown as RawKernels);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) return undefined;
    throw error;
  }
}

function bindKernels(raw: RawKernels): WasmKernels {
  return {
    gemmScratchBytes: raw.gemmScratchBytes(),
    batchMatMul({
      a,
      b,
      c,
      m,
      k,
      n,
      batch = 1,
      strideA = m * k,
      strideB = k * n,
      strideC = m * n,
      transposeA,
      transposeB,
      accumulate,
      scratch,
    }) {
      const flags = (transposeA ? 1 : 0) | (transposeB ? 2 : 0) | (accumulate ? 4 : 0);
      raw.batchMatMul(a, b, c, batch, m, k, n, strideA, strideB, strideC, flags, scratch);
    },
  };
}
