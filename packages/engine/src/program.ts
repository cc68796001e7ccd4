// A program: a plain function of tensors, recorded once for fixed shapes and run as often as wanted on arrays.
import { BackendError, ConfigError, DTypeError, ShapeError, didYouMean, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { NotRecordableError, read } from './execute/eager.ts';
import { planFlops, planOf } from './execute/plan.ts';
import type { Executable, ProgramRecord, Store } from './execute/store.ts';
import { constant } from './ops/constant.ts';
import { sameShape, shapeText } from './ops/shapes.ts';
import { checkArray } from './record/check-array.ts';
import { Recorder, recording } from './record/recorder.ts';
import { Tensor, specText } from './record/tensor.ts';
import type { Spec } from './record/tensor.ts';

/** Types of the inputs by name. */
export type InputSpecs = Readonly<Record<string, Spec>>;

/** What `run` takes: an array for each input, or a number for a scalar. */
export type ProgramInputs<I extends InputSpecs> = { readonly [K in keyof I]: NdArray | number };

/** What `run` returns: an array for each tensor that the function returned. */
export type ProgramOutputs<O> = { readonly [K in keyof O]: NdArray };

/** Records `body`. */
export function record<I extends InputSpecs>(
  name: string,
  inputs: I,
  body: ProgramBody<I>,
  options: { readonly ownKernels?: boolean } = {},
): ProgramRecord {
  const recorder = new Recorder(name, options);
  const tensors = Object.fromEntries(Object.entries(inputs).map(([key, spec]) => [key, recorder.input(key, spec)]));
  const outputs = recording(recorder, () => body(tensors as { [K in keyof I]: Tensor }, recorder));
  const returned: unknown = outputs;
  if (typeof returned !== 'object' || returned === null || returned instanceof Tensor) {
    const got = returned instanceof Tensor ? 'a tensor without a name' : String(returned);
    throw new ConfigError(
      `program '${name}': expected its function to return tensors by name, like { loss }, got ${got}.`,
    );
  }
  for (const [key, output] of Object.entries(outputs)) {
    if (!(output instanceof Tensor)) {
      throw new ConfigError(
        `program '${name}': expected its function to return tensors by name, got ${typeof output} as '${key}'.`,
      );
    }
    recorder.check(`program '${name}'`, [output]);
  }
  return { recorder, outputs: new Map(Object.entries(outputs)) };
}

/** Counts what the programs of an engine have computed. */
export interface FlopMeter {
  flops: number;
}

/** What stands behind a program. */
interface Runner {
  /** Of one run. */
  readonly flops: number;
  readonly opCount: number;
  /** Arrays in the order of the inputs, results by name. */
  run(arrays: readonly NdArray[]): Readonly<Record<string, NdArray>>;
  dispose(): void;
}

/** A recorded program, compiled at its first run. */
class RecordedRunner implements Runner {
  readonly #store: Store;
  readonly #record: ProgramRecord;
  #flops: number | undefined;
  #executable: Executable | undefined;

  constructor(program: ProgramRecord, store: Store) {
    this.#record = program;
    this.#store = store;
  }

  get flops(): number {
    this.#flops ??= planFlops(planOf(this.#record));
    return this.#flops;
  }

  get opCount(): number {
    return planOf(this.#record).steps.length;
  }

  run(arrays: readonly NdArray[]): Readonly<Record<string, NdArray>> {
    this.#executable ??= this.#store.compile(this.#record);
    const results = this.#executable.run(arrays);
    return Object.fromEntries([...this.#record.outputs.keys()].map((key, i) => [key, results[i]!]));
  }

  dispose(): void {
    this.#executable?.dispose();
    this.#executable = undefined;
  }
}

/** The function of a program: what it computes on tensors. */
export type ProgramBody<I extends InputSpecs> = (
  inputs: { readonly [K in keyof I]: Tensor },
  recorder: Recorder,
) => Readonly<Record<string, Tensor>>;

/** What programs of one state are made with. */
export interface ProgramContext {
  readonly store: Store;
  readonly meter: FlopMeter;
  readonly ownKernels: boolean;
  /** Runs a function op by op on the state. */
  readonly eager: <R>(body: (recorder: Recorder) => R) => R;
  /** Told of a program that runs op by op. */
  readonly warn: (line: string) => void;
}

/** A program of `body`: recorded, or run op by op where it asks for numbers on its way. */
export function makeProgram<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>>(
  name: string,
  inputs: I,
  body: ProgramBody<I>,
  { store, meter, ownKernels, eager, warn }: ProgramContext,
): Program<I, O> {
  try {
    const recorded = record(name, inputs, body, { ownKernels });
    return new Program(name, inputs, { runner: new RecordedRunner(recorded, store), meter });
  } catch (error) {
    if (!(error instanceof NotRecordableError)) throw error;
    warn(`program '${name}': it reads numbers on its way, so it cannot be recorded and runs op by op, which is slow.`);
    const run = (arrays: readonly NdArray[]): Record<string, NdArray> =>
      eager((recorder) => {
        const tensors = Object.fromEntries(Object.keys(inputs).map((key, i) => [key, constant(arrays[i]!)]));
        const outputs = body(tensors as { [K in keyof I]: Tensor }, recorder);
        return Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [key, read(tensor)]));
      });
    const runner = { flops: 0, opCount: 0, run, dispose: () => undefined };
    return new Program(name, inputs, { runner, meter });
  }
}

/** What runtimes say when memory has run out: JavaScript, TensorFlow.js's wasm heap, TensorFlow. */
const outOfMemory =
  /Invalid typed array length|Array buffer allocation failed|memory access out of bounds|Cannot enlarge memory|OOM when allocating|bad_alloc|RESOURCE_EXHAUSTED|offset is out of bounds/;

function withMemory<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    const { message } = cause as Error;
    if (!outOfMemory.test(message)) throw cause;
    throw new BackendError(
      `program '${name}': out of memory (${message}). Use smaller batches or a smaller model, or another backend.`,
      { cause },
    );
  }
}

