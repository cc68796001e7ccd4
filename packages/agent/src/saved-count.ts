// Counters that are saved beside weights, as arrays like them.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { NamedArrays, State } from '@tessera/engine';

/** A count as it is saved, int32 []. */
export function savedCount(count: number): NdArray<'int32'> {
  return ndarray('int32', [], Int32Array.of(count));
}

/** Overwrites a whole state and returns the count that was saved beside it; throws before anything has changed when an array is missing, unknown or of another shape. */
export function loadCounted(
  where: string,
  state: State<object>,
  { saved, counter }: { readonly saved: NamedArrays; readonly counter: string },
): number {
  const { [counter]: counted, ...arrays } = saved;
  const missing = [...state.names, counter].find((name) => saved[name] === undefined);
  if (missing !== undefined) throw new ConfigError(`${where}: '${missing}' is missing.`);
  const count = loadCount(where, counter, counted);
  state.write(arrays);
  return count;
}

/** The count in an array; `where` opens the message. Throws ConfigError unless it is one, int32 [] and >= 0. */
function loadCount(where: string, name: string, array: NdArray | undefined): number {
  const count = Number(array?.data[0]);
  if (array?.dtype === 'int32' && array.shape.length === 0 && count >= 0) return count;
  const value = array?.shape.length === 0 ? ` of ${count}` : '';
  const got = array === undefined ? 'nothing' : `${array.dtype} [${array.shape.join(', ')}]${value}`;
  throw new ConfigError(`${where}: expected '${name}' as a count, int32 [] of 0 or more, got ${got}.`);
}
