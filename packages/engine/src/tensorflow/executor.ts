// The executor on TensorFlow. Where the addon was compiled with our sources a program is a function of TensorFlow (function-store.ts), else a part of a
// session's graph (session-store.ts); the nodes are the same.
import { findBackend } from '@tensorflow/tfjs-core';
import { KernelContext } from '../execute/kernel-context.ts';
import type { Executor, Store } from '../execute/store.ts';
import type { Spec } from '../record/tensor.ts';
import type { TensorFlowBinding } from './binding.ts';
import { ownSourcesVersion } from '../native/own-sources.ts';
import { FunctionStore, JoinedFunctionStore } from './function-store.ts';
import type { GraphSettingsOptions, Precision } from './graph-context.ts';
import { JoinedSessionStore, SessionStore, StatelessSessionStore } from './session-store.ts';

/** How programs become graphs, and how these run. */
export interface GraphOptions extends GraphSettingsOptions {
  readonly binding: TensorFlowBinding;
  /** `function` needs an addon with our sources. */
  readonly route: 'function' | 'session';
}

/** The best that an addon offers; one that was compiled from other sources than these serves as a stock one. */
export function graphOptions(binding: TensorFlowBinding, precision: Precision): GraphOptions {
  const own = binding.tessera?.sources === ownSourcesVersion() ? binding.tessera : undefined;
  // They are for the CPU: on a GPU each would fetch its inputs from there.
  const ownKernels = own?.kernelProblem === '' && !binding.isUsingGpuDevice();
  // On AVX2 ours took 0.5 to 0.8 of the time of TensorFlow's in the shapes of small models; with AVX-512 TensorFlow's is made for the processor, and elsewhere nobody
  // has measured.
  const ownProducts = ownKernels && own?.vectorLevel === 'x86-64-v3';
  return { binding, precision, route: own ? 'function' : 'session', ownKernels, ownProducts };
}

/**
 * Runs programs as TensorFlow graphs, and eager functions in plain JavaScript: TensorFlow.js's kernels for TensorFlow know the shape with which a buffer
 * was made and no other, so that a reshape, which only renames a buffer, would be ignored.
 */
export class TensorFlowExecutor implements Executor {
  readonly eagerContext: KernelContext;
  readonly #options: GraphOptions;

  constructor(options: GraphOptions) {
    this.#options = options;
    this.eagerContext = new KernelContext(findBackend('cpu'), 'cpu');
  }

  get ownKernels(): boolean {
    return this.#options.ownKernels;
  }

  createStore(variables: ReadonlyMap<string, Spec>): Store {
    if (this.#options.route === 'function') return new FunctionStore(this.#options, variables);
    return variables.size === 0 ? new StatelessSessionStore(this.#options) : new SessionStore(this.#options, variables);
  }

  joinStores(parts: ReadonlyMap<string, Store>): Store {
    const Joined = this.#options.route === 'function' ? JoinedFunctionStore : JoinedSessionStore;
    return new Joined(this.#options, parts);
  }

  tensorCount(): number {
    return this.#options.binding.getNumOfTensors() + this.eagerContext.backend.numDataIds();
  }

  dispose(): void {
    this.eagerContext.dispose();
  }
}
