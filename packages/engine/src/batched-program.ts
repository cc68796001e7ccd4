// Programs have fixed shapes, batches come in all sizes: a batch is cut into blocks of a few sizes, each with a program of its own. It is for functions whose
// rows do not see one another, so that the cuts change nothing.
import { ConfigError, InternalError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Program, ProgramInputs, ProgramOutputs } from './program.ts';
import type { Spec, Tensor } from './record/tensor.ts';

const defaultSizes = [64, 8, 1] as const;

/** One function of rows, run in blocks: every input and output has the rows as its first axis. */
export class BatchedProgram<I extends string, O extends Readonly<Record<string, Tensor>>> {
  readonly #make: (batch: number) => Program<Readonly<Record<I, Spec>>, O>;
  readonly #sizes: readonly number[];
  readonly #programs = new Map<number, Program<Readonly<Record<I, Spec>>, O>>();

  /** `make` records the program for so many rows; `sizes`, descending and ended by 1, are the blocks there may be. */
  constructor(
    make: (batch: number) => Program<Readonly<Record<I, Spec>>, O>,
    { sizes = defaultSizes }: { readonly sizes?: readonly number[] } = {},
  ) {
    if (sizes.at(-1) !== 1 || sizes.some((size, i) => !Number.isInteger(size) || (i > 0 && size >= sizes[i - 1]!))) {
      throw new ConfigError(
        `BatchedProgram: expected whole block sizes in descending order down to 1, got [${sizes.join(', ')}].`,
      );
    }
    this.#make = make;
    this.#sizes = sizes;
  }

  /** The outputs for all rows, joined. There is at least one row, and every input has as many. */
  run(inputs: Readonly<Record<I, NdArray>>): ProgramOutputs<O> {
    const arrays = Object.entries<NdArray>(inputs);
    const rows = arrays[0]?.[1].shape[0] ?? 0;
    if (rows === 0 || arrays.some(([, { shape }]) => shape[0] !== rows)) {
      const got = arrays.map(([name, { shape }]) => `${name} [${shape.join(', ')}]`).join(', ');
      throw new ConfigError(
        `BatchedProgram: expected inputs with one and the same number of rows, 1 or more, got ${got}.`,
      );
    }
    let joined: Record<string, NdArray> | undefined;
    for (let start = 0; start < rows;) {
      const size = this.#sizes.find((block) => block <= rows - start);
      if (size === undefined) throw new InternalError('BatchedProgram: no block fits.');
      const block = Object.fromEntries(arrays.map(([name, array]) => [name, rowsOf(array, start, size)]));
      const part = this.#program(size).run(block as ProgramInputs<Readonly<Record<I, Spec>>>);
      for (const [name, { shape }] of Object.entries<NdArray>(part)) {
        if (shape[0] === size) continue;
        throw new ShapeError(
          `BatchedProgram: expected the output '${name}' with the rows as its first axis, [${size}, ...], got [${shape.join(', ')}].`,
        );
      }
      if (size === rows) return part;
      joined ??= Object.fromEntries(
        Object.entries<NdArray>(part).map(([name, { dtype, shape }]) => [
          name,
          ndarray(dtype as 'float32' | 'int32', [rows, ...shape.slice(1)]),
        ]),
      );
      for (const [name, { data }] of Object.entries<NdArray>(part)) {
        (joined[name]!.data as Float32Array).set(data as Float32Array, (start * data.length) / size);
      }
      start += size;
    }
    return joined as ProgramOutputs<O>;
  }

  dispose(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
  }

  #program(batch: number): Program<Readonly<Record<I, Spec>>, O> {
    let program = this.#programs.get(batch);
    if (program === undefined) {
      program = this.#make(batch);
      this.#programs.set(batch, program);
    }
    return program;
  }
}

function rowsOf({ dtype, shape, data }: NdArray, start: number, size: number): NdArray {
  const width = data.length / shape[0]!;
  return {
    dtype,
    shape: [size, ...shape.slice(1)],
    data: data.subarray(start * width, (start + size) * width),
  } as NdArray;
}
