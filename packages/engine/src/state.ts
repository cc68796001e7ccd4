// The state of a model: a tree of named arrays that live on the backend, and the programs that read and change them.
import { ConfigError, DTypeError, ShapeError, didYouMean } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Store } from './execute/store.ts';
import { sameShape, shapeText } from './ops/shapes.ts';
import { makeProgram } from './program.ts';
import type { InputSpecs, Program, ProgramContext } from './program.ts';
import { checkArray } from './record/check-array.ts';
import type { Recorder } from './record/recorder.ts';
import type { Spec, Tensor, TensorDType } from './record/tensor.ts';
import { flatten, mapTree } from './record/tree.ts';
import type { NamedArrays, Traced } from './record/tree.ts';

/** Named variables on a backend. */
export class State<T extends object> {
  readonly #tree: T;
  readonly #store: Store;
  readonly #specs: ReadonlyMap<string, Spec>;
  readonly #context: ProgramContext;

  constructor(tree: T, { specs, context }: { specs: ReadonlyMap<string, Spec>; context: ProgramContext }) {
    this.#tree = tree;
    this.#store = context.store;
    this.#specs = specs;
    this.#context = context;
  }

  /** The flat names of the variables, parts joined by dots. */
  get names(): string[] {
    return [...this.#specs.keys()];
  }

  /**
   * Records a program on this state: `body` gets the inputs and the state as tensors and returns tensors by name.
   *
   * Shapes are checked now, so mistakes show here and not at the first run. A function that asks for numbers on its way (`read`) cannot be recorded: it runs op by op at
   * each run, and the engine says so once.
   */
  program<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>>(
    name: string,
    inputs: I,
    body: (inputs: { readonly [K in keyof I]: Tensor }, state: Traced<T>) => O,
  ): Program<I, O> {
    return makeProgram<I, O>(name, inputs, (tensors, recorder) => body(tensors, this.#trace(recorder)), this.#context);
  }

  /** Runs `body` at once, op by op; `read(tensor)` gives numbers inside. Effects happen when it returns. */
  eager<R>(body: (state: Traced<T>) => R): R {
    return this.#context.eager((recorder) => body(this.#trace(recorder)));
  }

  /** Copies of all variables by flat name. */
  read(): NamedArrays {
    const { names } = this;
    const arrays = this.#store.read(names);
    return Object.fromEntries(names.map((name, i) => [name, arrays[i]!]));
  }

  /** Copies of all variables as the tree that the state was made of. */
  readTree(): T {
    const values = this.read();
    return mapTree(this.#tree, (_, name) => values[name]!) as T;
  }

  /** A copy of one variable. */
  readOne(name: string): NdArray {
    this.#check(name, undefined);
    return this.#store.read([name])[0]!;
  }

  /** Overwrites variables by flat name, all or none: throws before anything has changed for an unknown name, another shape or another dtype. */
  write(values: Readonly<NamedArrays>): void {
    for (const [name, array] of Object.entries(values)) this.#check(name, array);
    this.#store.write(new Map(Object.entries(values)));
  }

  /** Frees the variables. */
  dispose(): void {
    this.#store.dispose();
  }

  #trace(recorder: Recorder): Traced<T> {
    return mapTree(this.#tree, (_, name) => recorder.variable(name, this.#specs.get(name)!)) as Traced<T>;
  }

  #check(name: string, array: NdArray | undefined): void {
    const spec = this.#specs.get(name);
    if (spec === undefined) throw new ConfigError(`state: there is no '${name}'.${didYouMean(name, this.names)}`);
    if (array === undefined) return;
    checkArray(array, { where: 'state', name });
    if (!sameShape(array.shape, spec.shape)) {
      throw new ShapeError(`state: '${name}' is of shape ${shapeText(spec.shape)}, got ${shapeText(array.shape)}.`);
    }
    if (array.dtype !== spec.dtype) throw new DTypeError(`state: '${name}' is ${spec.dtype}, got ${array.dtype}.`);
  }
}

/** The types of a tree's leaves by flat name; throws DTypeError for what programs cannot compute with. */
export function specsOf(tree: object): Map<string, Spec> {
  const specs = new Map<string, Spec>();
  for (const [name, array] of flatten<NdArray>(tree)) {
    const { shape, dtype } = array;
    if (dtype !== 'float32' && dtype !== 'int32') {
      throw new DTypeError(`state: expected float32 or int32 arrays, got ${dtype} as '${name}'.`);
    }
    checkArray(array, { where: 'state', name });
    specs.set(name, { shape, dtype: dtype satisfies TensorDType });
  }
  return specs;
}
