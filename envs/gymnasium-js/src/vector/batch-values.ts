// The values of several environments in one batch (gymnasium/vector/utils/space_utils.py): memory for them, filling it and taking it apart.
import { ConfigError, isBigArray } from '@tessera/core';
import { allocate, checkSpace } from '../spaces/checks.ts';
import { describe } from '../spaces/describe.ts';
import { Box } from '../spaces/box.ts';
import { Dict } from '../spaces/dict.ts';
import { dtypeOf } from '../spaces/dtype.ts';
import { Graph } from '../spaces/graph.ts';
import type { Space, SpaceValue } from '../spaces/space.ts';
import { Text } from '../spaces/text.ts';
import { Tuple } from '../spaces/tuple.ts';
import type { TypedArray } from '../types.ts';
import { batchDType, checkCount, isArraySpace } from './batch-space.ts';
import type { ArraySpace, Batch } from './batch-space.ts';

/** Zeros for `n` values of `space`, for `concatenate` to fill; texts and other values without a fixed size are the smallest there are. */
export function createEmptyArray<S extends Space<unknown>>(space: S, n = 1): Batch<S> {
  checkSpace('createEmptyArray', space);
  checkCount('createEmptyArray', n, 0);
  return empty(space, n) as Batch<S>;
}

function empty(space: Space<unknown>, n: number): unknown {
  if (isArraySpace(space)) return allocate('createEmptyArray', batchDType(space), n * rowSize(space));
  if (space instanceof Dict) return Object.fromEntries(space.keys.map((key) => [key, empty(space.spaces[key]!, n)]));
  if (space instanceof Tuple) return space.spaces.map((part: Space<unknown>) => empty(part, n));
  const one = (): unknown => {
    if (space instanceof Text) return (space.characters[0] ?? '').repeat(space.minLength);
    return space instanceof Graph ? space.empty() : [];
  };
  return Array.from({ length: n }, one);
}

/**
 * Copies values of `space` into `out`, which `createEmptyArray` made for as many, and returns it. Throws ConfigError when `out` has no room for exactly
 * these values, and for values that are not of this space.
 */
export function concatenate<S extends Space<unknown>>(
  space: S,
  items: readonly SpaceValue<S>[],
  out: Batch<S>,
): Batch<S> {
  checkSpace('concatenate', space);
  if (!Array.isArray(items)) throw new ConfigError(`concatenate: expected an array of values, got ${describe(items)}.`);
  return fill(space, items, out) as Batch<S>;
}

function fill(space: Space<unknown>, items: readonly unknown[], out: unknown): unknown {
  if (isArraySpace(space)) {
    const size = rowSize(space);
    if (dtypeOf(out) === undefined || (out as TypedArray).length !== size * items.length) {
      const expected = `out with room for ${items.length} values of ${size} numbers`;
      throw new ConfigError(`concatenate: expected ${expected}, got ${describe(out)}.`);
    }
    items.forEach((item, i) => putRow(out as TypedArray, i * size, size, item));
    return out;
  }
  const part = (of: unknown, key: string | number): unknown => {
    if (typeof of === 'object' && of !== null && Object.hasOwn(of, key)) return (of as Record<string, unknown>)[key];
    throw new ConfigError(`concatenate: expected values of ${space.toString()}, got ${describe(of)}.`);
  };
  const column = (inner: Space<unknown>, key: string | number): unknown =>
    fill(
      inner,
      items.map((item) => part(item, key)),
      part(out, key),
    );
  if (space instanceof Dict) {
    return Object.fromEntries(space.keys.map((key) => [key, column(space.spaces[key]!, key)]));
  }
  if (space instanceof Tuple) return space.spaces.map((inner: Space<unknown>, i: number) => column(inner, i));
  return [...items];
}

/** Puts one value of `size` numbers into a batch, from index `at`. Throws ConfigError for anything else. */
export function putRow(out: TypedArray, at: number, size: number, item: unknown): void {
  const isBig = isBigArray(out);
  const values = typeof item === 'number' || typeof item === 'bigint' ? [item] : (item as ArrayLike<number | bigint>);
  if (typeof values !== 'object' || values === null || values.length !== size) {
    throw new ConfigError(`concatenate: expected values of ${size} numbers, got ${describe(item)}.`);
  }
  if (isBig === isBigArray(values) && dtypeOf(values) !== undefined) out.set(values as never, at);
  else for (let i = 0; i < size; i++) out[at + i] = (isBig ? BigInt(values[i]!) : Number(values[i])) as never;
}

