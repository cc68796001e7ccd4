// The bounds of a Box: checked, cast to its dtype, written as JSON and read from it.
import { ConfigError, isBigArray, isBigDType, ShapeError } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { TypedArray } from '../types.ts';
import { allocate, field } from './checks.ts';
import { describe } from './describe.ts';
import { dtypeFacts, dtypeOf } from './dtype.ts';
import type { SpaceJSON } from './space.ts';

/** One bound for all coordinates, or one for each in row-major order. */
export type Bound = number | bigint | ArrayLike<number | bigint>;

const isScalar = (bound: Bound): bound is number | bigint => typeof bound === 'number' || typeof bound === 'bigint';

/** Throws ConfigError unless it is a number or a flat array of numbers. */
export function checkBound(which: 'low' | 'high', bound: unknown): asserts bound is Bound {
  if (typeof bound === 'number' || typeof bound === 'bigint' || dtypeOf(bound) !== undefined) return;
  const isNumber = (x: unknown): boolean => typeof x === 'number' || typeof x === 'bigint';
  if (Array.isArray(bound) && bound.every(isNumber)) return;
  throw new ConfigError(`Box: expected ${which} to be a number or a flat array of numbers, got ${describe(bound)}.`);
}

/** A copy of the shape; throws ConfigError when it is no array. */
export function checkShape(shape: unknown): number[] {
  if (Array.isArray(shape)) return [...(shape as number[])];
  throw new ConfigError(`Box: expected shape to be an array of sizes, got ${describe(shape)}.`);
}

/** The shape of the bounds that are arrays, else `[1]`. Throws ShapeError when they differ. */
export function inferShape(low: Bound, high: Bound): number[] {
  if (!isScalar(low) && !isScalar(high) && low.length !== high.length) {
    throw new ShapeError(`Box: low and high don't match, low has ${low.length} values and high has ${high.length}.`);
  }
  if (!isScalar(low)) return [low.length];
  return isScalar(high) ? [1] : [high.length];
}

/**
 * The bound of every coordinate in the dtype, and a 1 where it is finite. Throws ShapeError for another number of them, ConfigError for NaN and for
 * what the dtype does not hold.
 */
export function castBound<D extends DType>(
  which: 'low' | 'high',
  bound: Bound,
  dtype: D,
  count: number,
  shape: readonly number[],
): [values: TypedArrayOf<D>, isBounded: Uint8Array] {
  if (!isScalar(bound) && bound.length !== count) {
    const got = `${which} has ${bound.length} values, shape=[${shape.join(', ')}]`;
    throw new ShapeError(`Box: ${which} doesn't match the provided shape, ${got}.`);
  }
  const { kind, min, max } = dtypeFacts(dtype);
  const infinite = which === 'low' ? -Infinity : Infinity;
  const values = allocate('Box', dtype, count);
  const isBounded = allocate('Box', 'uint8', count);
  for (let i = 0; i < count; i++) {
    const value = isScalar(bound) ? bound : bound[i]!;
    if (Number.isNaN(Number(value))) {
      throw new ConfigError(`Box: no ${which} value can be NaN, got ${String(value)} at ${i}.`);
    }
    if (value === infinite) {
      if (kind === 'u' || kind === 'b') {
        throw new ConfigError(`Box: ${dtype} doesn't support ${which}=${value}. Give a finite bound.`);
      }
      assign(values, i, kind === 'f' ? value : which === 'low' ? min : max);
    } else if (!(value >= min && value <= max) && !(kind === 'f' && Math.abs(Number(value)) === Infinity)) {
      const range = `[${min}, ${max}]`;
      throw new ConfigError(`Box: ${which} is out of the range of ${dtype}, ${which}=${value}, range ${range}.`);
    } else {
      if (kind !== 'f' && typeof value === 'number' && !Number.isInteger(value)) {
        throw new ConfigError(`Box: expected whole numbers for ${dtype}, got ${which}=${value}.`);
      }
      assign(values, i, value);
      isBounded[i] = 1;
    }
  }
  return [values, isBounded];
}

function assign(values: TypedArray, i: number, value: number | bigint): void {
  if (isBigArray(values)) values[i] = BigInt(value);
  else values[i] = Number(value);
}

const decimal = /^(-?\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,4})?|-?Infinity)$/;
const whole = /^(-?\d{1,20}|-?Infinity)$/;

/** A bound as text, one for all coordinates where they agree. */
export function boundTexts(bound: TypedArray, isBounded: Uint8Array, infinite: string): string | string[] {
  // String() would lose the sign of -0.
  const digits = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value));
  const texts = Array.from(bound as ArrayLike<number | bigint>, (value, i) =>
    isBounded[i] ? digits(value) : infinite,
  );
  return texts.length > 0 && texts.every((text) => text === texts[0]) ? texts[0]! : texts;
}

/** The bound that `boundTexts` wrote under this name. Throws ConfigError for anything else. */
export function boundFromJson(json: SpaceJSON, name: 'low' | 'high', dtype: DType): Bound {
  const isWhole = isBigDType(dtype);
  const isBound = (text: unknown): boolean => typeof text === 'string' && (isWhole ? whole : decimal).test(text);
  const parse = (text: string): number | bigint =>
    isWhole && !text.endsWith('Infinity') ? BigInt(text) : Number(text);
  const given = field<string | string[]>(json, name, 'a number as text, or an array of them', (value) =>
    Array.isArray(value) ? value.every(isBound) : isBound(value),
  );
  return typeof given === 'string' ? parse(given) : given.map(parse);
}
