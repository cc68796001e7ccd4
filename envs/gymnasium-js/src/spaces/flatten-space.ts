// The spaces of flat values, and whether two spaces have the same arrays (gymnasium/spaces/utils.py).
import { ConfigError, isBigDType } from '@tessera/core';
import type { DType } from '@tessera/core';
import { batchDType } from '../vector/batch-space.ts';
import { Box } from './box.ts';
import { allocate, checkSpace } from './checks.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import { dtypeFacts, resultType } from './dtype.ts';
import { Graph } from './graph.ts';
import type { FeatureSpace } from './graph.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import { OneOf } from './one-of.ts';
import { Sequence } from './sequence.ts';
import type { Space } from './space.ts';
import { Text } from './text.ts';
import { Tuple } from './tuple.ts';

/** How many numbers a flat value has. Throws ConfigError where that is not fixed: with a Sequence or a Graph inside. */
export function flatdim(space: Space<unknown>): number {
  checkSpace('flatdim', space);
  if (space instanceof Box || space instanceof MultiBinary) {
    return space.shape.reduce((product, size) => product * size, 1);
  }
  if (space instanceof Discrete) return space.n;
  if (space instanceof MultiDiscrete) {
    return Array.from(space.nvec as ArrayLike<number | bigint>, Number).reduce((sum, n) => sum + n, 0);
  }
  if (space instanceof Text) return space.maxLength;
  if (!space.isNpFlattenable) {
    throw new ConfigError(
      `flatdim: ${space.toString()} cannot be flattened to one array, probably because it contains a \`Graph\` or \`Sequence\` subspace.`,
    );
  }
  const dims = partsOf(space).map(flatdim);
  return space instanceof OneOf ? 1 + Math.max(...dims) : dims.reduce((sum, n) => sum + n, 0);
}

function partsOf(space: Space<unknown>): Space<unknown>[] {
  if (space instanceof Dict) return space.keys.map((key) => space.spaces[key]!);
  if (space instanceof Tuple || space instanceof OneOf) return [...space.spaces];
  throw new ConfigError(`flattenSpace: unknown space: ${space.toString()}. Use the spaces of gymnasium-js.`);
}

/**
 * The space of flat values: a Box of one axis, or where there is a Sequence or a Graph inside, the same structure with Boxes as leaves. One-hots of a
 * Discrete of int64 are int32, of uint64 uint32, as 64 bits would be bigints.
 *
 * Throws ConfigError for a space of the caller's own class.
 */
export function flattenSpace(space: Space<unknown>): Box<DType> | Dict | Tuple | Sequence<Box<DType>, boolean> | Graph {
  checkSpace('flattenSpace', space);
  return flat(space) as Box<DType>;
}

function flat(space: Space<unknown>): Space<unknown> {
  if (space instanceof Box) {
    const { low, high, dtype } = space as Box<DType>;
    return new Box<DType>({ low, high, dtype, shape: [low.length] });
  }
  if (space instanceof Discrete || space instanceof MultiBinary || space instanceof MultiDiscrete) {
    return new Box<DType>({ low: 0, high: 1, shape: [flatdim(space)], dtype: flatDType(space) });
  }
  if (space instanceof Text) {
    return new Box<DType>({ low: 0, high: space.characterList.length, shape: [space.maxLength], dtype: 'int32' });
  }
  if (space instanceof Sequence) {
    return new Sequence<Space<unknown>, boolean>(flat(space.featureSpace), { stack: space.stack });
  }
  if (space instanceof Graph) {
    return new Graph(flat(space.nodeSpace) as FeatureSpace, space.edgeSpace && (flat(space.edgeSpace) as FeatureSpace));
  }
  const parts = partsOf(space).map(flat);
  if (space.isNpFlattenable) return (space instanceof OneOf ? oneOf : join)(parts as Box<DType>[], flatDType(space));
  if (space instanceof Dict) return new Dict(Object.fromEntries(space.keys.map((key, i) => [key, parts[i]!])));
  if (space instanceof Tuple) return new Tuple(parts);
  return new OneOf(parts);
}

