// Programs on an addon with our sources: variables are resources of the TensorFlow context in which tfjs runs its ops, and each program is a function of that
// context, called like an op with its inputs and its variables. Programs come and go one by one, and whatever else works in the context sees the same variables.
import { BackendError, ConfigError, InternalError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { JoinedStore } from '../execute/joined-store.ts';
import { planOf } from '../execute/plan.ts';
import type { Executable, ProgramRecord, Store } from '../execute/store.ts';
import { changedBy, effectInputs } from '../record/recorder.ts';
import type { Spec } from '../record/tensor.ts';
import type { EagerAttribute, OwnAddon, TensorFlowBinding, TensorMetadata } from './binding.ts';
import { dtypeNumber } from './dtypes.ts';
import type { GraphOptions } from './executor.ts';
import { newGraphSettings } from './graph-context.ts';
import { graphError } from './graph-error.ts';
import { GraphWriter, nodeOf } from './graph-writer.ts';
import { lowerProgram } from './lower-program.ts';
import { programError } from './program-error.ts';
import { createTensor, readTensor } from './tensors.ts';

// Functions and variables need names that nobody else in the context has.
let made = 0;

/** What a program needs of its store. */
interface ResourceVariables extends Store {
  readonly options: GraphOptions;
  readonly specs: Pick<ReadonlyMap<string, Spec>, 'get'>;
  /** Throws ConfigError when the variables are gone. */
  checkAlive(): void;
  /** The resource of a variable. */
  handleOf(name: string): number;
}

/** The variables of one state as resources. */
export class FunctionStore implements ResourceVariables {
  readonly options: GraphOptions;
  readonly specs: ReadonlyMap<string, Spec>;
  readonly #binding: TensorFlowBinding;
  readonly #handles: ReadonlyMap<string, number>;
  #disposed = false;

  constructor(options: GraphOptions, specs: ReadonlyMap<string, Spec>) {
    this.options = options;
    this.specs = specs;
    this.#binding = options.binding;
    this.#handles = new Map([...specs].map(([name, spec]) => [name, this.#newVariable(name, spec)]));
  }

  read(names: readonly string[]): NdArray[] {
    this.checkAlive();
    return names.map((name) => {
      const value = this.#execute('ReadVariableOp', [this.#dtype(name)], [this.handleOf(name)], 1)[0]!;
      try {
        return readTensor(this.#binding, value, name);
      } finally {
        this.#binding.deleteTensor(value.id);
      }
    });
  }

  write(values: ReadonlyMap<string, NdArray>): void {
    this.checkAlive();
    for (const [name, array] of values) {
      const shared = createTensor(this.#binding, array);
      // Without a copy the variable would share the memory of the array, and change with it.
      const { dtype } = this.specs.get(name)!;
      const copy = this.#execute('DeepCopy', [this.#typeAttribute('T', dtype)], [shared], 1)[0]!.id;
      this.#execute('AssignVariableOp', [this.#dtype(name)], [this.handleOf(name), copy], 0);
      for (const id of [shared, copy]) this.#binding.deleteTensor(id);
    }
  }

  compile(record: ProgramRecord): Executable {
    this.checkAlive();
    return new FunctionProgram(this, record);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const handle of this.#handles.values()) {
      const ignore = { name: 'ignore_lookup_error', type: this.#binding.TF_ATTR_BOOL, value: true };
      this.#execute('DestroyResourceOp', [ignore], [handle], 0);
      this.#binding.deleteTensor(handle);
    }
  }

  checkAlive(): void {
    if (this.#disposed) throw new ConfigError('state: used after dispose.');
  }

  handleOf(name: string): number {
    const handle = this.#handles.get(name);
    if (handle === undefined) throw new InternalError(`there is no variable '${name}'`);
    return handle;
  }

  #newVariable(name: string, { dtype, shape }: Spec): number {
    const { TF_ATTR_STRING, TF_ATTR_SHAPE } = this.#binding;
    const attributes = [
      { name: 'container', type: TF_ATTR_STRING, value: '' },
      { name: 'shared_name', type: TF_ATTR_STRING, value: `tessera/${made++}/${name}` },
      this.#typeAttribute('dtype', dtype),
      { name: 'shape', type: TF_ATTR_SHAPE, value: shape },
    ];
    return this.#execute('VarHandleOp', attributes, [], 1)[0]!.id;
  }

  #dtype(name: string): EagerAttribute {
    return this.#typeAttribute('dtype', this.specs.get(name)!.dtype);
  }

  #typeAttribute(name: string, dtype: Spec['dtype']): EagerAttribute {
    return { name, type: this.#binding.TF_ATTR_TYPE, value: dtypeNumber(dtype) };
  }

  #execute(op: string, attributes: readonly EagerAttribute[], inputs: readonly number[], outputs: number) {
    try {
      return this.#binding.executeOp(op, attributes, inputs, outputs);
    } catch (cause) {
      throw new BackendError(`state: TensorFlow failed in ${op}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** The variables of several states, each in its own resource. */
export class JoinedFunctionStore extends JoinedStore<ResourceVariables> implements ResourceVariables {
  readonly options: GraphOptions;
  readonly specs: ResourceVariables['specs'] = {
    get: (name) => {
      const { store, name: own } = this.locate(name);
      return store.specs.get(own);
    },
  };

  constructor(options: GraphOptions, parts: ReadonlyMap<string, Store>) {
    super(parts as ReadonlyMap<string, ResourceVariables>);
    this.options = options;
  }

  checkAlive(): void {
    for (const store of this.parts.values()) store.checkAlive();
  }

  handleOf(name: string): number {
    const { store, name: own } = this.locate(name);
    return store.handleOf(own);
  }

  compile(record: ProgramRecord): Executable {
    this.checkAlive();
    return new FunctionProgram(this, record);
  }
}

/** A program written as a graph, and the variables whose resources follow its inputs. */
interface WrittenFunction {
  readonly name: string;
  readonly writer: GraphWriter;
  readonly variables: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

class FunctionProgram implements Executable {
  readonly #store: ResourceVariables;
  readonly #record: ProgramRecord;
  readonly #binding: TensorFlowBinding;
  readonly #addon: OwnAddon;
  #written: WrittenFunction | undefined;

  constructor(store: ResourceVariables, record: ProgramRecord) {
    const { binding } = store.options;
    if (binding.tessera === undefined) throw new InternalError('an addon without functions was asked for one');
    this.#store = store;
    this.#record = record;
    this.#binding = binding;
    this.#addon = binding.tessera;
  }

  run(arrays: readonly NdArray[]): NdArray[] {
    this.#store.checkAlive();
    this.#written ??= this.#define();
    const { name, writer, variables, outputs } = this.#written;
    if (outputs.length === 0) return [];
    const fed: number[] = [];
    let results: TensorMetadata[] = [];
    try {
      for (const array of arrays) fed.push(createTensor(this.#binding, array));
      const handles = variables.map((variable) => this.#store.handleOf(variable));
      results = this.#execute(name, [...fed, ...handles], { count: outputs.length, writer });
      // The last output of a program with effects only says that they are done.
      const returned = [...this.#record.outputs.keys()];
      return returned.map((key, i) => readTensor(this.#binding, results[i]!, key));
    } finally {
      for (const id of [...fed, ...results.map((result) => result.id)]) this.#binding.deleteTensor(id);
    }
  }

  dispose(): void {
    if (this.#written !== undefined) this.#addon.removeFunction(this.#written.name);
    this.#written = undefined;
  }

  #execute(name: string, inputs: readonly number[], { count, writer }: { count: number; writer: GraphWriter }) {
    try {
      return this.#binding.executeOp(name, [], inputs, count);
    } catch (error) {
      throw programError(graphError(`program '${this.#record.recorder.name}': TensorFlow failed`, error, writer));
    }
  }

  #define(): WrittenFunction {
    const writer = new GraphWriter();
    const variables = usedVariables(this.#record);
    const handles = new Map(variables.map((name) => [name, writer.resource(`state/${name}`, this.#specOf(name))]));
    const settings = newGraphSettings(this.#store.options);
    const { inputs, outputs, effects } = lowerProgram({ writer, variables: handles, settings }, this.#record, 'p');
    const written: WrittenFunction = {
      name: `tessera_${made++}_${this.#record.recorder.name.replaceAll(/\W/g, '_')}`,
      writer,
      variables,
      inputs: [...inputs, ...handles.values()].map(nodeOf),
      outputs: (effects === undefined ? outputs : [...outputs, effects]).map(nodeOf),
    };
    try {
      this.#addon.addFunction(written.name, writer.bytes(), written.inputs, written.outputs);
    } catch (error) {
      throw graphError(`program '${this.#record.recorder.name}': TensorFlow refused the graph`, error, writer);
    }
    return written;
  }

  #specOf(name: string): Spec {
    return this.#store.specs.get(name)!;
  }
}

/** The variables that a program reads or changes; its function was handed all of the state. */
function usedVariables(record: ProgramRecord): string[] {
  const { recorder, outputs } = record;
  const read = new Set([...outputs.values(), ...recorder.effects.flatMap(effectInputs)].map(({ index }) => index));
  for (const { node } of planOf(record).steps) for (const { index } of node.inputs) read.add(index);
  const changed = new Set(recorder.effects.flatMap(changedBy));
  return [...recorder.variables].flatMap(([name, { index }]) => (read.has(index) || changed.has(name) ? [name] : []));
}
