// Numbers of any kind into arrays of one dtype.
import { isBigArray, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import type { TypedArray } from 'gymnasium-js';

/** An array of zeros in memory of its own. */
export function columnOf(dtype: DType, length: number): TypedArray & { readonly buffer: ArrayBuffer } {
  return new (typedArrayOf(dtype))(length) as TypedArray & { readonly buffer: ArrayBuffer };
}

/** Puts `count` values, from index `from` on, into a column at index `at`. */
export function put(
  column: TypedArray,
  at: number,
  values: ArrayLike<number | bigint>,
  from: number,
  count: number,
): void {
  const isBig = isBigArray(column);
  for (let k = 0; k < count; k++) {
    const value = values[from + k]!;
    column[at + k] = (isBig ? BigInt(value) : Number(value)) as never;
  }
}
