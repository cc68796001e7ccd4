// Counters that are saved beside weights, as arrays like them.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { NamedArrays, State } from '@tessera/engine';

/** A count as it is saved, int32 []. */
export function savedCount(count: number): NdArray<'int32'> {
  return ndarray('int32', [], Int32Array.of(count));
}

/** Overwrites a whole state and returns the counts that were saved beside it, in the order of their names; throws before anything has changed when an array is missing, unknown or of another shape. */
export function loadCounts(
  where: string,
  state: State<object>,
  { saved, counters }: { readonly saved: NamedArrays; readonly counters: readonly string[] },
): number[] {
  const missing = [...state.names, ...counters].find((name) => saved[name] === undefined);
  if (missing !== undefined) throw new ConfigError(`${where}: '${missing}' is missing.`);
  const counts = counters.map((name) => loadCount(where, name, saved[name]));
  state.write(Object.fromEntries(Object.entries(saved).filter(([name]) => !counters.includes(name))));
  return counts;
}

/** `loadCounts` of a single one. */
export function loadCounted(
  where: string,
  state: State<object>,
  { saved, counter }: { readonly saved: NamedArrays; readonly counter: string },
): number {
  return loadCounts(where, state, { saved, counters: [counter] })[0]!;
}

/** The count in an array; `where` opens the message. Throws ConfigError unless it is one, int32 [] and >= 0. */
function loadCount(where: string, name: string, array: NdArray | undefined): number {
  const count = Number(array?.data[0]);
  if (array?.dtype === 'int32' && array.shape.length === 0 && count >= 0) return count;
  const value = array?.shape.length === 0 ? ` of ${count}` : '';
  const got = array === undefined ? 'nothing' : `${array.dtype} [${array.shape.join(', ')}]${value}`;
  throw new ConfigError(`${where}: expected '${name}' as a count, int32 [] of 0 or more, got ${got}.`);
}
