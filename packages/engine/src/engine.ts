// An engine: one backend and what can be made on it. Which backend runs, and why, is one line that programs print at their start.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { runEagerly, uploadAll } from './execute/eager.ts';
import { KernelExecutor, download } from './execute/kernel-executor.ts';
import type { KernelContext } from './execute/kernel-context.ts';
import type { Executor, Store } from './execute/store.ts';
import { makeProgram } from './program.ts';
import type { FlopMeter, InputSpecs, Program, ProgramContext } from './program.ts';
import { State, specsOf } from './state.ts';
import type { EngineOptions } from './create-engine.ts';
import type { Recorder } from './record/recorder.ts';
import type { Spec } from './record/tensor.ts';
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
  readonly #states = new WeakMap<State<object>, { readonly tree: object; readonly store: Store }>();
  readonly #meter: FlopMeter = { flops: 0 };
  readonly #warn: (line: string) => void;
  readonly #warned = new Set<string>();

  constructor({
    backend,
    note,
    executor,
    eagerContext,
    warn = (line) => console.warn(line),
  }: {
    backend: BackendName;
    note: string;
    executor: Executor;
    eagerContext: KernelContext;
    /** Told, once each, what a user should know and no error says. */
    warn?: ((line: string) => void) | undefined;
  }) {
    this.backend = backend;
    this.note = note;
    this.#executor = executor;
    this.#eagerContext = eagerContext;
    this.#warn = warn;
    this.#stateless = executor.createStore(new Map());
  }

  /** Puts a tree of arrays (nested records and tuples of NdArrays) on the backend as variables, which programs read and change. */
  state<T extends object>(tree: T): State<T> {
    const specs = specsOf(tree);
    const store = this.#executor.createStore(specs);
    store.write(flatten<NdArray>(tree));
    return this.#newState(tree, specs, store);
  }

  /**
   * States of this engine as one, the variable `x` of the state `part` under the name `part.x`, for programs that read and change all of them. The variables stay
   * with their states: what a program of one changes all see, and disposing of the joined state frees nothing.
   *
   * Throws ConfigError for a state of another engine.
   */
  join<T extends Readonly<Record<string, object>>>(states: { readonly [K in keyof T]: State<T[K]> }): State<T> {
    const parts = Object.entries(states).map(([name, state]) => {
      const part = this.#states.get(state as State<object>);
      if (part !== undefined) return [name, part] as const;
      throw new ConfigError(`engine.join: '${name}' is no state of this engine. Make both models on one engine.`);
    });
    const tree = Object.fromEntries(parts.map(([name, part]) => [name, part.tree])) as T;
    const store = this.#executor.joinStores(new Map(parts.map(([name, part]) => [name, part.store])));
    return this.#newState(tree, specsOf(tree), store);
  }

  /** Records a program without state. */
  program<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>>(
    name: string,
    inputs: I,
    body: (inputs: { readonly [K in keyof I]: Tensor }) => O,
  ): Program<I, O> {
    return makeProgram<I, O>(name, inputs, body, this.#context(new Map(), this.#stateless));
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

  #newState<T extends object>(tree: T, specs: ReadonlyMap<string, Spec>, store: Store): State<T> {
    const state = new State(tree, { specs, context: this.#context(specs, store) });
    this.#states.set(state as State<object>, { tree, store });
    return state;
  }

  #context(specs: ReadonlyMap<string, Spec>, store: Store): ProgramContext {
    return {
      store,
      meter: this.#meter,
      ownKernels: this.#executor.ownKernels,
      eager: (body) => this.#runEagerly(specs, store, body),
      warn: (line) => {
        if (!this.#warned.has(line)) this.#warn(line);
        this.#warned.add(line);
      },
    };
  }

  #runEagerly<R>(specs: ReadonlyMap<string, Spec>, store: Store, body: (recorder: Recorder) => R): R {
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
  }
}

/** An engine on TensorFlow.js kernels. */
export function kernelEngine(
  backend: BackendName,
  context: KernelContext,
  { note, warn }: { readonly note: string; readonly warn: EngineOptions['warn'] },
): Engine {
  return new Engine({ backend, note, executor: new KernelExecutor(context), eagerContext: context, warn });
}
