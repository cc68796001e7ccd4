// The linear map from one Box onto another (rescale_box of gymnasium/wrappers/utils.py).
import { ConfigError, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { InvalidBound } from '../errors.ts';
import { Box } from '../spaces/box.ts';
import type { Bound } from '../spaces/box.ts';
import type { TypedArray } from '../types.ts';

type RealArray = Float32Array | Float64Array;

/** A Box, and the maps to it from the one it was made of and back. */
export interface Rescaling {
  readonly space: Box<DType>;
  readonly forward: (values: RealArray) => RealArray;
  readonly backward: (values: RealArray) => RealArray;
}

/**
 * Maps the bounds of `box` onto `newMin` and `newMax`; a coordinate with an infinite bound is shifted only.
 *
 * Throws ConfigError for a dtype that is not real, whose gradient Gymnasium would round to a whole number, and InvalidBound for bounds that
 * do not fit: infinite ones must be the old ones.
 */
export function rescaleBox(where: string, box: Box<DType>, newMin: Bound, newMax: Bound): Rescaling {
  const { dtype, low, high } = box as unknown as Box<'float64'>;
  if (!(low instanceof Float32Array || low instanceof Float64Array)) {
    const wayOut = 'Put DtypeObservation({ dtype: "float32" }) before it';
    throw new ConfigError(`${where}: expected a Box of float32 or float64, got ${box.toString()}. ${wayOut}.`);
  }
  const count = low.length;
  const [min, max] = [spread(where, 'min', newMin, count), spread(where, 'max', newMax, count)];
  const Real = typedArrayOf(dtype) as unknown as { new (length: number): RealArray };
  const [gradient, intercept] = [new Real(count).fill(1), new Real(count)];
  for (let i = 0; i < count; i++) {
    const [a, b, lowest, highest] = [min[i]!, max[i]!, low[i]!, high[i]!];
    const keepsInfinite =
      (Number.isFinite(a) && Number.isFinite(lowest) ? true : a === lowest) &&
      (Number.isFinite(b) && Number.isFinite(highest) ? true : b === highest);
    if (!keepsInfinite || !(a <= b)) {
      const got = `[${a}, ${b}] for [${lowest}, ${highest}] at ${i}`;
      throw new InvalidBound(
        `${where}: expected bounds min <= max, infinite where those of the space are, got ${got}.`,
      );
    }
    if (Number.isFinite(a) && Number.isFinite(b)) gradient[i] = quotient(b - a, highest, lowest);
    if (Number.isFinite(b)) intercept[i] = b - highest;
    // The product is rounded to the dtype, the sum is not: the new bounds are doubles.
    if (Number.isFinite(a)) intercept[i] = round(dtype, gradient[i]! * -lowest) + a;
  }
  const space = new Box<DType>({ low: min, high: max, shape: box.shape, dtype });
  return {
    space,
    forward: (values) => {
      const out = new Real(count);
      for (let i = 0; i < count; i++) out[i] = round(dtype, gradient[i]! * values[i]!) + intercept[i]!;
      return out;
    },
    backward: (values) => {
      const out = new Real(count);
      for (let i = 0; i < count; i++) out[i] = round(dtype, values[i]! - intercept[i]!) / gradient[i]!;
      return out;
    },
  };
}

function spread(where: string, which: string, bound: Bound, count: number): Float64Array {
  const isOne = typeof bound === 'number' || typeof bound === 'bigint';
  const values = isOne ? new Float64Array(count).fill(Number(bound)) : Float64Array.from(Array.from(bound, Number));
  if (values.length === count && !values.some(Number.isNaN)) return values;
  const got = isOne ? String(bound) : `${values.length} values`;
  throw new InvalidBound(`${where}: expected a number or ${count} of them as ${which}, got ${got}.`);
}

const round = (dtype: DType, value: number): number => (dtype === 'float32' ? Math.fround(value) : value);

// `x / (high - low)`, rounded once: Gymnasium subtracts in long double. The difference is kept as the sum of two doubles (Knuth's TwoSum),
// and the quotient corrected by what is left over (Dekker's product).
function quotient(x: number, high: number, low: number): number {
  const sum = high - low;
  const part = sum - high;
  const error = high - (sum - part) + (-low - part);
  const first = x / sum;
  if (!Number.isFinite(first) || Math.abs(first) > 1e150 || Math.abs(sum) > 1e150) return first;
  const product = first * sum;
  const [a, b] = [split(first), split(sum)];
  const lost = a[0] * b[0] - product + a[0] * b[1] + a[1] * b[0] + a[1] * b[1];
  return first + (x - product - lost - first * error) / sum;
}

function split(x: number): readonly [high: number, low: number] {
  const c = (2 ** 27 + 1) * x;
  const high = c - (c - x);
  return [high, x - high];
}

/** Bounds as plain numbers, as a spec keeps them. */
export function plainBound(bound: Bound): number | number[] {
  return typeof bound === 'number' || typeof bound === 'bigint'
    ? Number(bound)
    : Array.from(bound as TypedArray, Number);
}
