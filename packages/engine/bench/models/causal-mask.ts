// What is added to attention's scores so that no token sees the ones after it.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** [length, length]: 0 where the column is not after the row, else so low that softmax gives 0. */
export function causalMask(length: number): NdArray<'float32'> {
  const mask = ndarray('float32', [length, length]);
  for (let i = 0; i < length; i++) mask.data.fill(-1e9, i * length + i + 1, (i + 1) * length);
  return mask;
}
