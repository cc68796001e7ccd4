// The value nearest to nothing in a space (create_zero_array of gymnasium/wrappers/utils.py).
import { typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { CustomSpaceError } from '../errors.ts';
import { Box } from './box.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import type { Space, SpaceValue } from './space.ts';
import { Text } from './text.ts';
import { Tuple } from './tuple.ts';

/** Zeros, or the bound nearest to zero where zero is outside; of Discrete the smallest element. Throws CustomSpaceError for spaces that have none. */
export function createZero<S extends Space<unknown>>(space: S): SpaceValue<S> {
  return zero(space) as SpaceValue<S>;
}

function zero(space: Space<unknown>): unknown {
  if (space instanceof Discrete) return space.start;
  if (space instanceof Box) return zeroOfBox(space);
  if (space instanceof MultiDiscrete) return (space as MultiDiscrete).start.slice();
  if (space instanceof MultiBinary) return new Int8Array(space.shape.reduce((product, size) => product * size, 1));
  if (space instanceof Dict) return Object.fromEntries(space.keys.map((key) => [key, zero(space.spaces[key]!)]));
  if (space instanceof Tuple) return space.spaces.map((part: Space<unknown>) => zero(part));
  if (space instanceof Text) return (space.characters[0] ?? '').repeat(space.minLength);
  const wayOut = 'Give a value of it instead';
  throw new CustomSpaceError(`createZero: no zero is known for the space ${space.toString()}. ${wayOut}.`);
}

function zeroOfBox({ low, high, dtype }: Box<DType>): unknown {
  const out = new (typedArrayOf(dtype))(low.length);
  for (let i = 0; i < out.length; i++) {
    if (low[i]! > 0) out[i] = low[i]!;
    else if (high[i]! < 0) out[i] = high[i]!;
  }
  return out;
}
