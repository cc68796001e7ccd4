// Values that are part of a program: constants from arrays, and filled tensors.
import type { NdArray } from '@tessera/core';
import { DTypeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { size } from './shapes.ts';

interface ConstantAttrs {
  readonly array: NdArray<'float32'> | NdArray<'int32'>;
}

/** Executors keep the buffer of a constant for the life of the program instead of calling its lowering at each run. */
export const constantOp: Op<ConstantAttrs> = defineOp<ConstantAttrs>({
  name: 'constant',
  infer: (_, { array: { shape, dtype } }) => [{ shape, dtype }],
  kernel: (k, _, { array: { data, shape, dtype } }) => [k.write(data, shape, dtype)],
  graph: (g, _, { array }) => [g.writer.constant(array, { name: g.origin, origin: g.origin })],
});

/** A tensor with the content of `array` (float32 or int32) when the program was recorded. */
export function constant(array: NdArray): Tensor {
  if (array.dtype !== 'float32' && array.dtype !== 'int32') {
    throw new DTypeError(`constant: expected a float32 or int32 array, got ${array.dtype}. Convert it first.`);
  }
  const { shape } = array;
  const copy =
    array.dtype === 'float32'
      ? { shape, dtype: array.dtype, data: (array.data as Float32Array).slice() }
      : { shape, dtype: array.dtype, data: (array.data as Int32Array).slice() };
  return applyOne(constantOp, [], { array: copy });
}

/** A float32 tensor of one value everywhere. */
export function fill(shape: readonly number[], value: number): Tensor {
  return constant({ dtype: 'float32', shape, data: new Float32Array(size(shape)).fill(value) });
}

/** `x` itself, or a number as a scalar tensor. */
export function tensorOf(x: Tensor | number): Tensor {
  return typeof x === 'number' ? fill([], x) : x;
}

/** A float32 tensor of zeros. */
export function zeros(spec: Pick<Spec, 'shape'>): Tensor {
  return fill(spec.shape, 0);
}
