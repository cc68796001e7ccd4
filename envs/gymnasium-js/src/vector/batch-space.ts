// Spaces and values of several environments as one (gymnasium/vector/utils/space_utils.py): the space of a batch, its memory, filling it and
// taking it apart. Batches of arrays are flat with the environment as first axis; batches of what has no fixed size are plain arrays.
import { ConfigError } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import { Box } from '../spaces/box.ts';
import { allocate, checkSpace } from '../spaces/checks.ts';
import { describe } from '../spaces/describe.ts';
import { Dict } from '../spaces/dict.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { WholeDType } from '../spaces/discrete.ts';
import { dtypeOf } from '../spaces/dtype.ts';
import { spaceFromJSON } from '../spaces/from-json.ts';
import { Graph } from '../spaces/graph.ts';
import { MultiBinary } from '../spaces/multi-binary.ts';
import { MultiDiscrete } from '../spaces/multi-discrete.ts';
import type { Space, SpaceValue } from '../spaces/space.ts';
import { Text } from '../spaces/text.ts';
import { Tuple } from '../spaces/tuple.ts';
import type { TypedArray } from '../types.ts';

/** The values of a batch of one space: one flat array for arrays and numbers, an object or array of batches for Dict and Tuple, else an array of values. */
export type Batch<S> =
  S extends Box<infer D>
    ? TypedArrayOf<D>
    : S extends MultiDiscrete<infer D>
      ? TypedArrayOf<D>
      : S extends MultiBinary
        ? Int8Array
        : S extends Discrete
          ? Int32Array
          : S extends Dict<infer R>
            ? { [K in keyof R]: Batch<R[K]> }
            : S extends Tuple<infer L>
              ? { -readonly [K in keyof L]: Batch<L[K]> }
              : SpaceValue<S>[];

type ArraySpace = Box<DType> | Discrete | MultiDiscrete<WholeDType> | MultiBinary;

const isArraySpace = (space: unknown): space is ArraySpace =>
  space instanceof Box || space instanceof Discrete || space instanceof MultiDiscrete || space instanceof MultiBinary;

/** The dtype of a batch: int32 for a Discrete of int64 within 32 bits, whose int64 would be bigints; else that of the space. */
export function batchDType(space: ArraySpace): DType {
  if (!(space instanceof Discrete) || space.dtype !== 'int64') return space.dtype;
  return Math.max(-space.start, space.start + space.n) <= 2 ** 31 && space.n < 2 ** 31 ? 'int32' : 'int64';
}

/**
 * The space of `n` values of `space`: Discrete becomes MultiDiscrete, MultiDiscrete and MultiBinary become Box, a Box gets a first axis, Dict and Tuple
 * become Dict and Tuple of batches, everything else a Tuple of `n` copies. It draws on from where the stream of `space` is, without moving it.
 *
 * Throws ConfigError for a count that is no whole number > 0, and for a space of the caller's own class, which cannot be copied.
 */
export function batchSpace<S extends Space<unknown>>(space: S, n = 1): Space<Batch<S>> {
  checkSpace('batchSpace', space);
  checkCount('batchSpace', n);
  return batch(space, n) as unknown as Space<Batch<S>>;
}

function batch(space: Space<unknown>, n: number): Space<unknown> {
  if (space instanceof Dict) {
    return goOn(new Dict(space.keys.map((key) => [key, batch(space.spaces[key]!, n)] as const)), space);
  }
  if (space instanceof Tuple) return goOn(new Tuple(space.spaces.map((part: Space<unknown>) => batch(part, n))), space);
  if (isArraySpace(space)) return batchDiffering(Array.from({ length: n }, () => space));
  const batched = goOn(new Tuple(Array.from({ length: n }, () => copySpace(space))), space);
  const seeds = space.npRandom.clone();
  batched.seed(Array.from({ length: n }, () => seeds.integers(1e8)));
  return batched;
}

