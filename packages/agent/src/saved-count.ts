// Counters that are saved beside weights, as arrays like them.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** A count as it is saved, int32 []. */
export function savedCount(count: number): NdArray<'int32'> {
  return ndarray('int32', [], Int32Array.of(count));
}

/** The count in an array; `where` opens the message. Throws ConfigError unless it is one, int32 [] and >= 0. */
export function loadCount(where: string, name: string, array: NdArray | undefined): number {
  const count = Number(array?.data[0]);
  if (array?.dtype === 'int32' && array.shape.length === 0 && count >= 0) return count;
  const value = array?.shape.length === 0 ? ` of ${count}` : '';
  const got = array === undefined ? 'nothing' : `${array.dtype} [${array.shape.join(', ')}]${value}`;
  throw new ConfigError(`${where}: expected '${name}' as a count, int32 [] of 0 or more, got ${got}.`);
}
