// Where the values of a space lie: one array for each of its leaves, which is the space itself unless it is a Dict or a Tuple.
import { ConfigError, elementCount, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { joinLeaves, leafSpaces } from 'gymnasium-js';
import type { Space, TypedArray } from 'gymnasium-js';
import { decodeLoose } from './loose.ts';

/** A leaf as the child describes it; the dtype of values without a fixed size is null. */
export interface LeafJSON {
  readonly path: readonly (string | number)[];
  readonly dtype: DType | null;
  readonly shape: readonly number[];
  /** Whether one value is a number instead of an array. */
  readonly isNumber: boolean;
}

/** The arrays of all environments, one for each leaf; for values without a fixed size the list of what was sent. */
export type Columns = readonly (TypedArray | unknown[])[];

/** What all environments have said last. */
export interface Rows {
  readonly columns: Columns;
  readonly reward: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
}

/** Values in one leaf of one row. */
export const leafSize = ({ shape }: LeafJSON): number => elementCount(shape);

/** Fresh rows. */
export function allocateRows(leaves: readonly LeafJSON[], numEnvs: number): Rows {
  return {
    columns: leaves.map((leaf) =>
      leaf.dtype === null
        ? Array.from({ length: numEnvs }, () => undefined)
        : new (typedArrayOf(leaf.dtype))(numEnvs * leafSize(leaf)),
    ),
    reward: new Float64Array(numEnvs),
    terminated: new Uint8Array(numEnvs),
    truncated: new Uint8Array(numEnvs),
  };
}

/** The bytes of the rows `first, ..., first + count - 1`, in the order in which a child sends them. */
export function rowTargets(rows: Rows, leaves: readonly LeafJSON[], first: number, count: number): Uint8Array[] {
  const bytes = (values: TypedArray, size: number): Uint8Array => {
    const { buffer, byteOffset, BYTES_PER_ELEMENT } = values;
    return new Uint8Array(buffer, byteOffset + first * size * BYTES_PER_ELEMENT, count * size * BYTES_PER_ELEMENT);
  };
  const columns = rows.columns.flatMap((column, i) =>
    Array.isArray(column) ? [] : [bytes(column, leafSize(leaves[i]!))],
  );
  return [bytes(rows.reward, 1), bytes(rows.terminated, 1), bytes(rows.truncated, 1), ...columns];
}

/** Puts what a child sent besides its bytes into the rows. */
export function writeLoose(rows: Rows, loose: readonly (readonly unknown[])[], first: number): void {
  const columns = rows.columns.filter((column): column is unknown[] => Array.isArray(column));
  for (const [c, column] of columns.entries()) {
    for (const [i, sent] of loose[c]!.entries()) column[first + i] = sent;
  }
}

/** Copies the observation of row `index`, and nothing else, from one set of rows to another. */
export function copyObservation(from: Rows, to: Rows, leaves: readonly LeafJSON[], index: number): void {
  for (const [i, column] of from.columns.entries()) {
    const target = to.columns[i]!;
    if (Array.isArray(column)) (target as unknown[])[index] = column[index]!;
    else {
      const size = leafSize(leaves[i]!);
      (target as TypedArray).set(column.subarray(index * size, (index + 1) * size) as never, index * size);
    }
  }
}

/** A copy of the observation of row `index`: one value of the space. */
export function observationAt(rows: Rows, leaves: readonly LeafJSON[], space: Space<unknown>, index: number): unknown {
  const spaces = leafSpaces(space);
  const values = rows.columns.map((column, i) => {
    if (Array.isArray(column)) return decodeLoose(spaces[i]!, column[index]);
    const size = leafSize(leaves[i]!);
    const value = column.slice(index * size, (index + 1) * size);
    return leaves[i]!.isNumber ? Number(value[0]) : value;
  });
  return joinLeaves(space, values);
}

/** A batch of all observations: the arrays of the rows themselves, or copies of them. */
export function observationOf(rows: Rows, space: Space<unknown>, isCopy: boolean): unknown {
  const spaces = leafSpaces(space);
  const batches = rows.columns.map((column, i) => {
    if (Array.isArray(column)) return column.map((sent) => decodeLoose(spaces[i]!, sent));
    return isCopy ? column.slice() : column;
  });
  return joinLeaves(space, batches);
}

/** Throws ConfigError for a space of actions or observations that has no leaf: there is nothing to send. */
export function checkLeaves(what: string, leaves: readonly LeafJSON[]): void {
  if (leaves.length > 0) return;
  throw new ConfigError(`python: the ${what} space has no values. Give it at least one part.`);
}