/** The dtype of flat values of a space that has them in one array. */
export function flatDType(space: Space<unknown>): DType {
  if (space instanceof Box) return (space as Box<DType>).dtype;
  // Not int32: beside other parts of uint64 that would make floats of them.
  if (space instanceof Discrete && space.dtype === 'uint64') return 'uint32';
  if (space instanceof Discrete || space instanceof MultiBinary || space instanceof MultiDiscrete) {
    return batchDType(space);
  }
  if (space instanceof Text) return 'int32';
  const parts = partsOf(space);
  const dtype = resultType(parts.map(flatDType));
  // The index of a OneOf has to fit beside the values.
  const fits = !(space instanceof OneOf) || parts.length - 1 <= Number(dtypeFacts(dtype).max);
  return fits ? dtype : resultType([dtype, 'int32']);
}

function join(parts: readonly Box<DType>[], dtype: DType): Box<DType> {
  const size = parts.reduce((sum, part) => sum + part.low.length, 0);
  const [low, high] = [allocate('flattenSpace', dtype, size), allocate('flattenSpace', dtype, size)];
  let from = 0;
  for (const part of parts) {
    for (let i = 0; i < part.low.length; i++, from++) {
      low[from] = number(part.low[i]!, dtype) as never;
      high[from] = number(part.high[i]!, dtype) as never;
    }
  }
  return new Box<DType>({ low, high, shape: [size], dtype });
}

function oneOf(parts: readonly Box<DType>[], dtype: DType): Box<DType> {
  const size = 1 + Math.max(...parts.map((part) => part.low.length));
  const [low, high] = [allocate('flattenSpace', dtype, size), allocate('flattenSpace', dtype, size)];
  const all = (bound: 'low' | 'high'): (number | bigint)[] =>
    parts.flatMap((part) => Array.from(part[bound] as ArrayLike<number | bigint>));
  low.fill(
    number(
      all('low').reduce((least, x) => (x < least ? x : least), Infinity),
      dtype,
    ) as never,
    1,
  );
  high.fill(
    number(
      all('high').reduce((most, x) => (x > most ? x : most), -Infinity),
      dtype,
    ) as never,
    1,
  );
  high[0] = number(parts.length - 1, dtype) as never;
  return new Box<DType>({ low, high, shape: [size], dtype });
}

function number(value: number | bigint, dtype: DType): number | bigint {
  if (!isBigDType(dtype)) return Number(value);
  return Number.isFinite(Number(value)) ? BigInt(value) : 0n;
}

/** Whether two spaces have values of the same shapes and dtypes, so that they fit one batch; bounds, counts and starts may differ. */
export function isSpaceDtypeShapeEquiv(a: Space<unknown>, b: Space<unknown>): boolean {
  checkSpace('isSpaceDtypeShapeEquiv', a);
  checkSpace('isSpaceDtypeShapeEquiv', b);
  if (a.constructor !== b.constructor) return false;
  if (a instanceof Text) {
    const other = b as Text;
    return a.maxLength === other.maxLength && a.characters === other.characters;
  }
  if (a instanceof Sequence) {
    const other = b as Sequence<Space<unknown>, boolean>;
    return a.stack === other.stack && isSpaceDtypeShapeEquiv(a.featureSpace, other.featureSpace);
  }
  if (a instanceof Graph) {
    const other = b as Graph;
    const haveEdges = a.edgeSpace !== null && other.edgeSpace !== null;
    const areEdges = haveEdges ? isSpaceDtypeShapeEquiv(a.edgeSpace, other.edgeSpace) : a.edgeSpace === other.edgeSpace;
    return areEdges && isSpaceDtypeShapeEquiv(a.nodeSpace, other.nodeSpace);
  }
  if (a instanceof Dict) {
    const other = b as Dict;
    const isSame = a.keys.toSorted().join('\0') === other.keys.toSorted().join('\0');
    return isSame && a.keys.every((key) => isSpaceDtypeShapeEquiv(a.spaces[key]!, other.spaces[key]!));
  }
  if (a instanceof Tuple || a instanceof OneOf) {
    const others = (b as Tuple | OneOf).spaces;
    const parts: readonly Space<unknown>[] = a.spaces;
    return parts.length === others.length && parts.every((part, i) => isSpaceDtypeShapeEquiv(part, others[i]!));
  }
  return String(a.shape) === String(b.shape) && a.dtype === b.dtype;
}
