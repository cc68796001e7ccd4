// A program: a plain function of tensors, recorded once for fixed shapes and run as often as wanted on arrays.
import { ConfigError, DTypeError, ShapeError, didYouMean, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { planFlops, planOf } from './execute/plan.ts';
import type { Executable, ProgramRecord, Store } from './execute/store.ts';
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
  body: (inputs: { readonly [K in keyof I]: Tensor }, recorder: Recorder) => Readonly<Record<string, Tensor>>,
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

/** A recorded program. It is compiled at its first run. */
export class Program<I extends InputSpecs, O extends Readonly<Record<string, Tensor>>> {
  readonly name: string;
  readonly #store: Store;
  readonly #record: ProgramRecord;
  readonly #meter: FlopMeter;
  #flops: number | undefined;
  #executable: Executable | undefined;
  #disposed = false;

  constructor(program: ProgramRecord, { store, meter }: { readonly store: Store; readonly meter: FlopMeter }) {
    this.name = program.recorder.name;
    this.#store = store;
    this.#record = program;
    this.#meter = meter;
  }

  /** Floating-point operations of one run, counting products only (matMul, convolution, nearest code). */
  get flops(): number {
    this.#flops ??= planFlops(planOf(this.#record));
    return this.#flops;
  }

  /** The number of ops that a run executes. */
  get opCount(): number {
    return planOf(this.#record).steps.length;
  }

  /**
   * Runs the program once. Its effects on the state happen when everything else has succeeded.
   *
   * Throws ConfigError for missing or unknown inputs, ShapeError and DTypeError for arrays of another type.
   */
  run(inputs: ProgramInputs<I>): ProgramOutputs<O> {
    if (this.#disposed) throw new ConfigError(`program '${this.name}': run after dispose.`);
    const arrays = this.#check(inputs);
    this.#executable ??= this.#store.compile(this.#record);
    const results = this.#executable.run(arrays);
    this.#meter.flops += this.flops;
    return Object.fromEntries(
      [...this.#record.outputs.keys()].map((key, i) => [key, results[i]!]),
    ) as ProgramOutputs<O>;
  }

  /** Frees the program's constants. */
  dispose(): void {
    this.#executable?.dispose();
    this.#executable = undefined;
    this.#disposed = true;
  }

  #check(inputs: ProgramInputs<I>): NdArray[] {
    const specs = this.#record.recorder.inputs;
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
