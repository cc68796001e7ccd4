// Actions on their way to Python, leaf by leaf.
import { leafSpaces, splitLeaves } from 'gymnasium-js';
import type { GivenActions, Space } from 'gymnasium-js';
import { columnOf, put } from './columns.ts';
import { leafSize } from './layout.ts';
import type { LeafJSON } from './layout.ts';
import { encodeLoose } from './loose.ts';

/** Bytes of actions leaf by leaf, and JSON of what has no fixed size, a list for each such leaf. */
export interface SentActions {
  readonly raw: Uint8Array;
  readonly loose: readonly (readonly unknown[])[] | undefined;
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
    return { raw: new Uint8Array(column.buffer), loose: undefined };
  }
  const parts = actions.list.slice(first, first + count).map((action) => splitLeaves(space, action));
  const loose: unknown[][] = [];
  const spaces = leafSpaces(space);
  const pieces = leaves.flatMap((leaf, c) => {
    if (leaf.dtype === null) {
      loose.push(parts.map((values) => encodeLoose(spaces[c]!, values[c])));
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
  return { raw: new Uint8Array(Buffer.concat(pieces)), loose: loose.length === 0 ? undefined : loose };
}