const rowSize = (space: ArraySpace): number => space.shape.reduce((product, size) => product * size, 1);

/**
 * The values in a batch, one after the other, for a space that `batchSpace` made. Rows of arrays are views into the batch; of a MultiDiscrete of one axis
 * they are numbers. Throws ConfigError for a space that is no batch, and for items that are not of it.
 */
export function iterate(space: Space<unknown>, items: unknown): IterableIterator<unknown> {
  checkSpace('iterate', space);
  return rows(space, items)[Symbol.iterator]() as IterableIterator<unknown>;
}

function rows(space: Space<unknown>, items: unknown): unknown[] {
  if (space instanceof Dict) {
    const parts = space.keys.map((key) => space.spaces[key]!);
    const columns = space.keys.map((key, i) => rows(parts[i]!, partOf(space, items, key)));
    return zip(space, parts, columns).map((row) => Object.fromEntries(space.keys.map((key, i) => [key, row[i]])));
  }
  if (space instanceof Tuple) {
    const parts: readonly Space<unknown>[] = space.spaces;
    // A Tuple of copies is a batch itself; a batch of a Tuple has batches in it.
    const isBatch = parts.every((part) => isArraySpace(part) || part instanceof Dict || part instanceof Tuple);
    if (!isBatch && Array.isArray(items)) return items;
    return zip(
      space,
      parts,
      parts.map((part, i) => rows(part, partOf(space, items, i))),
    );
  }
  if (!isArraySpace(space) || space.shape.length === 0) {
    throw new ConfigError(`iterate: unable to iterate over a space of type ${space.constructor.name}.`);
  }
  return splitRows(space, items);
}

function splitRows(space: ArraySpace, items: unknown): unknown[] {
  const inner = space.shape.slice(1).reduce((product, size) => product * size, 1);
  if (dtypeOf(items) === undefined || (inner > 0 && (items as TypedArray).length % inner !== 0)) {
    throw new ConfigError(`iterate: expected values of ${space.toString()}, got ${describe(items)}.`);
  }
  const values = items as TypedArray;
  const isNumbers = space.shape.length === 1 && !(space instanceof Box);
  const count = inner === 0 ? space.shape[0]! : values.length / inner;
  return Array.from({ length: count }, (_, i) =>
    isNumbers ? Number(values[i]) : values.subarray(i * inner, (i + 1) * inner),
  );
}

function partOf(space: Space<unknown>, items: unknown, key: string | number): unknown {
  if (typeof items === 'object' && items !== null && Object.hasOwn(items, key)) {
    return (items as Record<string, unknown>)[key];
  }
  throw new ConfigError(`iterate: expected values of ${space.toString()}, got ${describe(items)}.`);
}

function zip(
  space: Space<unknown>,
  parts: readonly Space<unknown>[],
  columns: readonly (readonly unknown[])[],
): unknown[][] {
  const counts = new Set(columns.filter((_, i) => !isUncounted(parts[i]!)).map(({ length }) => length));
  if (counts.size > 1) {
    const got = columns.map((column) => column.length).join(', ');
    throw new ConfigError(`iterate: expected equally many values of each part of ${space.toString()}, got ${got}.`);
  }
  const [count = columns[0]?.length ?? 1] = counts;
  return Array.from({ length: count }, (_, n) => columns.map((column, i) => column[isUncounted(parts[i]!) ? 0 : n]));
}

/** Whether a batch, of a space that `batchSpace` made, has nothing in it that could be counted: its rows are all the same. */
export function isUncounted(space: Space<unknown>): boolean {
  if (space instanceof Dict) return space.keys.every((key) => isUncounted(space.spaces[key]!));
  if (space instanceof Tuple) return space.spaces.every(isUncounted);
  return isArraySpace(space) && space.shape.slice(1).includes(0);
}
