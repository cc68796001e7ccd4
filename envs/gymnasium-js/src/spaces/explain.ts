// Says in what a value differs from the members of a space, for error messages.
import type { TypedArray } from '../types.ts';
import { Box } from './box.ts';
import { isObject } from './checks.ts';
import { describe } from './describe.ts';
import { Dict } from './dict.ts';
import { isTypedArrayOf } from './dtype.ts';
import type { Space } from './space.ts';
import { Tuple } from './tuple.ts';

export { describe } from './describe.ts';

/** What was expected and what came, for a value that is not in the space; undefined for one that is, dtype included. */
export function explainMismatch(space: Space<unknown>, x: unknown): string | undefined {
  if (space instanceof Dict && isObject(x) && space.keys.every((key) => Object.hasOwn(x as object, key))) {
    const part = (key: string): unknown => (x as Record<string, unknown>)[key];
    const odd = firstMismatch(space.keys, (key) => explainMismatch(space.spaces[key]!, part(key)));
    if (odd !== undefined) return odd;
  }
  if (space instanceof Tuple && Array.isArray(x) && x.length === space.spaces.length) {
    return firstMismatch([...x.keys()], (i) => explainMismatch(space.spaces[i as number]!, x[i as number]));
  }
  if (space.contains(x) && (!(space instanceof Box) || isTypedArrayOf(x, space.dtype))) return undefined;
  return `expected a value of ${space.toString()}, got ${space instanceof Box ? differenceFromBox(space, x) : describe(x)}`;
}

function firstMismatch<K extends string | number>(
  keys: readonly K[],
  explain: (key: K) => string | undefined,
): string | undefined {
  for (const key of keys) {
    const difference = explain(key);
    if (difference !== undefined) return `at ${JSON.stringify(key)}: ${difference}`;
  }
  return undefined;
}

function differenceFromBox(space: Box, x: unknown): string {
  if (!isTypedArrayOf(x, space.dtype)) return describe(x);
  const values = x as TypedArray;
  if (values.length !== space.low.length) return `${values.length} values instead of ${space.low.length}`;
  for (let i = 0; i < values.length; i++) {
    if (!(values[i]! >= space.low[i]! && values[i]! <= space.high[i]!)) return `${values[i]} at index ${i}`;
  }
  return describe(x);
}
