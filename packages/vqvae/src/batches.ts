// Programs have fixed shapes, batches come in all sizes: a batch is cut into blocks of a few sizes, each with its own program. Rows do not see one another,
// so the cuts change nothing.
import { elementCount, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Program, Spec, Tensor } from '@tessera/engine';

const blockSizes = [64, 8, 1] as const;

/** One function of a batch `x`, run in blocks. */
export class Batches<O extends Readonly<Record<string, Tensor>>> {
  readonly #make: (batch: number) => Program<{ x: Spec }, O>;
  readonly #programs = new Map<number, Program<{ x: Spec }, O>>();

  constructor(make: (batch: number) => Program<{ x: Spec }, O>) {
    this.#make = make;
  }

  /** The output `key` for all rows of `x`, joined. `x` has at least one row. */
  run(x: NdArray, key: keyof O): NdArray {
    const [batch, ...row] = x.shape as [number, ...number[]];
    const width = elementCount(row);
    let joined: NdArray<'float32' | 'int32'> | undefined;
    for (let start = 0; start < batch;) {
      const size = blockSizes.find((block) => block <= batch - start)!;
      const data = x.data.subarray(start * width, (start + size) * width);
      const part = this.#program(size).run({ x: { dtype: x.dtype, shape: [size, ...row], data } as NdArray })[key];
      if (size === batch) return part;
      joined ??= ndarray(part.dtype as 'float32' | 'int32', [batch, ...part.shape.slice(1)]);
      joined.data.set(part.data as never, (start * part.data.length) / size);
      start += size;
    }
    return joined!;
  }

  dispose(): void {
    for (const program of this.#programs.values()) program.dispose();
    this.#programs.clear();
  }

  #program(batch: number): Program<{ x: Spec }, O> {
    let program = this.#programs.get(batch);
    if (program === undefined) {
      program = this.#make(batch);
      this.#programs.set(batch, program);
    }
    return program;
  }
}
