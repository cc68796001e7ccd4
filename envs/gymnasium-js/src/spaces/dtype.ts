// Ranges of dtypes and NumPy's rules for safe casts between them, as far as spaces need them.
import { DTypeError } from '@tessera/core';
import type { DType } from '@tessera/core';
import type { TypedArray } from '../types.ts';

/** Whether a dtype holds real numbers, signed or unsigned whole numbers, or truth values: NumPy's `dtype.kind`. */
export type DTypeKind = 'f' | 'i' | 'u' | 'b';

interface DTypeFacts {
  readonly kind: DTypeKind;
  readonly bits: number;
  readonly min: number | bigint;
  readonly max: number | bigint;
}

const signed = (bits: number): DTypeFacts => ({ kind: 'i', bits, min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
const unsigned = (bits: number): DTypeFacts => ({ kind: 'u', bits, min: 0, max: 2 ** bits - 1 });
const largestFloat32 = (2 - 2 ** -23) * 2 ** 127;

const facts: { readonly [D in DType]: DTypeFacts } = {
  float64: { kind: 'f', bits: 64, min: -Number.MAX_VALUE, max: Number.MAX_VALUE },
  float32: { kind: 'f', bits: 32, min: -largestFloat32, max: largestFloat32 },
  int64: { kind: 'i', bits: 64, min: -(2n ** 63n), max: 2n ** 63n - 1n },
  int32: signed(32),
  int16: signed(16),
  int8: signed(8),
  uint64: { kind: 'u', bits: 64, min: 0n, max: 2n ** 64n - 1n },
  uint32: unsigned(32),
  uint16: unsigned(16),
  uint8: unsigned(8),
  bool: { kind: 'b', bits: 8, min: 0, max: 1 },
};

/** Kind, size and range of a dtype; throws DTypeError for a word that is none. */
export function dtypeFacts(dtype: DType): DTypeFacts {
  if (!Object.hasOwn(facts, dtype)) {
    const known = Object.keys(facts).join(', ');
    throw new DTypeError(`Box: expected a dtype out of ${known}, got ${JSON.stringify(dtype)}.`);
  }
  return facts[dtype];
}

/** `np.can_cast(from, to)`: whether every value of `from` has its place in `to`. */
export function canCast(from: DType, to: DType): boolean {
  const a = dtypeFacts(from);
  const b = dtypeFacts(to);
  if (from === to || a.kind === 'b') return true;
  if (b.kind === 'b') return false;
  if (a.kind === b.kind) return a.bits <= b.bits;
  if (b.kind === 'f') return a.kind !== 'f' && (b.bits === 64 || a.bits <= 16);
  return a.kind === 'u' && b.kind === 'i' && a.bits < b.bits;
}

/** `np.result_type`: the smallest dtype that all of these cast into; float64 for none. */
export function resultType(dtypes: readonly DType[]): DType {
  const reals = dtypes.filter((dtype) => dtypeFacts(dtype).kind === 'f');
  // The widest float decides first: int16 and uint16 together would ask for float64, each of them alone does not.
  const first = reals.includes('float64') ? 'float64' : (reals[0] ?? dtypes[0] ?? 'float64');
  const widened = reals.length > 0 ? dtypes.map((dtype) => promote(dtype, first)) : dtypes;
  return widened.reduce(promote, first);
}

function promote(a: DType, b: DType): DType {
  const wide: readonly DType[] = ['int8', 'int16', 'int32', 'int64', 'float32', 'float64'];
  if (canCast(a, b)) return b;
  return canCast(b, a) ? a : wide.find((dtype) => canCast(a, dtype) && canCast(b, dtype))!;
}

/** The dtype of a typed array's elements; undefined for anything else. A Uint8Array may also stand for bool. */
export function dtypeOf(x: unknown): DType | undefined {
  if (x instanceof Uint8Array) return 'uint8';
  if (x instanceof Float32Array) return 'float32';
  if (x instanceof Float64Array) return 'float64';
  if (x instanceof Int32Array) return 'int32';
  if (x instanceof BigInt64Array) return 'int64';
  if (x instanceof BigUint64Array) return 'uint64';
  if (x instanceof Int8Array) return 'int8';
  if (x instanceof Int16Array) return 'int16';
  if (x instanceof Uint16Array) return 'uint16';
  if (x instanceof Uint32Array) return 'uint32';
  return undefined;
}

/** Whether `x` is a typed array that stores `dtype`. */
export function isTypedArrayOf(x: unknown, dtype: DType): x is TypedArray {
  return dtypeOf(x) === (dtype === 'bool' ? 'uint8' : dtype);
}
