// What plain lowerings run on: TensorFlow.js kernels called directly, without its tape, tidy or engine, on one backend.
// Buffers that a lowering makes and does not return are freed when it ends.
import { getKernel } from '@tensorflow/tfjs-core';
import type { DataType, KernelBackend, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import { BackendError, InternalError, elementCount } from '@tessera/core';
import type { Spec } from '../record/tensor.ts';

/** Numbers as TensorFlow.js stores them. */
export type Numbers = Float32Array | Int32Array | Uint8Array;

/** The kernels of one backend, with bookkeeping of what each lowering makes. */
export class KernelContext {
  readonly backend: KernelBackend;
  readonly backendName: string;
  readonly #kernels = new Map<string, (inputs: NamedTensorInfoMap, attrs: NamedAttrMap) => TensorInfo | TensorInfo[]>();
  readonly #scalars = new Map<number, TensorInfo>();
  #made: TensorInfo[] = [];
  #outputs: readonly Spec[] = [];

  constructor(backend: KernelBackend, backendName: string) {
    this.backend = backend;
    this.backendName = backendName;
  }

  /** The types of the outputs of the op that is being lowered. */
  get outputs(): readonly Spec[] {
    return this.#outputs;
  }

  /** Calls a TensorFlow.js kernel that has one output. */
  call(kernel: string, inputs: object, attrs: object = {}): TensorInfo {
    const output = this.#kernel(kernel)(inputs as NamedTensorInfoMap, attrs as NamedAttrMap);
    if (Array.isArray(output)) throw new InternalError(`kernel ${kernel} has ${output.length} outputs`);
    this.#made.push(output);
    return output;
  }

  /** The same buffer under another shape or dtype. */
  alias(tensor: TensorInfo, shape: readonly number[] = tensor.shape, dtype: DataType = tensor.dtype): TensorInfo {
    this.backend.incRef(tensor.dataId);
    const view = { dataId: tensor.dataId, shape: [...shape], dtype };
    this.#made.push(view);
    return view;
  }

  /** A new buffer with the given content, which is copied. */
  write(data: Numbers, shape: readonly number[], dtype: DataType): TensorInfo {
    // The cpu backend keeps the array that it is given.
    const dataId = this.backend.write(data.slice(), [...shape], dtype);
    const tensor = { dataId, shape: [...shape], dtype };
    this.#made.push(tensor);
    return tensor;
  }

  /** The content of a buffer: on the cpu backend the numbers themselves, elsewhere a copy. */
  read(tensor: TensorInfo): Numbers {
    if (elementCount(tensor.shape) === 0) return tensor.dtype === 'int32' ? new Int32Array(0) : new Float32Array(0);
    return this.backend.readSync(tensor.dataId) as Numbers;
  }

  /** A float32 scalar that lives as long as the context. */
  scalar(value: number): TensorInfo {
    let tensor = this.#scalars.get(value);
    if (tensor === undefined) {
      const dataId = this.backend.write(Float32Array.of(value), [], 'float32');
      tensor = { dataId, shape: [], dtype: 'float32' };
      this.#scalars.set(value, tensor);
    }
    return tensor;
  }

  /** Runs one lowering and frees what it made and did not return. */
  lower(outputs: readonly Spec[], body: () => readonly TensorInfo[]): readonly TensorInfo[] {
    const outer = this.#made;
    const outerOutputs = this.#outputs;
    this.#made = [];
    this.#outputs = outputs;
    let kept: readonly TensorInfo[] = [];
    try {
      kept = body();
      return kept;
    } finally {
      const keep = new Set(kept);
      for (const tensor of this.#made) if (!keep.has(tensor)) this.free(tensor);
      this.#made = outer;
      this.#outputs = outerOutputs;
    }
  }

  /** Hands a buffer that was made elsewhere (our own kernels) to the bookkeeping. */
  protected made(tensor: TensorInfo): TensorInfo {
    this.#made.push(tensor);
    return tensor;
  }

  free({ dataId }: TensorInfo): void {
    this.backend.disposeData(dataId);
  }

  dispose(): void {
    for (const tensor of this.#scalars.values()) this.free(tensor);
    this.#scalars.clear();
  }

  #kernel(name: string): (inputs: NamedTensorInfoMap, attrs: NamedAttrMap) => TensorInfo | TensorInfo[] {
    let call = this.#kernels.get(name);
    if (call === undefined) {
      const kernel = getKernel(name, this.backendName);
      if (kernel === undefined || kernel === null) {
        throw new BackendError(`${this.backendName}: TensorFlow.js has no kernel '${name}' for this backend.`);
      }
      const { kernelFunc } = kernel;
      const { backend } = this;
      call = (inputs, attrs) => kernelFunc({ inputs, attrs, backend });
      this.#kernels.set(name, call);
    }
    return call;
  }
}
