// Checks that the spaces share: of masks and probabilities, of nested seeds, of JSON from elsewhere. All of them throw ConfigError.
import { ConfigError, isBigArray, typedArrayOf } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import { dtypeOf } from './dtype.ts';
import { describe } from './describe.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

/** Which of mask and probability was given; null counts as not given, as in Gymnasium. */
export function sampleKind(where: string, options: SampleOptions): 'mask' | 'probability' | undefined {
  const has = (value: unknown): boolean => value !== undefined && value !== null;
  if (has(options.mask) && has(options.probability)) {
    throw new ConfigError(`${where}.sample: only one of mask or probability can be provided, got both.`);
  }
  return has(options.mask) ? 'mask' : has(options.probability) ? 'probability' : undefined;
}

/** Numbers in an array or typed array, of this length. */
export function checkNumbers(where: string, what: string, values: unknown, length: number): ArrayLike<number> {
  if (!Array.isArray(values) && (dtypeOf(values) === undefined || isBigArray(values))) {
    throw new ConfigError(`${where}.sample: expected a ${what} of ${length} values, got ${describe(values)}.`);
  }
  const numbers = values as ArrayLike<number>;
  if (numbers.length !== length) {
    throw new ConfigError(`${where}.sample: expected a ${what} of ${length} values, got ${numbers.length}.`);
  }
  return numbers;
}

/** The places of a mask that are 1; all others have to be 0. */
export function allowedBy(where: string, mask: ArrayLike<number>): number[] {
  const allowed: number[] = [];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] !== 0 && mask[i] !== 1) {
      throw new ConfigError(
        `${where}.sample: all values of the mask should be 0 or 1, got ${String(mask[i])} at ${i}.`,
      );
    }
    if (mask[i] === 1) allowed.push(i);
  }
  return allowed;
}

/** Throws unless each probability is in [0, 1]; returns their sum, in order. */
export function sumOfProbabilities(where: string, probability: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probability.length; i++) {
    const p: unknown = probability[i];
    if (!(typeof p === 'number' && p >= 0 && p <= 1)) {
      const got = `got ${String(p)} at ${i}`;
      throw new ConfigError(`${where}.sample: all probabilities should be between 0 and 1, ${got}.`);
    }
    sum += p;
  }
  return sum;
}

/** The probabilities as they are, once they are known to sum to 1 within `tolerance`. */
export function checkDistribution(where: string, probability: ArrayLike<number>, tolerance: number): number {
  const sum = sumOfProbabilities(where, probability);
  if (!(Math.abs(sum - 1) <= tolerance)) {
    throw new ConfigError(`${where}.sample: the sum of the probabilities should be 1, got ${sum}.`);
  }
  return sum;
}

/** `np.isclose` with 1. */
export const isclose: number = 1e-8 + 1e-5;
/** NumPy's own tolerance in `Generator.choice`. */
export const choiceTolerance: number = 1.5e-8;

/** Throws unless `space` is a Space. */
export function checkSpace(where: string, space: unknown): asserts space is Space<unknown> {
  if (space instanceof Space) return;
  throw new ConfigError(`${where}: expected a Space, got ${describe(space)}.`);
}

/** A field of a space's JSON; throws when it is not what `is` says. */
export function field<T>(json: SpaceJSON, name: string, expected: string, is: (value: unknown) => boolean): T {
  const value = Object.hasOwn(json, name) ? json[name] : undefined;
  if (is(value)) return value as T;
  throw new ConfigError(`spaceFromJSON: expected ${name} of ${json.type} to be ${expected}, got ${describe(value)}.`);
}

export const isShape = (value: unknown): boolean =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
export const isString = (value: unknown): boolean => typeof value === 'string';
export const isSafeInteger = (value: unknown): boolean => Number.isSafeInteger(value);
export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
export const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A typed array of zeros; throws ConfigError, not RangeError, where there is no memory for it. */
export function allocate<D extends DType>(where: string, dtype: D, count: number): TypedArrayOf<D> {
  try {
    return new (typedArrayOf(dtype))(count);
  } catch (cause) {
    throw new ConfigError(`${where}: no memory for ${count} values of ${dtype}. Use a smaller space.`, { cause });
  }
}