/**
 * The space of one value of each of `spaces`, which have to be alike up to their bounds and counts. It draws on from where the stream of the first is.
 * Throws ConfigError for none, and for spaces that are not alike.
 */
export function batchDifferingSpaces(spaces: readonly Space<unknown>[]): Space<unknown> {
  if (!Array.isArray(spaces) || spaces.length === 0) {
    throw new ConfigError(`batchDifferingSpaces: expects a non-empty list of spaces, got ${describe(spaces)}.`);
  }
  spaces.forEach((space, i) => checkSpace(`batchDifferingSpaces element ${i}`, space));
  return batchDiffering(spaces);
}

function batchDiffering(spaces: readonly Space<unknown>[]): Space<unknown> {
  const first = spaces[0]!;
  const refuse = (what: string, got: (space: Space<unknown>) => string): never => {
    const all = [...new Set(spaces.map(got))].join('; ');
    throw new ConfigError(`batchDifferingSpaces: expected all ${what} to be equal, actually ${all}.`);
  };
  if (spaces.some((space) => space.constructor !== first.constructor))
    refuse('spaces', (space) => space.constructor.name);
  if (isArraySpace(first)) {
    if (spaces.some((space) => String(space.shape) !== String(first.shape)))
      refuse('shapes', (space) => `[${space.shape?.join(', ')}]`);
    const isMixed = !(first instanceof Discrete) && spaces.some((space) => space.dtype !== first.dtype);
    if (isMixed) refuse('dtypes', (space) => String(space.dtype));
    return goOn(stackSpaces(spaces as readonly ArraySpace[]), first);
  }
  if (first instanceof Dict) {
    const dicts = spaces as readonly Dict[];
    const names = (dict: Dict): string => JSON.stringify(dict.keys.toSorted());
    if (dicts.some((dict) => names(dict) !== names(first))) refuse('keys', (space) => names(space as Dict));
    return goOn(
      new Dict(first.keys.map((key) => [key, batchDiffering(dicts.map((dict) => dict.spaces[key]!))])),
      first,
    );
  }
  if (first instanceof Tuple) {
    const tuples = spaces as readonly Tuple[];
    const length = (space: Space<unknown>): string => String((space as Tuple).spaces.length);
    if (tuples.some((tuple) => tuple.spaces.length !== first.spaces.length)) refuse('lengths', length);
    const parts = first.spaces.map((_: unknown, i: number) => batchDiffering(tuples.map((tuple) => tuple.spaces[i]!)));
    return goOn(new Tuple(parts), first);
  }
  return goOn(new Tuple(spaces.map(copySpace)), first);
}

function stackSpaces(spaces: readonly ArraySpace[]): Space<unknown> {
  const first = spaces[0]!;
  const shape = [spaces.length, ...first.shape];
  if (first instanceof Discrete) {
    const discretes = spaces as readonly Discrete[];
    const widest = discretes.map(batchDType).toSorted((a, b) => bits(b) - bits(a))[0] as WholeDType;
    const [nvec, start] = [discretes.map(({ n }) => n), discretes.map((space) => space.start)];
    return new MultiDiscrete(nvec, { start, dtype: widest });
  }
  if (first instanceof MultiBinary) return new Box<DType>({ low: 0, high: 1, shape, dtype: 'int8' });
  const { dtype } = first;
  const all = (values: (space: ArraySpace) => TypedArray): TypedArray => {
    const size = values(first).length;
    const out = allocate('batchSpace', dtype as DType, size * spaces.length);
    spaces.forEach((space, i) => out.set(values(space) as never, i * size));
    return out;
  };
  if (first instanceof Box) {
    const low = all((space) => (space as Box<DType>).low);
    const high = all((space) => (space as Box<DType>).high);
    return new Box<DType>({ low, high, shape, dtype });
  }
  const low = all((space) => (space as MultiDiscrete).start);
  const high = all((space) => (space as MultiDiscrete).nvec);
  for (let i = 0; i < high.length; i++) {
    const top = BigInt(high[i]!) + BigInt(low[i]!) - 1n;
    high[i] = (high instanceof BigInt64Array ? top : Number(top)) as never;
  }
  return new Box<DType>({ low, high, shape, dtype });
}

