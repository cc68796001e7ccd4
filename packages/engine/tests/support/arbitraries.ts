// Hostile arrays: ranks from 0 to 5, sizes 0 and 1, odd sizes, lengths that don't fill a SIMD vector, ties, zeros. Numbers come from a seed, so that a
// counterexample shrinks in its shape and its settings. (fast-check itself: its package for vitest takes two seconds to load in every file that imports it.)
import * as fc from 'fast-check';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { broadcast, sizeOf } from './float64.ts';

/** `smooth`: no two numbers meet, so that every op is differentiable there; `ties`: -1, 0 and 1; `positive` numbers lie in [0.5, 2]. */
export type Values = 'smooth' | 'ties' | 'positive' | 'positiveTies';

/** The same kind of values for arguments that must be positive. */
export function positive(values: Values): Values {
  return values === 'ties' ? 'positiveTies' : 'positive';
}

/** Numbers of a seed. */
export function floats(
  shape: readonly number[],
  { seed, values }: { seed: number; values: Values },
): NdArray<'float32'> {
  const generator = npRandom(seed);
  const draw = {
    smooth: () => generator.normal(),
    ties: () => generator.integers(-1, 2),
    positive: () => generator.uniform(0.5, 2),
    positiveTies: () => generator.integers(1, 3),
  }[values];
  return ndarray('float32', shape, Float32Array.from({ length: sizeOf(shape) }, draw));
}

/** Whole numbers in [0, count) of a seed. */
export function integers(shape: readonly number[], { seed, count }: { seed: number; count: number }): NdArray<'int32'> {
  const generator = npRandom(seed);
  return ndarray(
    'int32',
    shape,
    Int32Array.from({ length: sizeOf(shape) }, () => generator.integers(0, count)),
  );
}

export const seeds: fc.Arbitrary<number> = fc.noShrink(fc.nat(1e6));

/** A size of one axis. */
export const sizes: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 4, 5, 7);

/** Sizes that fill SIMD vectors and leave a rest. */
export const lengths: fc.Arbitrary<number> = fc.constantFrom(1, 2, 3, 5, 8, 17, 33);

/** Shapes of a few hundred elements at most. */
export function shapes({
  minRank = 0,
  maxRank = 5,
  empty = false,
}: { minRank?: number; maxRank?: number; empty?: boolean } = {}): fc.Arbitrary<number[]> {
  const small = fc.array(empty ? fc.constantFrom(1, 2, 3, 3, 5, 0) : sizes, { minLength: minRank, maxLength: maxRank });
  const long = fc.tuple(fc.array(fc.constantFrom(1, 2), { maxLength: Math.max(0, maxRank - 1) }), lengths);
  const wide = long.map(([first, last]) => [...first, last]).filter(({ length }) => length >= minRank);
  return fc
    .oneof({ weight: 3, arbitrary: small }, { weight: maxRank > 0 ? 1 : 0, arbitrary: wide })
    .filter((shape) => sizeOf(shape) <= 300);
}

/** Two shapes that broadcast, either way round and both at once. */
export const broadcastShapes: fc.Arbitrary<[number[], number[]]> = shapes({ empty: true }).chain((shape) => {
  const squeezed = fc
    .tuple(fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }), fc.nat(shape.length))
    .map(([ones, dropped]) => shape.map((n, axis) => (ones[axis] ? 1 : n)).slice(dropped));
  return fc
    .oneof(fc.tuple(squeezed, squeezed), fc.tuple(squeezed, fc.constant(shape)), fc.tuple(fc.constant(shape), squeezed))
    .filter(([a, b]) => sizeOf(broadcast(a, b)) <= 300);
});

/** An array of one of the shapes. */
export function arrays(shape: fc.Arbitrary<number[]>, values: Values): fc.Arbitrary<NdArray<'float32'>> {
  return fc.tuple(shape, seeds).map(([sizes, seed]) => floats(sizes, { seed, values }));
}

/** Some of the axes of a shape, each counted from either end. */
export function axesOf(shape: readonly number[]): fc.Arbitrary<number[]> {
  return fc
    .tuple(fc.subarray(shape.map((_, axis) => axis)), fc.boolean())
    .map(([axes, fromEnd]) => axes.map((axis) => (fromEnd ? axis - shape.length : axis)));
}
