// A nested space as the list of its leaves: the space itself unless it is a Dict or a Tuple, whose parts count in order.
import { Dict } from './dict.ts';
import type { Space } from './space.ts';
import { Tuple } from './tuple.ts';

/** The leaves of a space: of a Dict in the order of its keys, of a Tuple by place. */
export function leafSpaces(space: Space<unknown>): Space<unknown>[] {
  if (space instanceof Dict) return space.keys.flatMap((key) => leafSpaces(space.spaces[key]!));
  if (space instanceof Tuple) return space.spaces.flatMap(leafSpaces);
  return [space];
}

/** The parts of a value of `space` that belong to its leaves, in their order; of a batch of values, the batches. */
export function splitLeaves(space: Space<unknown>, value: unknown): unknown[] {
  if (space instanceof Dict) {
    return space.keys.flatMap((key) => splitLeaves(space.spaces[key]!, (value as Record<string, unknown>)[key]));
  }
  if (space instanceof Tuple) {
    return space.spaces.flatMap((part: Space<unknown>, i: number) => splitLeaves(part, (value as unknown[])[i]));
  }
  return [value];
}

/** Puts the parts in their places: an object for a Dict, an array for a Tuple. */
export function joinLeaves(space: Space<unknown>, parts: readonly unknown[]): unknown {
  return join(space, parts.values());
}

function join(space: Space<unknown>, parts: Iterator<unknown>): unknown {
  if (space instanceof Dict) return Object.fromEntries(space.keys.map((key) => [key, join(space.spaces[key]!, parts)]));
  if (space instanceof Tuple) return space.spaces.map((part: Space<unknown>) => join(part, parts));
  return parts.next().value;
}
