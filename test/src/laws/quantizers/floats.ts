import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Normal numbers of a seed. */
export function floats(shape: readonly number[], seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}
