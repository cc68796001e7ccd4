// Values of spaces as flat arrays and back (gymnasium/spaces/utils.py). Numbers of Discrete and MultiDiscrete become one-hot.
import { ConfigError, isBigArray } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { TypedArray } from '../types.ts';
import { batchDType } from '../vector/batch-space.ts';
import { Box } from './box.ts';
import { allocate, checkSpace } from './checks.ts';
import { describe } from './describe.ts';
import { Dict } from './dict.ts';
import { Discrete } from './discrete.ts';
import type { WholeDType } from './discrete.ts';
import { dtypeOf } from './dtype.ts';
import { flatdim, flatDType, flattenSpace } from './flatten-space.ts';
import { Graph } from './graph.ts';
import type { FeatureSpace, GraphInstance } from './graph.ts';
import { MultiBinary } from './multi-binary.ts';
import { MultiDiscrete } from './multi-discrete.ts';
import { OneOf } from './one-of.ts';
import { Sequence } from './sequence.ts';
import type { Space, SpaceValue } from './space.ts';
import { Text } from './text.ts';
import { Tuple } from './tuple.ts';

export { flatdim, flattenSpace, isSpaceDtypeShapeEquiv } from './flatten-space.ts';

/** A flat value: one array, or arrays in the structure of a space that is not flattenable to one. */
export type FlatValue = TypedArray | FlatValue[] | { [key: string]: FlatValue } | GraphInstance;

/**
 * A value as one array `[flatdim(space)]` of the dtype of `flattenSpace(space)`: Discrete one-hot, Text as places in the charset padded with its size,
 * Dict and Tuple part after part, OneOf with the index first. With a Sequence or Graph inside, the structure stays and its leaves are flat.
 *
 * Throws ConfigError for a value that is not in the space.
 */
export function flatten<S extends Space<unknown>>(space: S, x: SpaceValue<S>): FlatValue {
  checkSpace('flatten', space);
  if (!space.contains(x)) {
    throw new ConfigError(`flatten: expected a value of ${space.toString()}, got ${describe(x)}.`);
  }
  return flat(space, x);
}

function flat(space: Space<unknown>, x: unknown): FlatValue {
  if (space instanceof Box || space instanceof MultiBinary) {
    const out = allocate(
      'flatten',
      space.dtype,
      space.shape.reduce((product, size) => product * size, 1),
    );
    copy(typeof x === 'number' ? [x] : (x as ArrayLike<number | bigint>), out, 0);
    return out;
  }
  if (space instanceof Discrete) return oneHot(flatDType(space), [space.n], [Number(x) - space.start]);
  if (space instanceof MultiDiscrete) {
    const offsets = Array.from(x as ArrayLike<number | bigint>, (value, i) => Number(value) - Number(space.start[i]));
    return oneHot(space.dtype, counts(space), offsets);
  }
  if (space instanceof Text) {
    const out = new Int32Array(space.maxLength).fill(space.characterList.length);
    Array.from(x as string).forEach((char, i) => (out[i] = space.characterIndex(char)!));
    return out;
  }
  if (space instanceof OneOf) return flatOneOf(space, x as [number, unknown]);
  if (space instanceof Dict) {
    const parts = space.keys.map((key) => flat(space.spaces[key]!, (x as Record<string, unknown>)[key]));
    if (space.isNpFlattenable) return join(parts as TypedArray[], flatDType(space));
    return Object.fromEntries(space.keys.map((key, i) => [key, parts[i]!]));
  }
  if (space instanceof Tuple) {
    const parts = space.spaces.map((part: Space<unknown>, i: number) => flat(part, (x as ArrayLike<unknown>)[i]));
    return space.isNpFlattenable ? join(parts as TypedArray[], flatDType(space)) : parts;
  }
  if (space instanceof Sequence) return flatSequence(space, x);
  if (space instanceof Graph) return flatGraph(space, x as GraphInstance);
  throw unknownSpace('flatten', space);
}

/**
 * The value that `flatten` made flat. Throws ConfigError for what it cannot have made: another length or structure, or numbers that are not one-hot.
 */
