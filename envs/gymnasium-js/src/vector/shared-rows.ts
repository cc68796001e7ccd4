// Rows of results and actions in shared memory, one column for each leaf of a space, and views of a part of them.
import { typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { Discrete } from '../spaces/discrete.ts';
import { joinLeaves, leafSpaces, splitLeaves } from '../spaces/leaves.ts';
import type { Space } from '../spaces/space.ts';
import type { TypedArray } from '../types.ts';
import { hasRowLayout, rowLayout } from './batch-layout.ts';
import { batchDType, isArraySpace } from './batch-space.ts';
import { putRow } from './batch-values.ts';
import type { BatchRows } from './env-batch.ts';
import type { SharedColumn, SharedRows } from './worker-protocol.ts';

/** Views of some rows: one array for each leaf, undefined where its values have no fixed size and go by message. */
export type Columns = readonly (TypedArray | undefined)[];

/** What the views of some rows are. */
export interface RowViews extends Omit<BatchRows, 'observation'> {
  readonly observation: Columns;
  readonly actions: Columns;
}

/** Shared memory for `numEnvs` rows. */
export function allocateRows(numEnvs: number, observation: Space<unknown>, action: Space<unknown>): SharedRows {
  return {
    observation: allocateColumns(numEnvs, observation),
    reward: new SharedArrayBuffer(numEnvs * Float64Array.BYTES_PER_ELEMENT),
    terminated: new SharedArrayBuffer(numEnvs),
    truncated: new SharedArrayBuffer(numEnvs),
    actions: allocateColumns(numEnvs, action),
  };
}

function allocateColumns(numEnvs: number, space: Space<unknown>): (SharedColumn | undefined)[] {
  const column = (dtype: DType, shape: readonly number[]): SharedColumn => {
    const size = shape.reduce((product, n) => product * n, 1);
    const { BYTES_PER_ELEMENT } = typedArrayOf(dtype);
    return { dtype, size, buffer: new SharedArrayBuffer(numEnvs * size * BYTES_PER_ELEMENT) };
  };
  if (hasRowLayout(space)) {
    const { dtype, shape } = rowLayout(space);
    return [column(dtype, shape)];
  }
  return leafSpaces(space).map((leaf) => (isArraySpace(leaf) ? column(batchDType(leaf), leaf.shape) : undefined));
}

/** Views of rows `first, ..., first + count - 1`. */
export function viewRows(rows: SharedRows, first: number, count: number): RowViews {
  return {
    observation: viewColumns(rows.observation, first, count),
    reward: new Float64Array(rows.reward, first * Float64Array.BYTES_PER_ELEMENT, count),
    terminated: new Uint8Array(rows.terminated, first, count),
    truncated: new Uint8Array(rows.truncated, first, count),
    actions: viewColumns(rows.actions, first, count),
  };
}

function viewColumns(columns: readonly (SharedColumn | undefined)[], first: number, count: number): Columns {
  return columns.map((column) => {
    if (column === undefined) return undefined;
    const View = typedArrayOf(column.dtype) as unknown as SharedView;
    return new View(column.buffer, first * column.size * View.BYTES_PER_ELEMENT, count * column.size);
  });
}

interface SharedView {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer, byteOffset: number, length: number): TypedArray;
}

/**
 * Writes values of `space` into the columns. Returns those of leaves without a column, one list for each of these leaves: they have to be
 * sent.
 */
export function writeValues(space: Space<unknown>, columns: Columns, values: readonly unknown[]): unknown[][] {
  const loose = columns.flatMap((column): unknown[][] => (column === undefined ? [[]] : []));
  for (const [i, value] of values.entries()) {
    let next = 0;
    for (const [c, part] of splitLeaves(space, value).entries()) {
      const column = columns[c];
      if (column === undefined) loose[next++]!.push(part);
      else putRow(column, (i * column.length) / values.length, column.length / values.length, part);
    }
  }
  return loose;
}

/** Values of `space` out of the columns and what was sent: numbers of Discrete, arrays in memory of their own. */
export function readValues(
  space: Space<unknown>,
  columns: Columns,
  loose: readonly (readonly unknown[])[],
  count: number,
): unknown[] {
  const leaves = leafSpaces(space);
  return Array.from({ length: count }, (_, i) => {
    let next = 0;
    const parts = columns.map((column, c) => {
      if (column === undefined) return loose[next++]![i];
      if (leaves[c] instanceof Discrete) return Number(column[i]);
      const size = column.length / count;
      return privateCopy(column.subarray(i * size, (i + 1) * size));
    });
    return joinLeaves(space, parts);
  });
}

/** A batch of all values in memory of its own; `loose` has what was sent of each leaf without a column. */
export function copyBatch(space: Space<unknown>, columns: Columns, loose: readonly (readonly unknown[])[]): unknown {
  let next = 0;
  const parts = columns.map((column) => (column === undefined ? loose[next++] : privateCopy(column)));
  return hasRowLayout(space) ? parts[0] : joinLeaves(space, parts);
}

/** The same values in memory of its own. `slice` of a shared array would be shared or not as the engine likes. */
export function privateCopy<T extends TypedArray>(values: T): T {
  const TypedArray = values.constructor as new (length: number) => T;
  const copy = new TypedArray(values.length);
  copy.set(values as never);
  return copy;
}