const bits = (dtype: DType): number => Number(dtype.replace(/\D/g, ''));

function goOn<S extends Space<unknown>>(space: S, from: Space<unknown>): S {
  space.npRandom = from.npRandom.clone();
  return space;
}

/** An equal space with a stream of its own. */
export function copySpace<S extends Space<unknown>>(space: S): S {
  const copy = spaceFromJSON(JSON.parse(JSON.stringify(space)));
  if (copy.constructor === space.constructor) return copy as S;
  throw new ConfigError(
    `batchSpace: cannot copy a space of class ${space.constructor.name}. Use the spaces of gymnasium-js.`,
  );
}

/** Zeros for `n` values of `space`, for `concatenate` to fill; texts and other values without a fixed size are the smallest there are. */
export function createEmptyArray<S extends Space<unknown>>(space: S, n = 1): Batch<S> {
  checkSpace('createEmptyArray', space);
  checkCount('createEmptyArray', n, 0);
  return empty(space, n) as Batch<S>;
}

function empty(space: Space<unknown>, n: number): unknown {
  if (isArraySpace(space)) return allocate('createEmptyArray', batchDType(space), n * rowSize(space));
  if (space instanceof Dict) return Object.fromEntries(space.keys.map((key) => [key, empty(space.spaces[key]!, n)]));
  if (space instanceof Tuple) return space.spaces.map((part: Space<unknown>) => empty(part, n));
  const one = (): unknown => {
    if (space instanceof Text) return (space.characters[0] ?? '').repeat(space.minLength);
    return space instanceof Graph ? space.empty() : [];
  };
  return Array.from({ length: n }, one);
}

/**
 * Copies values of `space` into `out`, which `createEmptyArray` made for as many, and returns it. Throws ConfigError when `out` has no room for exactly
 * these values, and for values that are not of this space.
 */
export function concatenate<S extends Space<unknown>>(
  space: S,
  items: readonly SpaceValue<S>[],
  out: Batch<S>,
): Batch<S> {
  checkSpace('concatenate', space);
  if (!Array.isArray(items)) throw new ConfigError(`concatenate: expected an array of values, got ${describe(items)}.`);
  return fill(space, items, out) as Batch<S>;
}

function fill(space: Space<unknown>, items: readonly unknown[], out: unknown): unknown {
  if (isArraySpace(space)) {
    const size = rowSize(space);
    if (dtypeOf(out) === undefined || (out as TypedArray).length !== size * items.length) {
      const expected = `out with room for ${items.length} values of ${size} numbers`;
      throw new ConfigError(`concatenate: expected ${expected}, got ${describe(out)}.`);
    }
    items.forEach((item, i) => put(out as TypedArray, i * size, size, item));
    return out;
  }
  const part = (of: unknown, key: string | number): unknown => {
    if (typeof of === 'object' && of !== null && Object.hasOwn(of, key)) return (of as Record<string, unknown>)[key];
    throw new ConfigError(`concatenate: expected values of ${space.toString()}, got ${describe(of)}.`);
  };
  const column = (inner: Space<unknown>, key: string | number): unknown =>
    fill(
      inner,
      items.map((item) => part(item, key)),
      part(out, key),
    );
  if (space instanceof Dict) {
    return Object.fromEntries(space.keys.map((key) => [key, column(space.spaces[key]!, key)]));
  }
  if (space instanceof Tuple) return space.spaces.map((inner: Space<unknown>, i: number) => column(inner, i));
  return [...items];
}