/** A function of tensors with fixed shapes, run as often as wanted on arrays. */
export class Program<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>> {
  readonly name: string;
  readonly #inputs: I;
  readonly #runner: Runner;
  readonly #meter: FlopMeter;
  #disposed = false;

  constructor(name: string, inputs: I, { runner, meter }: { readonly runner: Runner; readonly meter: FlopMeter }) {
    this.name = name;
    this.#inputs = inputs;
    this.#runner = runner;
    this.#meter = meter;
  }

  /** Floating-point operations of one run, counting products only (matMul, convolution, nearest code); 0 for a program that runs op by op. */
  get flops(): number {
    return this.#runner.flops;
  }

  /** The number of ops that a run executes; 0 for a program that runs op by op. */
  get opCount(): number {
    return this.#runner.opCount;
  }

  /**
   * Runs the program once. Its effects on the state happen when everything else has succeeded.
   *
   * Throws ConfigError for missing or unknown inputs, ShapeError and DTypeError for arrays of another type.
   */
  run(inputs: ProgramInputs<I>): ProgramOutputs<O> {
    if (this.#disposed) throw new ConfigError(`program '${this.name}': run after dispose.`);
    const arrays = this.#check(inputs);
    const results = withMemory(this.name, () => this.#runner.run(arrays));
    this.#meter.flops += this.flops;
    return results as ProgramOutputs<O>;
  }

  /** Frees the program's constants. */
  dispose(): void {
    this.#runner.dispose();
    this.#disposed = true;
  }

  #check(inputs: ProgramInputs<I>): NdArray[] {
    const specs = new Map<string, Spec>(Object.entries(this.#inputs));
    for (const key of Object.keys(inputs)) {
      if (!specs.has(key)) {
        throw new ConfigError(
          `program '${this.name}': expected the inputs ${[...specs.keys()].join(', ') || '(none)'}, got '${key}'.${didYouMean(key, [...specs.keys()])}`,
        );
      }
    }
    return [...specs].map(([key, spec]) => {
      const given: NdArray | number | undefined = inputs[key];
      if (given === undefined || given === null)
        throw new ConfigError(`program '${this.name}': the input '${key}' (${specText(spec)}) is missing.`);
      const array = typeof given === 'number' ? scalarOf(given, spec) : given;
      checkArray(array, { where: `program '${this.name}'`, name: key });
      if (!sameShape(array.shape, spec.shape)) {
        throw new ShapeError(
          `program '${this.name}': expected '${key}' of shape ${shapeText(spec.shape)}, got ${shapeText(array.shape)}.`,
        );
      }
      if (array.dtype !== spec.dtype) {
        throw new DTypeError(
          `program '${this.name}': expected '${key}' as ${spec.dtype}, got ${array.dtype}. Convert it first.`,
        );
      }
      return array;
    });
  }
}

function scalarOf(value: number, { dtype }: Spec): NdArray {
  return dtype === 'int32'
    ? ndarray('int32', [], Int32Array.of(value))
    : ndarray('float32', [], Float32Array.of(value));
}
