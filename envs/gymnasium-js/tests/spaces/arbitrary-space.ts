// Spaces of every kind, nested in each other, for laws that all of them keep.
import { fc } from '@fast-check/vitest';
import { Box, Dict, Discrete, Graph, MultiBinary, MultiDiscrete, OneOf, Sequence, Text, Tuple } from 'gymnasium-js';
import type { Space, WholeDType } from 'gymnasium-js';
import type { DType } from '@tessera/core';

const limits: Partial<Record<DType, [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  bool: [0, 1],
  float32: [-100, 100],
  float64: [-1e30, 1e30],
};

const shape = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 });

export const box: fc.Arbitrary<Box<DType>> = fc
  .tuple(fc.constantFrom(...(Object.keys(limits) as DType[])), shape)
  .chain(([dtype, sizes]) => {
    const [min, max] = limits[dtype]!;
    const isReal = dtype.startsWith('float');
    const value = isReal ? fc.double({ min, max, noNaN: true }).map(Math.fround) : fc.integer({ min, max });
    const size = sizes.reduce((product, n) => product * n, 1);
    const open = (infinite: number): fc.Arbitrary<number> =>
      isReal || dtype.startsWith('int') ? fc.oneof({ weight: 4, arbitrary: value }, fc.constant(infinite)) : value;
    const bounds = fc
      .tuple(open(-Infinity), open(Infinity))
      .map(([a, b]): [number, number] => (a <= b ? [a, b] : [b, a]));
    return fc.array(bounds, { minLength: size, maxLength: size }).map((pairs) => {
      return new Box<DType>({ low: pairs.map(([a]) => a), high: pairs.map(([, b]) => b), shape: sizes, dtype });
    });
  });

export const int64Box: fc.Arbitrary<Box<'int64'>> = fc
  .tuple(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n))
  .map(([a, b]) => new Box({ low: a < b ? a : b, high: a < b ? b : a, shape: [2], dtype: 'int64' }));

export const uint64Box: fc.Arbitrary<Box<'uint64'>> = fc
  .tuple(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n))
  .map(([a, b]) => new Box({ low: a < b ? a : b, high: a < b ? b : a, shape: [2], dtype: 'uint64' }));

const whole = fc.constantFrom<WholeDType>('int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64');

export const discrete: fc.Arbitrary<Discrete> = fc
  .tuple(whole, fc.integer({ min: 1, max: 100 }), fc.integer({ min: -20, max: 20 }))
  .map(([dtype, n, start]) => new Discrete(n, { start: dtype.startsWith('u') ? Math.abs(start) : start, dtype }));

export const multiDiscrete: fc.Arbitrary<MultiDiscrete<WholeDType>> = fc
  .tuple(whole, fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }))
  .chain(([dtype, sizes]) => {
    const size = sizes.reduce((product, n) => product * n, 1);
    const numbers = (min: number, max: number): fc.Arbitrary<number[]> =>
      fc.array(fc.integer({ min, max }), { minLength: size, maxLength: size });
    return fc.tuple(numbers(1, 9), numbers(dtype.startsWith('u') ? 0 : -9, 9)).map(([nvec, start]) => {
      return new MultiDiscrete<WholeDType>(nvec, { start, shape: sizes, dtype });
    });
  });

export const multiBinary: fc.Arbitrary<MultiBinary> = fc
  .oneof(fc.integer({ min: 1, max: 20 }), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }))
  .map((n) => new MultiBinary(n));

export const text: fc.Arbitrary<Text> = fc
  .tuple(
    fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), { minLength: 1, maxLength: 9 }),
    fc.nat(5),
    fc.nat(5),
  )
  .map(([characters, a, b]) => {
    // Half of a pair beside another half would be one character.
    const charset = [...new Set(characters.flatMap((char) => Array.from(char)))].filter(
      (c) => !/\p{Surrogate}/u.test(c),
    );
    return new Text(Math.max(a, b, 1), { minLength: Math.min(a, b), charset: charset.join('') || 'a' });
  });

const leaf: fc.Arbitrary<Space<unknown>> = fc.oneof(
  box as fc.Arbitrary<Space<unknown>>,
  int64Box,
  uint64Box,
  discrete,
  multiDiscrete,
  multiBinary,
  text,
);

const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '10', '2', "a'b", 'length'),
);

// Not an interface: letrec wants an index signature.
type Tree = {
  any: Space<unknown>;
  flattenable: Space<unknown>;
};

function spaces(inner: fc.Arbitrary<Space<unknown>>): fc.Arbitrary<Space<unknown>>[] {
  const list = fc.array(inner, { maxLength: 3 });
  const pairs = fc.uniqueArray(fc.tuple(name, inner), { maxLength: 3, selector: ([key]) => key });
  return [
    list.map((parts) => new Tuple(parts)),
    pairs.map((parts) => new Dict(parts)),
    pairs.map((parts) => new Dict(Object.fromEntries(parts))),
  ];
}

const trees = fc.letrec<Tree>((tie) => {
  const oneOf = (inner: fc.Arbitrary<Space<unknown>>): fc.Arbitrary<Space<unknown>> =>
    fc.array(inner, { minLength: 1, maxLength: 3 }).map((parts) => new OneOf(parts) as Space<unknown>);
  const feature: fc.Arbitrary<Box<DType> | Discrete> = fc.oneof(
    box.filter(({ low }) => low.length > 0),
    discrete,
  );
  return {
    flattenable: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      oneOf(leaf),
      ...spaces(tie('flattenable')),
    ),
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      oneOf(tie('any')),
      ...spaces(tie('any')),
      fc
        .tuple(tie('any'), fc.boolean())
        .map(([space, stack]) => new Sequence<Space<unknown>, boolean>(space, { stack })),
      fc.tuple(feature, fc.option(feature)).map(([nodes, edges]) => new Graph(nodes, edges)),
    ),
  };
});

/** Any space. */
export const anySpace: fc.Arbitrary<Space<unknown>> = trees.any;
/** A space whose values are one flat array each. */
export const flattenable: fc.Arbitrary<Space<unknown>> = trees.flattenable;

/** A seed of any size. */
export const seed: fc.Arbitrary<number | bigint> = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 128n }));
