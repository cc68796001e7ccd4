// Actions on their way to Python, checked before they leave: one flat array as all vector environments take it, or a list with one value of the space for each
// environment, which is how actions of a Dict, Tuple or Text have to come.
import { typedArrayOf } from '@tessera/core';
import { checkActions, InvalidAction } from 'gymnasium-js';
import type { Space, SpaceJSON, VectorActions } from 'gymnasium-js';
import { leafSize, split } from './layout.ts';
import type { LeafJSON } from './layout.ts';

/** Bytes of actions leaf by leaf, and texts apart. */
export interface SentActions {
  readonly raw: Uint8Array;
  readonly texts: readonly (readonly string[])[] | undefined;
}

/** The action space and how its values lie. */
export interface ActionLayout {
  readonly space: Space<unknown>;
  readonly json: SpaceJSON;
  readonly leaves: readonly LeafJSON[];
}

/** One value of each leaf for each environment. Throws InvalidAction unless there is one valid action for each. */
export function readActions(
  layout: ActionLayout,
  numEnvs: number,
  actions: VectorActions | readonly unknown[],
): unknown[][] {
  const { space, json, leaves } = layout;
  if (json.type === 'Box' || json.type === 'Discrete') {
    checkActions(space, numEnvs, actions as VectorActions);
    return rowsOf(actions as VectorActions, numEnvs, leafSize(leaves[0]!));
  }
  const { length } = (typeof actions === 'object' && actions !== null ? actions : { length: undefined }) as {
    length: unknown;
  };
  const size = leaves.length === 1 && leaves[0]!.dtype !== null ? leafSize(leaves[0]!) : undefined;
  const isFlat = json.type.startsWith('Multi') && length === numEnvs * size! && typeof actions[0] !== 'object';
  if (!isFlat && length !== numEnvs) {
    throw new InvalidAction(`VectorEnv.step: expected ${numEnvs} actions, got ${String(length)}.`);
  }
  const rows = isFlat ? rowsOf(actions as VectorActions, numEnvs, size!) : Array.from(actions, (action) => [action]);
  return rows.map((row, i) => {
    const action = isFlat ? (row[0] as number[]) : row[0];
    if (space.contains(action)) return split(json, action);
    throw new InvalidAction(`VectorEnv.step: action ${i}: expected a value of ${space.toString()}.`);
  });
}

const rowsOf = (actions: ArrayLike<unknown>, numEnvs: number, size: number): unknown[][] =>
  Array.from({ length: numEnvs }, (_, i) => [Array.from({ length: size }, (__, k) => actions[i * size + k])]);

/** The bytes of the actions of environments `first, ..., first + count - 1`. */
export function encodeActions(
  leaves: readonly LeafJSON[],
  actions: readonly (readonly unknown[])[],
  first: number,
  count: number,
): SentActions {
  const part = actions.slice(first, first + count);
  const texts: string[][] = [];
  const pieces = leaves.flatMap((leaf, c) => {
    if (leaf.dtype === null) {
      texts.push(part.map((values) => values[c] as string));
      return [];
    }
    const size = leafSize(leaf);
    const column = new (typedArrayOf(leaf.dtype))(count * size);
    for (const [i, values] of part.entries()) {
      const value = values[c];
      const list = (typeof value === 'object' ? value : [value]) as ArrayLike<number | bigint>;
      for (let k = 0; k < size; k++) {
        if (column instanceof BigInt64Array) column[i * size + k] = BigInt(list[k]!);
        else column[i * size + k] = Number(list[k]!);
      }
    }
    return [new Uint8Array(column.buffer)];
  });
  const raw = new Uint8Array(Buffer.concat(pieces));
  return { raw, texts: texts.length === 0 ? undefined : texts };
}
