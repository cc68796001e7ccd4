// Spaces of 64 bits: whole numbers beyond 2^53 are exact in bounds, membership and JSON, and uint64 has the places that int64 has.
import { fc, test } from '@fast-check/vitest';
import { ConfigError, npRandom } from '@tessera/core';
import type { DType } from '@tessera/core';
import {
  batchSpace,
  Box,
  Dict,
  Discrete,
  DtypeObservation,
  flatten,
  flattenSpace,
  MultiDiscrete,
  spaceFromJSON,
  Tuple,
  unflatten,
} from 'gymnasium-js';
import type { SpaceJSON } from 'gymnasium-js';
import { expect } from 'vitest';
import { Signal } from '../signal.ts';
import { int64Box, seed, uint64Box } from './arbitrary-space.ts';

const ends = { int64: [-(2n ** 63n), 2n ** 63n - 1n], uint64: [0n, 2n ** 64n - 1n] } as const;
type Wide = keyof typeof ends;
const wideBox: fc.Arbitrary<Box<Wide>> = fc.oneof(int64Box as fc.Arbitrary<Box<Wide>>, uint64Box);
const arrayOf = (dtype: Wide, values: readonly bigint[]): BigInt64Array | BigUint64Array =>
  dtype === 'int64' ? BigInt64Array.from(values) : BigUint64Array.from(values);
const fits = (dtype: Wide, value: bigint): boolean => value >= ends[dtype][0] && value <= ends[dtype][1];

test.prop([wideBox, fc.nat(1), fc.boolean()])(
  'a Box ends at its bounds, to the last whole number',
  (space, i, above) => {
    const bound = [...(above ? space.high : space.low)];
    expect(space.contains(arrayOf(space.dtype, bound))).toBe(true);
    bound[i]! += above ? 1n : -1n;
    fc.pre(fits(space.dtype, bound[i]!));
    expect(space.contains(arrayOf(space.dtype, bound))).toBe(false);
  },
);

const wide = fc.constantFrom<Wide>('int64', 'uint64');
const span = wide.chain((dtype) => {
  const [lowest, highest] = ends[dtype];
  return fc.bigInt(lowest, highest - 1n).chain((start) => {
    const most = highest - start + 1n;
    return fc.tuple(fc.constant(dtype), fc.constant(start), fc.bigInt(1n, most < highest ? most : highest));
  });
});

test.prop([span, seed])(
  'a MultiDiscrete holds `nvec` numbers from `start` on, and no other',
  ([dtype, start, n], s) => {
    const space = new MultiDiscrete<Wide>([n], { start: [start], dtype, seed: s });
    const holds = (value: bigint): boolean => fits(dtype, value) && space.contains(arrayOf(dtype, [value]));
    expect([start - 1n, start, start + n - 1n, start + n].map(holds)).toEqual([false, true, true, false]);
    expect(space.contains(space.sample())).toBe(true);
    const back = spaceFromJSON(JSON.parse(JSON.stringify(space)) as SpaceJSON);
    expect(back.equals(space)).toBe(true);
  },
);

test.prop([seed])('a Box of all of uint64 draws all of it, where Gymnasium draws 0', (s) => {
  const space = new Box({ low: 0, high: 2n ** 64n - 1n, shape: [4], dtype: 'uint64', seed: s });
  const g = npRandom(s);
  expect(space.sample()).toEqual(BigUint64Array.from({ length: 4 }, () => BigInt(Math.floor(2 ** 64 * g.random()))));
});

test('unsigned bounds are finite and not negative', () => {
  const box = (low: number | bigint, high: number | bigint) => () => new Box({ low, high, dtype: 'uint64' });
  expect(box(0, Infinity)).toThrow(new ConfigError("Box: uint64 doesn't support high=Infinity. Give a finite bound."));
  expect(box(-Infinity, 1)).toThrow(new ConfigError("Box: uint64 doesn't support low=-Infinity. Give a finite bound."));
  expect(box(-1, 1)).toThrow(/low is out of the range of uint64, low=-1, range \[0, 18446744073709551615\]/);
  expect(box(0, 2n ** 64n)).toThrow(/high is out of the range of uint64, high=18446744073709551616/);
  expect(() => new Discrete(2, { start: -1, dtype: 'uint64' })).toThrow(/within the range of uint64/);
});

test('arrays cast to uint64 as NumPy casts them, and from it', () => {
  const holds = (dtype: DType, x: unknown): boolean => new Box<DType>({ low: 0, high: 9, dtype }).contains(x);
  expect([Uint8Array, Uint32Array, Int8Array, Float64Array].map((T) => holds('uint64', T.of(1)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const big = BigUint64Array.of(1n);
  expect((['uint64', 'float64', 'int64', 'float32', 'uint32'] as const).map((dtype) => holds(dtype, big))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(holds('uint64', BigInt64Array.of(1n))).toBe(false);
});

test('a Discrete of uint64 has numbers, and batches of numbers where 32 bits hold them', () => {
  const [small, large] = [new Discrete(5, { dtype: 'uint64' }), new Discrete(2 ** 40, { dtype: 'uint64' })];
  expect(small.sample()).toBeTypeOf('number');
  expect(batchSpace(small, 2).sample()).toBeInstanceOf(Int32Array);
  expect(batchSpace(large, 2).sample()).toBeInstanceOf(BigUint64Array);
});

test('flat values are uint64 beside other unsigned ones, else doubles', () => {
  const bytes = new Box({ low: 0, high: 2n ** 64n - 1n, shape: [1], dtype: 'uint64' });
  const pair = new Tuple([bytes, new Discrete(2, { dtype: 'uint64' })]);
  const x: [BigUint64Array, number] = [BigUint64Array.of(2n ** 64n - 1n), 1];
  const flat = flatten(pair, x);
  expect(flat).toEqual(BigUint64Array.of(2n ** 64n - 1n, 0n, 1n));
  expect(unflatten(pair, flat)).toEqual(x);
  expect(String(flattenSpace(new Tuple([bytes, new Discrete(2)])))).toMatch(/float64\)$/);
  expect(flatten(new MultiDiscrete([2, 3], { dtype: 'uint64' }), BigUint64Array.of(1n, 0n))).toEqual(
    BigUint64Array.of(0n, 1n, 1n, 0n, 0n),
  );
  expect(() => unflatten(new Dict({ bytes }), Float64Array.of(NaN))).toThrow(
    /expected whole numbers of 64 bits, got NaN/,
  );
});

test('DtypeObservation makes bigints of bytes', () => {
  const env = new DtypeObservation(new Signal('bytes'), { dtype: 'uint64' });
  const { observation } = env.reset({ seed: 0 });
  expect(observation).toBeInstanceOf(BigUint64Array);
  expect(env.observationSpace.contains(observation)).toBe(true);
});