export function unflatten<S extends Space<unknown>>(space: S, x: FlatValue): SpaceValue<S> {
  checkSpace('unflatten', space);
  return unflat(space, x) as SpaceValue<S>;
}

function unflat(space: Space<unknown>, x: unknown): unknown {
  if (space instanceof Sequence) return unflatSequence(space, x);
  if (space instanceof Graph) return unflatGraph(space, x as GraphInstance);
  if (!space.isNpFlattenable && space instanceof Dict) {
    return Object.fromEntries(space.keys.map((key) => [key, unflat(space.spaces[key]!, part(space, x, key))]));
  }
  if (!space.isNpFlattenable && space instanceof Tuple) {
    return space.spaces.map((inner: Space<unknown>, i: number) => unflat(inner, part(space, x, i)));
  }
  const size = space.isNpFlattenable ? flatdim(space) : undefined;
  const isArray = dtypeOf(x) !== undefined || (Array.isArray(x) && x.every((value) => typeof value === 'number'));
  if (!isArray || (x as TypedArray).length !== size) {
    throw new ConfigError(`unflatten: expected ${size ?? 'no'} values of ${space.toString()}, got ${describe(x)}.`);
  }
  return unflatArray(space, Array.from(x as ArrayLike<number | bigint>));
}

type Numbers = readonly (number | bigint)[];

function unflatArray(space: Space<unknown>, x: Numbers): unknown {
  if (space instanceof Box || space instanceof MultiBinary) {
    const out = allocate('unflatten', space.dtype, x.length);
    copy(x, out, 0);
    return out;
  }
  if (space instanceof Discrete) return space.start + hot(space, x);
  if (space instanceof MultiDiscrete) {
    const out = allocate('unflatten', space.dtype as WholeDType, space.nvec.length);
    let from = 0;
    counts(space).forEach((n, i) => {
      const value = Number(space.start[i]) + hot(space, x.slice(from, from + n));
      copy([value], out, i);
      from += n;
    });
    return out;
  }
  if (space instanceof Text) {
    const characters = x.map((i) => space.characterList[Number(i)] ?? '');
    return characters.join('');
  }
  if (space instanceof OneOf) {
    const index = Number(x[0]);
    const inner = space.spaces[index] as Space<unknown> | undefined;
    if (inner === undefined) {
      throw new ConfigError(`unflatten: expected an index of ${space.toString()} first, got ${index}.`);
    }
    return [index, unflatArray(inner, x.slice(1, 1 + flatdim(inner)))];
  }
  let from = 0;
  const next = (inner: Space<unknown>): unknown => {
    const size = flatdim(inner);
    from += size;
    return unflatArray(inner, x.slice(from - size, from));
  };
  if (space instanceof Dict) return Object.fromEntries(space.keys.map((key) => [key, next(space.spaces[key]!)]));
  if (space instanceof Tuple) return space.spaces.map(next);
  throw unknownSpace('unflatten', space);
}

const counts = (space: MultiDiscrete<WholeDType>): number[] =>
  Array.from(space.nvec as ArrayLike<number | bigint>, Number);

function oneHot<D extends DType>(dtype: D, sizes: readonly number[], offsets: readonly number[]): TypedArrayOf<D> {
  const out = allocate(
    'flatten',
    dtype,
    sizes.reduce((sum, n) => sum + n, 0),
  );
  let from = 0;
  sizes.forEach((n, i) => {
    copy([1], out, from + offsets[i]!);
    from += n;
  });
  return out;
}

function hot(space: Space<unknown>, x: Numbers): number {
  const index = x.findIndex((value) => Number(value) !== 0);
  if (index >= 0) return index;
  const got = `[${x.slice(0, 20).join(', ')}${x.length > 20 ? ', ...' : ''}]`;
  throw new ConfigError(
    `unflatten: ${got} is not a valid one-hot encoded vector and can not be unflattened to space ${space.toString()}. ` +
      'Not all valid samples in a flattened space can be unflattened.',
  );
}

function copy(from: ArrayLike<number | bigint>, out: TypedArray, at: number): void {
  if (isBigArray(out)) for (let i = 0; i < from.length; i++) out[at + i] = toBigInt(from[i]!);
  else for (let i = 0; i < from.length; i++) out[at + i] = Number(from[i]);
}

