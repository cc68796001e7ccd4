// A plain array in JavaScript memory: a flat typed array in row-major order with its shape. The currency of files, streams and programs.
// It computes nothing; that is the engine's work.
import { DTypeError, ShapeError } from './errors.ts';

/** How elements are stored. `bool` is a byte of 0 or 1; `int64` and `uint64` hold bigints. */
export type DType =
  'float64' | 'float32' | 'int32' | 'int64' | 'uint8' | 'bool' | 'int8' | 'int16' | 'uint16' | 'uint32' | 'uint64';

interface TypedArrays {
  float64: Float64Array;
  float32: Float32Array;
  int32: Int32Array;
  int64: BigInt64Array;
  uint8: Uint8Array;
  bool: Uint8Array;
  int8: Int8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
}

/** The typed array that holds elements of dtype `D`. */
export type TypedArrayOf<D extends DType> = TypedArrays[D];

/** A flat typed array in row-major order with its shape. */
export interface NdArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TypedArrayOf<D>;
}

interface TypedArrayConstructor<D extends DType> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): TypedArrayOf<D>;
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TypedArrayOf<D>;
}

const constructors: { readonly [D in DType]: TypedArrayConstructor<D> } = {
  float64: Float64Array,
  float32: Float32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
};

/** Every dtype there is. */
export const dtypes: readonly DType[] = Object.keys(constructors) as DType[];

/** The class of typed array that holds `dtype`. */
export function typedArrayOf<D extends DType>(dtype: D): TypedArrayConstructor<D> {
  if (!Object.hasOwn(constructors, dtype)) {
    throw new DTypeError(`ndarray: expected a dtype out of ${dtypes.join(', ')}, got ${JSON.stringify(dtype)}.`);
  }
  return constructors[dtype];
}

/** Whether a typed array holds bigints: its dtype is int64 or uint64. */
export function isBigArray(array: unknown): array is BigInt64Array | BigUint64Array {
  return array instanceof BigInt64Array || array instanceof BigUint64Array;
}

/** Whether arrays of `dtype` hold bigints. */
export function isBigDType(dtype: unknown): dtype is 'int64' | 'uint64' {
  return dtype === 'int64' || dtype === 'uint64';
}

/** Bytes of one element of `dtype`. */
export function bytesPerElement(dtype: DType): number {
  return typedArrayOf(dtype).BYTES_PER_ELEMENT;
}

/**
 * The number of elements of an array of this shape, `prod(shape)`; 1 for the shape `[]`. Throws ShapeError, which begins with `where`, for sizes that are no
 * counts or whose product is beyond `2^53 - 1`.
 */
export function elementCount(shape: readonly number[], where = 'ndarray'): number {
  let count = 1;
  let positive = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ShapeError(`${where}: expected a shape of whole numbers >= 0, got [${shape.join(', ')}].`);
    }
    count *= size;
    // A zero must not hide that the other sizes overflow.
    positive *= size || 1;
  }
  if (!Number.isSafeInteger(positive)) {
    throw new ShapeError(`${where}: the shape [${shape.join(', ')}] has more elements than any array can hold.`);
  }
  return count;
}

/**
 * An array of the given dtype and shape over `data` (not copied), or of zeros when `data` is left out.
 *
 * Throws DTypeError when `data` is another kind of typed array, ShapeError when its length is not `prod(shape)`.
 */
export function ndarray<D extends DType>(dtype: D, shape: readonly number[], data?: TypedArrayOf<D>): NdArray<D> {
  const TypedArray = typedArrayOf(dtype);
  const count = elementCount(shape);
  if (data === undefined) return { dtype, shape: [...shape], data: zeros(TypedArray, count, shape) };
  if (!(data instanceof TypedArray)) {
    throw new DTypeError(`ndarray: ${dtype} data is a ${TypedArray.name}, got ${kindOf(data)}.`);
  }
  if (data.length !== count) {
    throw new ShapeError(
      `ndarray: the shape [${shape.join(', ')}] has ${count} elements, but the data has ${data.length}.`,
    );
  }
  return { dtype, shape: [...shape], data };
}

function zeros<D extends DType>(
  TypedArray: TypedArrayConstructor<D>,
  count: number,
  shape: readonly number[],
): TypedArrayOf<D> {
  try {
    return new TypedArray(count);
  } catch (cause) {
    const message = `ndarray: no memory for the shape [${shape.join(', ')}], ${count} elements of ${TypedArray.BYTES_PER_ELEMENT} bytes.`;
    throw new ShapeError(message, { cause });
  }
}

function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
