// Whether two sides compute the same thing. Floats may differ by a share of the array's largest value: a gradient near zero has no digits of its own.
// Whole numbers (codes, most likely tokens) may differ in as large a share of places, where two answers are equally good up to rounding.

import { InternalError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Two sides that agree: how many arrays were compared, and which of them differs most. */
export interface Agreement {
  readonly arrays: number;
  /** Name of the array. */
  readonly worst: string;
  /** Its difference: of floats the largest one over the largest value, of whole numbers the share of places. */
  readonly difference: number;
}

type Values = Readonly<Record<string, NdArray>>;

/** Compares what both sides know. Throws InternalError when they know nothing in common, or differ by more than `tolerance`. */
export function checkAgreement(
  ours: { readonly name: string; readonly values: Values },
  theirs: { readonly name: string; readonly values: Values },
  { tolerance }: { readonly tolerance: number },
): Agreement {
  const names = Object.keys(ours.values).filter((name) => theirs.values[name] !== undefined);
  const who = `${ours.name} and ${theirs.name}`;
  if (names.length === 0) throw new InternalError(`${who} have no values in common.`);
  const differences = names.map((name) => ({ name, value: difference(ours.values[name]!, theirs.values[name]!) }));
  const wrong = differences.filter(({ value }) => !(value <= tolerance));
  if (wrong.length > 0) {
    const list = wrong.slice(0, 5).map(({ name, value }) => `${name} by ${value.toPrecision(2)}`);
    throw new InternalError(
      `${who} differ in ${wrong.length} of ${names.length} arrays (more than ${tolerance}): ${list.join(', ')}.`,
    );
  }
  const worst = differences.reduce((a, b) => (b.value > a.value ? b : a));
  return { arrays: names.length, worst: worst.name, difference: worst.value };
}

// NaN and infinity never agree.
function difference(a: NdArray, b: NdArray): number {
  if (String(a.shape) !== String(b.shape)) return Infinity;
  const size = a.data.length;
  if (size === 0) return 0;
  const real = a.dtype.startsWith('float');
  let largest = 0;
  let furthest = 0;
  let unequal = 0;
  for (let i = 0; i < size; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])];
    if (!Number.isFinite(x) || !Number.isFinite(y)) return Infinity;
    if (x !== y) unequal++;
    largest = Math.max(largest, Math.abs(x), Math.abs(y));
    furthest = Math.max(furthest, Math.abs(x - y));
  }
  if (!real) return unequal / size;
  return furthest === 0 ? 0 : furthest / largest;
}
