// Actions on their way to Python, checked before they leave. They come as all vector environments take them: one flat array, or for other spaces a batch as
// `batchSpace` describes it.
import { typedArrayOf } from '@tessera/core';
import { checkActions, hasRowLayout, InvalidAction, iterate } from 'gymnasium-js';
import type { BatchedActions, Space, SpaceJSON, VectorActions } from 'gymnasium-js';
import { leafSize, split } from './layout.ts';
import type { LeafJSON } from './layout.ts';

/** Bytes of actions leaf by leaf, and texts apart. */
export interface SentActions {
  readonly raw: Uint8Array;
  readonly texts: readonly (readonly string[])[] | undefined;
}

/** The action space, that of a batch, and how values lie. */
export interface ActionLayout {
  readonly single: Space<unknown>;
  readonly batch: Space<unknown>;
  readonly json: SpaceJSON;
  readonly leaves: readonly LeafJSON[];
}

/** One value of each leaf for each environment. Throws InvalidAction unless there is one valid action for each. */
export function readActions(
  layout: ActionLayout,
  numEnvs: number,
  actions: VectorActions | BatchedActions,
): unknown[][] {
  const { single, batch, json, leaves } = layout;
  if (hasRowLayout(single)) {
    checkActions(single, numEnvs, actions as VectorActions);
    const size = leafSize(leaves[0]!);
    const flat = actions as VectorActions;
    return Array.from({ length: numEnvs }, (_, i) => [Array.from({ length: size }, (__, k) => flat[i * size + k])]);
  }
  const values = listValues(batch, actions);
  if (values.length !== numEnvs) {
    throw new InvalidAction(`VectorEnv.step: expected ${numEnvs} actions, got ${values.length}.`);
  }
  return values.map((action, i) => {
    if (single.contains(action)) return split(json, action);
    throw new InvalidAction(`VectorEnv.step: action ${i}: expected a value of ${single.toString()}.`);
  });
}

function listValues(batch: Space<unknown>, actions: unknown): unknown[] {
  try {
    return [...iterate(batch, actions)];
  } catch (cause) {
    throw new InvalidAction(`VectorEnv.step: ${(cause as Error).message}`, { cause });
  }
}

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
