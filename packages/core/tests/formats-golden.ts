// The arrays of golden/make.py, `arrays`, and a generator of any array.
import { fc } from '@fast-check/vitest';
import { dtypes, elementCount, ndarray, typedArrayOf } from '@tessera/core';
import type { DType, NdArray, TypedArrayOf } from '@tessera/core';

export const arrays: Readonly<Record<string, NdArray>> = {
  float64: ndarray('float64', [2, 2], Float64Array.of(0.5, -1.25, Infinity, 5e-324)),
  float32: ndarray('float32', [1, 2, 3], Float32Array.of(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5)),
  int32: ndarray('int32', [2], Int32Array.of(-(2 ** 31), 2 ** 31 - 1)),
  int64: ndarray('int64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
  uint8: ndarray('uint8', [3], Uint8Array.of(0, 255, 7)),
  bool: ndarray('bool', [2, 1], Uint8Array.of(1, 0)),
  int8: ndarray('int8', [2], Int8Array.of(-128, 127)),
  int16: ndarray('int16', [3], Int16Array.of(-(2 ** 15), 2 ** 15 - 1, 3)),
  uint16: ndarray('uint16', [1], Uint16Array.of(2 ** 16 - 1)),
  uint32: ndarray('uint32', [1], Uint32Array.of(2 ** 32 - 1)),
  uint64: ndarray('uint64', [2], BigUint64Array.of(0n, 2n ** 64n - 1n)),
  scalar: ndarray('int32', [], Int32Array.of(42)),
  empty: ndarray('float32', [3, 0, 2]),
  many_axes: ndarray('uint8', Array(17).fill(1), Uint8Array.of(5)),
};

/** Any array, of any bits; NaNs included, but in one form, for JavaScript may change their bits. */
export const anyArray: fc.Arbitrary<NdArray> = fc
  .record({
    dtype: fc.constantFrom<DType>(...dtypes),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.infiniteStream(fc.nat(255)),
  })
  .map(({ dtype, shape, seed }) => {
    const TypedArray = typedArrayOf(dtype);
    const bytes = new Uint8Array(elementCount(shape) * TypedArray.BYTES_PER_ELEMENT);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (seed.next().value as number) & (dtype === 'bool' ? 1 : 255);
    const data: TypedArrayOf<DType> = new TypedArray(bytes.buffer);
    for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) data[i] = NaN;
    return ndarray(dtype, shape, data);
  });
