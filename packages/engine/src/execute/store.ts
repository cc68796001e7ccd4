// What an executor offers: variables by name, and records turned into something that runs on them.
import type { NdArray } from '@tessera/core';
import type { Recorder } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';

/** A recorded program and what it returns. */
export interface ProgramRecord {
  readonly recorder: Recorder;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** A program that can run. */
export interface Executable {
  /** Inputs and outputs are in the order of the record. The values of variables change only when everything has run. */
  run(inputs: readonly NdArray[]): NdArray[];
  dispose(): void;
}

/** The variables of one state on one backend. */
export interface Store {
  read(names: readonly string[]): NdArray[];
  /** Overwrites variables; the caller has checked names, shapes and dtypes. */
  write(values: ReadonlyMap<string, NdArray>): void;
  compile(program: ProgramRecord): Executable;
  dispose(): void;
}

/** A place where programs run. */
export interface Executor {
  /** Whether it runs the ops that only our TensorFlow kernels have. */
  readonly ownKernels: boolean;
  createStore(variables: ReadonlyMap<string, Spec>): Store;
  /** Stores of this executor as one, in which the variable `x` of the store `part` is `part.x`. They stay the owners. */
  joinStores(parts: ReadonlyMap<string, Store>): Store;
  /** Buffers alive now, for leak checks. */
  tensorCount(): number;
  dispose(): void;
}
