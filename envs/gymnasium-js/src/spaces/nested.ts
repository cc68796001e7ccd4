// Flat arrays as JSON: arrays in arrays along the axes of a shape, as NumPy's `tolist` gives them, and back.
import { ConfigError, elementCount, isBigDType } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { TypedArray } from '../types.ts';
import { allocate } from './checks.ts';
import { describe } from './describe.ts';
import { dtypeFacts } from './dtype.ts';

/** `array.tolist()`. JSON has neither infinities nor NaN nor -0 nor whole numbers beyond 2^53: these become text. */
export function nestArray(values: TypedArray, shape: readonly number[], dtype?: DType): unknown {
  const plain = Array.from(values as ArrayLike<number | bigint>, (value): number | boolean | string => {
    const number = Number(value);
    if (dtype === 'bool') return number !== 0;
    // JSON.stringify(-0) is 0.
    if (Object.is(value, -0)) return '-0';
    const isExact = typeof value === 'bigint' ? Number.isSafeInteger(number) : Number.isFinite(value);
    return isExact ? number : String(value);
  });
  const nest = (axis: number, from: number, count: number): unknown => {
    if (axis === shape.length) return plain[from];
    const step = shape[axis] === 0 ? 0 : count / shape[axis]!;
    return Array.from({ length: shape[axis]! }, (_, i) => nest(axis + 1, from + i * step, step));
  };
  return nest(0, 0, plain.length);
}

/** A batch of arrays that `nestArray` wrote down. Throws ConfigError unless each has this shape and numbers that the dtype can hold. */
export function arraysFromJson<D extends DType>(
  where: string,
  json: unknown,
  shape: readonly number[],
  dtype: D,
): TypedArrayOf<D>[] {
  if (!Array.isArray(json)) {
    throw new ConfigError(`${where}.fromJsonable: expected an array of samples, got ${describe(json)}.`);
  }
  return json.map((sample) => arrayFromJson(where, sample, shape, dtype));
}

function arrayFromJson<D extends DType>(
  where: string,
  json: unknown,
  shape: readonly number[],
  dtype: D,
): TypedArrayOf<D> {
  const values = allocate(where, dtype, elementCount(shape));
  let next = 0;
  const fill = (part: unknown, axis: number): void => {
    if (axis === shape.length) values[next++] = element(where, part, dtype) as never;
    else if (Array.isArray(part) && part.length === shape[axis]) for (const inner of part) fill(inner, axis + 1);
    else {
      const expected = `an array of ${shape[axis]} values on axis ${axis}`;
      throw new ConfigError(`${where}.fromJsonable: expected ${expected}, got ${describe(part)}.`);
    }
  };
  fill(json, 0);
  return values;
}

function element(where: string, json: unknown, dtype: DType): number | bigint {
  const { kind, min, max } = dtypeFacts(dtype);
  const value = parse(json);
  const fits = kind === 'f' ? value !== undefined : isWhole(value) && value! >= min && value! <= max;
  if (!fits) throw new ConfigError(`${where}.fromJsonable: expected a number of ${dtype}, got ${describe(json)}.`);
  return isBigDType(dtype) ? BigInt(value!) : Number(value);
}

function parse(json: unknown): number | bigint | undefined {
  if (typeof json === 'number') return json;
  // NumPy's own truth values.
  if (typeof json === 'boolean') return Number(json);
  if (typeof json !== 'string') return undefined;
  if (['Infinity', '-Infinity', 'NaN', '-0'].includes(json)) return Number(json);
  return /^-?\d{1,20}$/.test(json) ? BigInt(json) : undefined;
}

const isWhole = (value: number | bigint | undefined): boolean => typeof value === 'bigint' || Number.isInteger(value);
