// Spaces back from plain JSON: the other half of `Space.toJSON`. The JSON may come from a file or another process, so nothing of it is trusted.
import { ConfigError } from '@tessera/core';
import { Box } from './box.ts';
import { describe } from './describe.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import { Graph } from './graph.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import { OneOf } from './one-of.ts';
import { Sequence } from './sequence.ts';
import type { Space, SpaceJSON } from './space.ts';
import { Text } from './text.ts';
import { Tuple } from './tuple.ts';

const readers: Readonly<Record<string, (json: SpaceJSON, depth: number) => Space<unknown>>> = {
  Box: (json) => Box.fromJSON(json),
  Discrete: (json) => Discrete.fromJSON(json),
  MultiBinary: (json) => MultiBinary.fromJSON(json),
  MultiDiscrete: (json) => MultiDiscrete.fromJSON(json),
  Text: (json) => Text.fromJSON(json),
  Dict: (json, depth) => Dict.fromJSON(json, depth),
  Tuple: (json, depth) => Tuple.fromJSON(json, depth),
  Sequence: (json, depth) => Sequence.fromJSON(json, depth),
  OneOf: (json, depth) => OneOf.fromJSON(json, depth),
  Graph: (json, depth) => Graph.fromJSON(json, depth),
};

/** Whether `spaceFromJSON` knows spaces of this type. */
export function isSpaceType(type: unknown): type is string {
  return typeof type === 'string' && Object.hasOwn(readers, type);
}

// Deeper than anybody nests, far from the end of the stack.
const maxDepth = 64;

/** The space described by `json`. Throws ConfigError, ShapeError or DTypeError for JSON that describes none. */
export function spaceFromJSON(json: unknown): Space<unknown> {
  return readSpace(json, 0);
}

/** `spaceFromJSON` of a space inside another one. */
export function readSpace(json: unknown, depth: number): Space<unknown> {
  if (depth > maxDepth) throw new ConfigError(`spaceFromJSON: expected at most ${maxDepth} spaces inside each other.`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(`spaceFromJSON: expected an object with a type, got ${describe(json)}.`);
  }
  const type: unknown = Object.hasOwn(json, 'type') ? (json as SpaceJSON).type : undefined;
  if (isSpaceType(type)) return readers[type]!(json as SpaceJSON, depth);
  const known = Object.keys(readers).join(', ');
  throw new ConfigError(`spaceFromJSON: expected a space of type ${known}, got ${describe(type)}.`);
}