// As NumPy casts: towards zero. NaN and infinity, which it casts to anything, are refused.
function toBigInt(value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  if (Number.isFinite(value)) return BigInt(Math.trunc(value));
  throw new ConfigError(`unflatten: expected whole numbers of 64 bits, got ${value}.`);
}

function join(parts: readonly TypedArray[], dtype: DType): TypedArray {
  const out = allocate(
    'flatten',
    dtype,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let from = 0;
  for (const values of parts) {
    copy(values as ArrayLike<number | bigint>, out, from);
    from += values.length;
  }
  return out;
}

function flatOneOf(space: OneOf, [index, x]: [number, unknown]): TypedArray {
  const { dtype, shape, low } = flattenSpace(space) as Box<DType>;
  const values = flat(space.spaces[index]!, x) as TypedArray;
  const out = allocate('flatten', dtype, shape[0]!);
  // Gymnasium's padding: the first value again.
  const padding = values[0] ?? low[1] ?? 0;
  copy([index], out, 0);
  copy(values as ArrayLike<number | bigint>, out, 1);
  copy(
    Array.from({ length: out.length - 1 - values.length }, () => padding),
    out,
    1 + values.length,
  );
  return out;
}

type AnySequence = Sequence<Space<unknown>, boolean>;

function flatSequence(space: AnySequence, x: unknown): FlatValue {
  const items = space.toItems(x as unknown[]).map((item) => flat(space.featureSpace, item));
  return (flattenSpace(space) as AnySequence).fromItems(items) as FlatValue;
}

function unflatSequence(space: AnySequence, x: unknown): unknown {
  const items = (flattenSpace(space) as AnySequence).toItems(x as unknown[]);
  return space.fromItems(items.map((item) => unflat(space.featureSpace, item)));
}

function flatGraph(space: Graph, { nodes, edges, edgeLinks }: GraphInstance): GraphInstance {
  const features = (of: FeatureSpace, values: TypedArray): TypedArray => {
    if (of instanceof Box) return values.slice() as TypedArray;
    const offsets = Array.from(values as ArrayLike<number | bigint>, (value) => Number(value) - of.start);
    return oneHot(
      flatDType(of),
      offsets.map(() => of.n),
      offsets,
    );
  };
  return { nodes: features(space.nodeSpace, nodes), edges: edges && features(space.edgeSpace!, edges), edgeLinks };
}

function unflatGraph(space: Graph, x: GraphInstance): GraphInstance {
  const features = (of: FeatureSpace, name: 'nodes' | 'edges'): TypedArray => {
    const values = part(space, x, name) as TypedArray;
    if (dtypeOf(values) === undefined) {
      throw new ConfigError(`unflatten: expected ${name} of ${space.toString()}, got ${describe(values)}.`);
    }
    if (of instanceof Box) return values.slice() as TypedArray;
    const out = allocate('unflatten', batchDType(of), Math.floor(values.length / of.n));
    for (let i = 0; i < out.length; i++) {
      const row = values.subarray(i * of.n, (i + 1) * of.n) as unknown as ArrayLike<number | bigint>;
      copy([of.start + hot(of, Array.from(row))], out, i);
    }
    return out;
  };
  const nodes = features(space.nodeSpace, 'nodes');
  const hasEdges = space.edgeSpace !== null && part(space, x, 'edges') !== null;
  return { nodes, edges: hasEdges ? features(space.edgeSpace, 'edges') : null, edgeLinks: x.edgeLinks };
}

function part(space: Space<unknown>, x: unknown, key: string | number): unknown {
  if (typeof x === 'object' && x !== null && Object.hasOwn(x, key)) return (x as Record<string, unknown>)[key];
  throw new ConfigError(
    `unflatten: expected ${String(key)} of a flat value of ${space.toString()}, got ${describe(x)}.`,
  );
}

function unknownSpace(where: string, space: Space<unknown>): ConfigError {
  return new ConfigError(`${where}: unknown space: ${space.toString()}. Use the spaces of gymnasium-js.`);
}
