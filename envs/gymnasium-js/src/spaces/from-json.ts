// Spaces back from plain JSON: the other half of `Space.toJSON`.
import { ConfigError } from '@tessera/core';
import { Box } from './box.ts';
import { Discrete } from './discrete.ts';
import type { Space, SpaceJSON } from './space.ts';

const readers: Readonly<Record<string, (json: SpaceJSON) => Space<unknown>>> = {
  Box: (json) => Box.fromJSON(json),
  Discrete: (json) => Discrete.fromJSON(json),
};

/** The space described by `json`. Throws ConfigError for a type that is unknown. */
export function spaceFromJSON(json: SpaceJSON): Space<unknown> {
  const read = Object.hasOwn(readers, json.type) ? readers[json.type] : undefined;
  if (read === undefined) {
    const known = Object.keys(readers).join(', ');
    throw new ConfigError(`spaceFromJSON: expected a space of type ${known}, got ${JSON.stringify(json.type)}.`);
  }
  return read(json);
}
