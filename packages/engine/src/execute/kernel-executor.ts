// Runs records as a flat list of kernel calls on a TensorFlow.js backend: no tape, no tidy, no closures per step; buffers are freed by the plan.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ConfigError, InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { located } from '../record/call-site.ts';
import type { RecordedNode } from '../record/recorder.ts';
import type { Spec } from '../record/tensor.ts';
import { JoinedStore } from './joined-store.ts';
import { applyEffects } from './kernel-effects.ts';
import type { Buffers } from './kernel-effects.ts';
import type { KernelContext, Numbers } from './kernel-context.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import type { Executable, Executor, ProgramRecord, Store } from './store.ts';
import { WasmContext } from './wasm-context.ts';

/** The executor of the cpu and wasm backends. */
export class KernelExecutor implements Executor {
  readonly ownKernels = false;
  readonly context: KernelContext;

  constructor(context: KernelContext) {
    this.context = context;
  }

  createStore(variables: ReadonlyMap<string, Spec>): KernelStore {
    return new KernelStore(this.context, variables);
  }

  joinStores(parts: ReadonlyMap<string, Store>): Store {
    return new JoinedKernelStore(this.context, parts as ReadonlyMap<string, KernelVariables>);
  }

  tensorCount(): number {
    return this.context.backend.numDataIds();
  }

  dispose(): void {
    this.context.dispose();
  }
}

/** Runs one op; the caller owns the results. */
export function lowerNode(
  context: KernelContext,
  { op, attrs, outputs }: RecordedNode,
  inputs: readonly TensorInfo[],
): readonly TensorInfo[] {
  return context.lower(outputs, () =>
    op.wasm !== undefined && context instanceof WasmContext
      ? op.wasm(context, inputs, attrs)
      : op.kernel(context, inputs, attrs),
  );
}

/** A buffer with the content of `array`, owned by the caller. */
export function upload(context: KernelContext, { data, shape, dtype }: NdArray): TensorInfo {
  return context.lower([], () => [context.write(data as Numbers, shape, dtype === 'int32' ? 'int32' : 'float32')])[0]!;
}

/** A copy of a buffer's content. */
export function download(context: KernelContext, tensor: TensorInfo, { shape, dtype }: Spec): NdArray {
  const data = context.read(tensor);
  return dtype === 'int32'
    ? ndarray('int32', shape, Int32Array.from(data))
    : ndarray('float32', shape, Float32Array.from(data));
}

/** What a program needs of its store. */
interface KernelVariables extends Store {
  readonly context: KernelContext;
  readonly buffers: Buffers;
  /** Throws ConfigError when the variables are gone. */
  checkAlive(): void;
}

class KernelStore implements KernelVariables {
  readonly context: KernelContext;
  readonly specs: ReadonlyMap<string, Spec>;
  readonly buffers: Map<string, TensorInfo> = new Map();
  #disposed = false;

  constructor(context: KernelContext, specs: ReadonlyMap<string, Spec>) {
    this.context = context;
    this.specs = specs;
  }

  checkAlive(): void {
    if (this.#disposed) throw new ConfigError('state: used after dispose.');
  }

  read(names: readonly string[]): NdArray[] {
    this.checkAlive();
    return names.map((name) => download(this.context, this.buffers.get(name)!, this.specs.get(name)!));
  }

  write(values: ReadonlyMap<string, NdArray>): void {
    this.checkAlive();
    for (const [name, array] of values) {
      const old = this.buffers.get(name);
      this.buffers.set(name, upload(this.context, array));
      if (old !== undefined) this.context.free(old);
    }
  }

  compile(program: ProgramRecord): Executable {
    return new KernelProgram(this, program);
  }

  dispose(): void {
    for (const buffer of this.buffers.values()) this.context.free(buffer);
    this.buffers.clear();
    this.#disposed = true;
  }
}

class JoinedKernelStore extends JoinedStore<KernelVariables> implements KernelVariables {
  readonly context: KernelContext;
  readonly buffers: Buffers = {
    get: (name) => {
      const { store, name: own } = this.locate(name);
      return store.buffers.get(own);
    },
    set: (name, buffer) => {
      const { store, name: own } = this.locate(name);
      store.buffers.set(own, buffer);
    },
  };

  constructor(context: KernelContext, parts: ReadonlyMap<string, KernelVariables>) {
    super(parts);
    this.context = context;
  }

  checkAlive(): void {
    for (const store of this.parts.values()) store.checkAlive();
  }

  compile(program: ProgramRecord): Executable {
    return new KernelProgram(this, program);
  }
}

class KernelProgram implements Executable {
  readonly #store: KernelVariables;
  readonly #program: ProgramRecord;
  readonly #plan: Plan;
  readonly #constants = new Map<number, TensorInfo>();

  constructor(store: KernelVariables, program: ProgramRecord) {
    this.#store = store;
    this.#program = program;
    this.#plan = planOf(program);
    for (const node of this.#plan.constants) {
      this.#constants.set(node.outputs[0]!.index, lowerNode(store.context, node, [])[0]!);
    }
  }

  run(inputs: readonly NdArray[]): NdArray[] {
    this.#store.checkAlive();
    const { context, buffers } = this.#store;
    const { recorder, outputs } = this.#program;
    const values: (TensorInfo | undefined)[] = [];
    // What this run made and has to free, whatever happens.
    const owned = new Set<number>();
    try {
      for (const [index, buffer] of this.#constants) values[index] = buffer;
      for (const [name, { index }] of recorder.variables) values[index] = buffers.get(name);
      let i = 0;
      for (const { index } of recorder.inputs.values()) {
        values[index] = upload(context, inputs[i++]!);
        owned.add(index);
      }
      const release = (index: number) => {
        if (owned.delete(index)) context.free(values[index]!);
        values[index] = undefined;
      };
      for (const index of this.#plan.unusedInputs) release(index);
      for (const { node, free } of this.#plan.steps) {
        const results = this.#lower(
          node,
          node.inputs.map(({ index }) => values[index]!),
        );
        for (const [k, { index }] of node.outputs.entries()) {
          values[index] = results[k]!;
          owned.add(index);
        }
        for (const index of free) release(index);
      }
      const read = [...outputs.values()].map((tensor) => download(context, values[tensor.index]!, tensor));
      applyEffects(context, recorder.effects, buffers, ({ index }) => {
        const buffer = values[index];
        if (buffer === undefined)
          throw new InternalError(`value ${index} of '${recorder.name}' was freed before its effect`);
        return buffer;
      });
      return read;
    } finally {
      for (const index of owned) context.free(values[index]!);
    }
  }

  #lower(node: RecordedNode, inputs: readonly TensorInfo[]): readonly TensorInfo[] {
    try {
      return lowerNode(this.#store.context, node, inputs);
    } catch (error) {
      throw located(error, node.op.name, node.site);
    }
  }

  dispose(): void {
    for (const buffer of this.#constants.values()) this.#store.context.free(buffer);
    this.#constants.clear();
  }
}

export type { KernelStore };