function put(out: TypedArray, at: number, size: number, item: unknown): void {
  const isBig = out instanceof BigInt64Array;
  const values = typeof item === 'number' || typeof item === 'bigint' ? [item] : (item as ArrayLike<number | bigint>);
  if (typeof values !== 'object' || values === null || values.length !== size) {
    throw new ConfigError(`concatenate: expected values of ${size} numbers, got ${describe(item)}.`);
  }
  if (isBig === values instanceof BigInt64Array && dtypeOf(values) !== undefined) out.set(values as never, at);
  else for (let i = 0; i < size; i++) out[at + i] = (isBig ? BigInt(values[i]!) : Number(values[i])) as never;
}

const rowSize = (space: ArraySpace): number => space.shape.reduce((product, size) => product * size, 1);

/**
 * The values in a batch, one after the other, for a space that `batchSpace` made. Rows of arrays are views into the batch; of a MultiDiscrete of one axis
 * they are numbers. Throws ConfigError for a space that is no batch, and for items that are not of it.
 */
export function iterate(space: Space<unknown>, items: unknown): IterableIterator<unknown> {
  checkSpace('iterate', space);
  return rows(space, items)[Symbol.iterator]() as IterableIterator<unknown>;
}

function rows(space: Space<unknown>, items: unknown): unknown[] {
  if (space instanceof Dict) {
    const columns = space.keys.map((key) => rows(space.spaces[key]!, partOf(space, items, key)));
    return zip(space, columns).map((row) => Object.fromEntries(space.keys.map((key, i) => [key, row[i]])));
  }
  if (space instanceof Tuple) {
    // A Tuple of copies is a batch itself; a batch of a Tuple has batches in it.
    const isBatch = space.spaces.every(
      (part: Space<unknown>) => isArraySpace(part) || part instanceof Dict || part instanceof Tuple,
    );
    if (!isBatch && Array.isArray(items)) return items;
    return zip(
      space,
      space.spaces.map((part: Space<unknown>, i: number) => rows(part, partOf(space, items, i))),
    );
  }
  if (!isArraySpace(space) || space.shape.length === 0) {
    throw new ConfigError(`iterate: unable to iterate over a space of type ${space.constructor.name}.`);
  }
  return splitRows(space, items);
}

function splitRows(space: ArraySpace, items: unknown): unknown[] {
  const inner = space.shape.slice(1).reduce((product, size) => product * size, 1);
  if (dtypeOf(items) === undefined || (inner > 0 && (items as TypedArray).length % inner !== 0)) {
    throw new ConfigError(`iterate: expected values of ${space.toString()}, got ${describe(items)}.`);
  }
  const values = items as TypedArray;
  const isNumbers = space.shape.length === 1 && !(space instanceof Box);
  const count = inner === 0 ? space.shape[0]! : values.length / inner;
  return Array.from({ length: count }, (_, i) =>
    isNumbers ? Number(values[i]) : values.subarray(i * inner, (i + 1) * inner),
  );
}

function partOf(space: Space<unknown>, items: unknown, key: string | number): unknown {
  if (typeof items === 'object' && items !== null && Object.hasOwn(items, key)) {
    return (items as Record<string, unknown>)[key];
  }
  throw new ConfigError(`iterate: expected values of ${space.toString()}, got ${describe(items)}.`);
}

function zip(space: Space<unknown>, columns: readonly unknown[][]): unknown[][] {
  const count = columns[0]?.length ?? 0;
  if (columns.some((column) => column.length !== count)) {
    const got = columns.map((column) => column.length).join(', ');
    throw new ConfigError(`iterate: expected equally many values of each part of ${space.toString()}, got ${got}.`);
  }
  return Array.from({ length: count }, (_, i) => columns.map((column) => column[i]));
}

function checkCount(where: string, n: unknown, least = 1): void {
  if (Number.isSafeInteger(n) && (n as number) >= least) return;
  throw new ConfigError(`${where}: expected a whole number of values >= ${least}, got ${describe(n)}.`);
}
