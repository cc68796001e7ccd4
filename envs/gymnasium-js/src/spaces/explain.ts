// Says in what a value differs from the members of a space, for error messages.
import type { TypedArray } from '../types.ts';
import { Box } from './box.ts';
import { describe } from './describe.ts';
import { isTypedArrayOf } from './dtype.ts';
import type { Space } from './space.ts';

export { describe } from './describe.ts';

/** What was expected and what came, for a value that is not in the space; undefined for one that is, dtype included. */
export function explainMismatch(space: Space<unknown>, x: unknown): string | undefined {
  if (space.contains(x) && (!(space instanceof Box) || isTypedArrayOf(x, space.dtype))) return undefined;
  return `expected a value of ${space.toString()}, got ${space instanceof Box ? differenceFromBox(space, x) : describe(x)}`;
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
