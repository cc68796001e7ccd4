// Actions on their way to Python, leaf by leaf.
import { typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { splitLeaves } from 'gymnasium-js';
import type { GivenActions, Space, TypedArray } from 'gymnasium-js';
import { leafSize } from './layout.ts';
import type { LeafJSON } from './layout.ts';

/** Bytes of actions leaf by leaf, and texts apart. */
export interface SentActions {
  readonly raw: Uint8Array;
  readonly texts: readonly (readonly string[])[] | undefined;
}

/** How actions lie in the bytes. */
export interface ActionLayout {
  readonly space: Space<unknown>;
  readonly leaves: readonly LeafJSON[];
}

/** The bytes of the actions of environments `first, ..., first + count - 1`. */
export function encodeActions(layout: ActionLayout, actions: GivenActions, first: number, count: number): SentActions {
  const { space, leaves } = layout;
  if (!('list' in actions)) {
    const [leaf] = leaves as [LeafJSON];
    const column = columnOf(leaf.dtype!, count * leafSize(leaf));
    put(column, 0, actions, first * leafSize(leaf), column.length);
    return { raw: new Uint8Array(column.buffer), texts: undefined };
  }
  const parts = actions.list.slice(first, first + count).map((action) => splitLeaves(space, action));
  const texts: string[][] = [];
  const pieces = leaves.flatMap((leaf, c) => {
    if (leaf.dtype === null) {
      texts.push(parts.map((values) => values[c] as string));
      return [];
    }
    const size = leafSize(leaf);
    const column = columnOf(leaf.dtype, count * size);
    for (const [i, values] of parts.entries()) {
      const value = values[c];
      put(column, i * size, (typeof value === 'object' ? value : [value]) as ArrayLike<number | bigint>, 0, size);
    }
    return [new Uint8Array(column.buffer)];
  });
  return { raw: new Uint8Array(Buffer.concat(pieces)), texts: texts.length === 0 ? undefined : texts };
}

function columnOf(dtype: DType, length: number): TypedArray & { readonly buffer: ArrayBuffer } {
  return new (typedArrayOf(dtype))(length) as TypedArray & { readonly buffer: ArrayBuffer };
}

function put(column: TypedArray, at: number, values: ArrayLike<number | bigint>, from: number, count: number): void {
  const isBig = column instanceof BigInt64Array;
  for (let k = 0; k < count; k++) {
    const value = values[from + k]!;
    column[at + k] = (isBig ? BigInt(value) : Number(value)) as never;
  }
}
