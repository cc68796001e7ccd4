// Arrays of one dtype as arrays of another (`np.asarray(x, dtype)`): real numbers are cut off towards zero, what is too large wraps.
import { isBigArray, typedArrayOf } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { TypedArray } from '../types.ts';

/** A fresh array with the values of `values` in `dtype`. */
export function castArray<D extends DType>(values: TypedArray | readonly number[], dtype: D): TypedArrayOf<D> {
  const cast = new (typedArrayOf(dtype))(values.length);
  for (let i = 0; i < cast.length; i++) {
    const value = values[i]!;
    if (isBigArray(cast)) cast[i] = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
    else if (dtype === 'bool') cast[i] = Number(value) === 0 ? 0 : 1;
    else cast[i] = Number(value);
  }
  return cast;
}
