// The space of the values of several environments (gymnasium/vector/utils/space_utils.py). Batches of arrays are flat with the environment as
// first axis; batches of what has no fixed size are plain arrays.
import { ConfigError, isBigArray, isBigDType } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import { Box } from '../spaces/box.ts';
import { allocate, checkSpace } from '../spaces/checks.ts';
import { describe } from '../spaces/describe.ts';
import { Dict } from '../spaces/dict.ts';
import { Discrete } from '../spaces/discrete.ts';
import type { WholeDType } from '../spaces/discrete.ts';
import { isSpaceType, spaceFromJSON } from '../spaces/from-json.ts';
import { MultiBinary } from '../spaces/multi-binary.ts';
import { MultiDiscrete } from '../spaces/multi-discrete.ts';
import type { Space, SpaceJSON, SpaceValue } from '../spaces/space.ts';
import { Tuple } from '../spaces/tuple.ts';
import type { TypedArray } from '../types.ts';

export { concatenate, createEmptyArray, isUncounted, iterate } from './batch-values.ts';

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

/** Spaces whose batches are one flat array. */
export type ArraySpace = Box<DType> | Discrete | MultiDiscrete<WholeDType> | MultiBinary;

export const isArraySpace = (space: unknown): space is ArraySpace =>
  space instanceof Box || space instanceof Discrete || space instanceof MultiDiscrete || space instanceof MultiBinary;

/** The dtype of a batch: int32 for a Discrete of 64 bits whose values lie within 32, which would be bigints; else that of the space. */
export function batchDType(space: ArraySpace): DType {
  if (!(space instanceof Discrete) || !isBigDType(space.dtype)) return space.dtype;
  return Math.max(-space.start, space.start + space.n) <= 2 ** 31 && space.n < 2 ** 31 ? 'int32' : space.dtype;
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
    return goOn(
      dictOf(space, (part) => batch(part, n)),
      space,
    );
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
      dictOf(first, (_, key) => batchDiffering(dicts.map((dict) => dict.spaces[key]!))),
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
    high[i] = (isBigArray(high) ? top : Number(top)) as never;
  }
  return new Box<DType>({ low, high, shape, dtype });
}

const bits = (dtype: DType): number => Number(dtype.replace(/\D/g, ''));

// From an object, so that names are sorted even where those of `dict` are not: Gymnasium's batches are.
function dictOf(dict: Dict, part: (space: Space<unknown>, key: string) => Space<unknown>): Dict {
  return new Dict(Object.fromEntries(dict.keys.map((key) => [key, part(dict.spaces[key]!, key)])));
}

function goOn<S extends Space<unknown>>(space: S, from: Space<unknown>): S {
  space.npRandom = from.npRandom.clone();
  return space;
}

/** An equal space with a stream of its own. */
export function copySpace<S extends Space<unknown>>(space: S): S {
  const json = JSON.parse(JSON.stringify(space)) as SpaceJSON;
  const copied = isSpaceType(json.type) ? spaceFromJSON(json) : undefined;
  if (copied?.constructor === space.constructor) return copied as S;
  const name = space.constructor.name;
  throw new ConfigError(`batchSpace: cannot copy a space of class ${name}. Use the spaces of gymnasium-js.`);
}

/** Throws ConfigError unless `n` is a whole number from `least` on. */
export function checkCount(where: string, n: unknown, least = 1): void {
  if (Number.isSafeInteger(n) && (n as number) >= least) return;
  throw new ConfigError(`${where}: expected a whole number of values >= ${least}, got ${describe(n)}.`);
}
