// An engine: one backend and what can be made on it. Which backend runs, and why, is one line that programs print at their start.
import type { NdArray } from '@tessera/core';
import { runEagerly, uploadAll } from './execute/eager.ts';
import { KernelExecutor, download } from './execute/kernel-executor.ts';
import type { KernelContext } from './execute/kernel-context.ts';
import type { Executor, Store } from './execute/store.ts';
import { Program, record } from './program.ts';
import type { FlopMeter, InputSpecs } from './program.ts';
import { State, specsOf } from './state.ts';
import type { EagerRunner } from './state.ts';
import type { Tensor } from './record/tensor.ts';
import { changedBy } from './record/recorder.ts';
import { flatten } from './record/tree.ts';

/** Backends as files and messages name them. */
export type BackendName = 'tensorflow-cpu' | 'tensorflow-gpu' | 'wasm' | 'cpu';

/** A backend with its programs and states. */
export class Engine {
  readonly backend: BackendName;
  /** One line: what runs and why, and how to get the next better one. */
  readonly note: string;
  readonly #executor: Executor;
  readonly #eagerContext: KernelContext;
  readonly #stateless: Store;
  readonly #meter: FlopMeter = { flops: 0 };

  constructor({
    backend,
    note,
    executor,
    eagerContext,
  }: {
    backend: BackendName;
    note: string;
    executor: Executor;
    eagerContext: KernelContext;
  }) {
    this.backend = backend;
    this.note = note;
    this.#executor = executor;
    this.#eagerContext = eagerContext;
    this.#stateless = executor.createStore(new Map());
  }

  /** Puts a tree of arrays (nested records and tuples of NdArrays) on the backend as variables, which programs read and change. */
  state<T extends object>(tree: T): State<T> {
    const specs = specsOf(tree);
    const store = this.#executor.createStore(specs);
    store.write(flatten<NdArray>(tree));
    const { ownKernels } = this.#executor;
    return new State(tree, { store, specs, eager: this.#runEagerly, meter: this.#meter, ownKernels });
  }

  /** Records a program without state. */
  program<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>>(
    name: string,
    inputs: I,
    body: (inputs: { readonly [K in keyof I]: Tensor }) => O,
  ): Program<I, O> {
    const { ownKernels } = this.#executor;
    return new Program(record(name, inputs, body, { ownKernels }), { store: this.#stateless, meter: this.#meter });
  }

  /** Runs `body` at once, op by op; `read(tensor)` gives numbers inside. */
  eager<R>(body: () => R): R {
    return this.#runEagerly(new Map(), this.#stateless, body);
  }

  /** Floating-point operations of all programs run so far, products only; what runs eagerly is not counted. */
  get flops(): number {
    return this.#meter.flops;
  }

  /** Buffers alive on the backend, for leak checks. */
  tensorCount(): number {
    return this.#executor.tensorCount();
  }

  dispose(): void {
    this.#stateless.dispose();
    this.#executor.dispose();
  }

  readonly #runEagerly: EagerRunner = (specs, store, body) => {
    const context = this.#eagerContext;
    const names = [...specs.keys()];
    // Eager functions work on copies, whatever the executor, so that what they throw away cannot be the state.
    const arrays = store.read(names);
    const buffers = uploadAll(context, new Map(names.map((name, i) => [name, arrays[i]!])));
    const before = new Map([...buffers].map(([name, { dataId }]) => [name, dataId]));
    try {
      const result = runEagerly(context, { specs, buffers }, (recorder) => {
        const value = body(recorder);
        for (const effect of recorder.effects) {
          for (const name of changedBy(effect)) before.delete(name);
        }
        return value;
      });
      const written = names.filter((name) => !before.has(name));
      store.write(new Map(written.map((name) => [name, download(context, buffers.get(name)!, specs.get(name)!)])));
      return result;
    } finally {
      for (const buffer of buffers.values()) context.free(buffer);
    }
  };
}

/** An engine on TensorFlow.js kernels. */
export function kernelEngine(backend: BackendName, context: KernelContext, note: string): Engine {
  return new Engine({ backend, note, executor: new KernelExecutor(context), eagerContext: context });
}
