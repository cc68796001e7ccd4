// Rows of results and actions in shared memory, and views of a part of them.
import { typedArrayOf } from '@tessera/core';
import type { TypedArray } from '../types.ts';
import type { RowLayout } from './batch-layout.ts';
import type { BatchRows } from './env-batch.ts';
import type { SharedRows } from './worker-protocol.ts';

/** Shared memory for `numEnvs` rows. */
export function allocateRows(numEnvs: number, observation: RowLayout, action: RowLayout): SharedRows {
  const { BYTES_PER_ELEMENT } = typedArrayOf(observation.dtype);
  return {
    dtype: observation.dtype,
    observationSize: observation.size,
    actionSize: action.size,
    observation: new SharedArrayBuffer(numEnvs * observation.size * BYTES_PER_ELEMENT),
    reward: new SharedArrayBuffer(numEnvs * Float64Array.BYTES_PER_ELEMENT),
    terminated: new SharedArrayBuffer(numEnvs),
    truncated: new SharedArrayBuffer(numEnvs),
    actions: new SharedArrayBuffer(numEnvs * action.size * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** Views of rows `first, ..., first + count - 1`. */
export function viewRows(
  rows: SharedRows,
  first: number,
  count: number,
): BatchRows & { readonly observation: TypedArray; readonly actions: Float64Array } {
  const { dtype, observationSize: size, actionSize } = rows;
  const View = typedArrayOf(dtype) as unknown as SharedView;
  return {
    observation: new View(rows.observation, first * size * View.BYTES_PER_ELEMENT, count * size),
    reward: new Float64Array(rows.reward, first * Float64Array.BYTES_PER_ELEMENT, count),
    terminated: new Uint8Array(rows.terminated, first, count),
    truncated: new Uint8Array(rows.truncated, first, count),
    actions: new Float64Array(rows.actions, first * actionSize * Float64Array.BYTES_PER_ELEMENT, count * actionSize),
  };
}

interface SharedView {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): TypedArray;
}

/** The same values in memory of its own. `slice` of a shared array would be shared or not as the engine likes. */
export function privateCopy<T extends TypedArray>(values: T): T {
  const TypedArray = values.constructor as new (length: number) => T;
  const copy = new TypedArray(values.length);
  copy.set(values as never);
  return copy;
}
