// Laws of spaces: samples are members, neighbours of the bounds are not, JSON gives the space back, seeds repeat the stream.
import { fc, test } from '@fast-check/vitest';
import { typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { Box, Discrete, spaceFromJSON } from 'gymnasium-js';
import type { SpaceJSON, TypedArray } from 'gymnasium-js';
import { describe, expect } from 'vitest';

const ranges: Partial<Record<DType, [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

const wholeBox = fc.constantFrom(...(Object.keys(ranges) as DType[])).chain((dtype) => {
  const [min, max] = ranges[dtype]!;
  const pair = fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map((ab) => ab.toSorted((a, b) => a - b));
  return fc.array(pair, { maxLength: 6 }).map((pairs) => {
    const [low, high] = [pairs.map((ab) => ab[0]!), pairs.map((ab) => ab[1]!)];
    return new Box<DType>({ low, high, dtype });
  });
});

const realBox = fc.constantFrom<DType>('float32', 'float64').chain((dtype) => {
  const value = fc.double({ min: -1e30, max: 1e30, noNaN: true });
  const low = fc.oneof(value, fc.constant(-Infinity));
  const high = fc.oneof(value, fc.constant(Infinity));
  const pair = fc.tuple(low, high).map(([a, b]) => (a <= b ? [a, b] : [b, a]) as [number, number]);
  return fc.array(pair, { maxLength: 6 }).map((pairs) => {
    return new Box<DType>({ low: pairs.map((ab) => ab[0]), high: pairs.map((ab) => ab[1]), dtype });
  });
});

const box = fc.oneof(wholeBox, realBox);
const discrete = fc
  .tuple(fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 }))
  .map(([n, start]) => new Discrete(n, { start }));
const seed = fc.oneof(fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 128n }));

describe('Box', () => {
  test.prop([box, seed])('holds its samples', (space, seed) => {
    space.seed(seed);
    for (let i = 0; i < 5; i++) expect(space.contains(space.sample())).toBe(true);
  });

  test.prop([box, seed])('draws the same from the same seed', (space, seed) => {
    expect(space.seed(seed)).toBe(seed);
    const once = [space.sample(), space.sample()];
    space.seed(seed);
    expect([space.sample(), space.sample()]).toEqual(once);
  });

  test.prop([box])('comes back from JSON', (space) => {
    const json = JSON.parse(JSON.stringify(space)) as SpaceJSON;
    const back = spaceFromJSON(json) as Box<DType>;
    expect(back.equals(space)).toBe(true);
    expect(back.toJSON()).toEqual(space.toJSON());
    expect(back.toString()).toBe(space.toString());
    expect([back.low, back.high, back.boundedBelow]).toEqual([space.low, space.high, space.boundedBelow]);
  });

  test.prop([wholeBox.filter((space) => space.low.length > 0), fc.nat(), fc.boolean()])(
    'does not hold a neighbour of its bounds',
    (space, at, above) => {
      const i = at % space.low.length;
      const outside = Number(above ? space.high[i]! : space.low[i]!) + (above ? 1 : -1);
      const point = new (typedArrayOf(space.dtype))(space.low.length);
      (point as Int32Array).set(space.low as Int32Array);
      point[i] = outside as never;
      // One beyond the dtype wraps around and may land inside.
      fc.pre(Number(point[i]) === outside);
      expect(space.contains(point)).toBe(false);
      expect(space.contains(Array.from(point as Int32Array))).toBe(false);
    },
  );

  test('holds arrays whose dtype casts safely, and no others', () => {
    const space = new Box({ low: 0, high: 255, shape: [2] });
    const holds = (x: unknown): boolean => space.contains(x);
    expect([Uint8Array, Int16Array, Float32Array].map((T) => holds(T.of(1, 2)))).toEqual([true, true, true]);
    expect([Int32Array, Float64Array, Uint32Array].map((T) => holds(T.of(1, 2)))).toEqual([false, false, false]);
    expect([[1, 2], [1], [1, 2, 3], [1, '2'], 'ab', null, undefined, 3, {}].map(holds)).toEqual([
      true,
      ...Array.from({ length: 8 }, () => false),
    ]);
  });

  test('does not hold NaN, nor infinity within finite bounds', () => {
    const space = new Box({ low: -1, high: 1, shape: [2] });
    expect(space.contains(Float32Array.of(0, NaN))).toBe(false);
    expect(space.contains(Float32Array.of(0, Infinity))).toBe(false);
    expect(new Box({ low: -Infinity, high: Infinity }).contains(Float32Array.of(NaN))).toBe(false);
  });

  test('a frame space of all bytes holds every frame of its size', () => {
    const space = new Box({ low: 0, high: 255, shape: [2, 2, 3], dtype: 'uint8' });
    expect(space.contains(new Uint8Array(12).fill(255))).toBe(true);
    expect(space.contains(new Uint8Array(11))).toBe(false);
    expect(space.contains(new Int8Array(12))).toBe(false);
  });

  test('knows where it is bounded', () => {
    const space = new Box({ low: [0, -Infinity], high: [1, 1] });
    expect([space.isBounded(), space.isBounded('below'), space.isBounded('above')]).toEqual([false, false, true]);
  });

  test.prop([box, box])('equals what is written alike, and only that', (a, b) => {
    if (a.dtype !== b.dtype || a.low.length !== b.low.length) expect(a.equals(b)).toBe(false);
    expect(a.equals(spaceFromJSON(a.toJSON()))).toBe(true);
  });

  test('an infinite bound equals only itself', () => {
    const [one, open] = [new Box({ low: 0, high: 1 }), new Box({ low: 0, high: Infinity })];
    expect([one.equals(open), open.equals(one), open.equals(open)]).toEqual([false, false, true]);
  });

  test.each([
    [{ low: 0, high: NaN }, /no high value can be NaN, got NaN at 0/],
    [{ low: 1, high: 0 }, /all low values must be less than or equal to high, got low=1 and high=0 at 0/],
    [{ low: 0, high: 256, dtype: 'uint8' }, /high is out of the range of uint8, high=256, range \[0, 255\]/],
    [{ low: -Infinity, high: 1, dtype: 'uint8' }, /uint8 doesn't support low=-Infinity/],
    [{ low: 0.5, high: 1, dtype: 'int32' }, /expected whole numbers for int32, got low=0.5/],
    [{ low: [0, 0], high: [1, 1, 1] }, /low and high don't match, low has 2 values and high has 3/],
    [{ low: [0, 0], high: 1, shape: [3] }, /low has 2 values, shape=\[3\]/],
    [{ low: 0, high: 1, dtype: 'float16' }, /expected a dtype out of .*, got "float16"/],
    [{ low: 0, high: 1, shape: [-1] }, /^Box: expected a shape of whole numbers >= 0, got \[-1\]\.$/],
  ])('refuses %o', (options, message) => {
    expect(() => new Box(options as never)).toThrow(message);
  });

  test('says when it cannot sample', () => {
    const space = new Box({ low: -Number.MAX_VALUE, high: Number.MAX_VALUE, dtype: 'float64', seed: 0 });
    expect(() => space.sample()).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: Box.sample: the range of coordinate 0 exceeds the largest number. Narrow low and high.]`,
    );
  });
});

describe('Discrete', () => {
  test.prop([discrete, seed])('holds its samples', (space, seed) => {
    space.seed(seed);
    for (let i = 0; i < 5; i++) expect(space.contains(space.sample())).toBe(true);
  });

  test.prop([discrete])('ends where it ends', (space) => {
    const { start, n } = space;
    expect(
      [start - 1, start, start + n - 1, start + n, start + 0.5, NaN, `${start}`].map((x) => space.contains(x)),
    ).toEqual([false, true, true, false, false, false, false]);
    expect(spaceFromJSON(space.toJSON()).equals(space)).toBe(true);
    expect(space.equals(new Discrete(n + 1, { start }))).toBe(false);
  });

  test.prop([fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }), seed])(
    'draws only what the mask allows',
    (mask, seed) => {
      const space = new Discrete(mask.length, { start: 5, seed });
      for (let i = 0; i < 5; i++) {
        const sample = space.sample({ mask: mask.map(Number) });
        expect(mask.includes(true) ? mask[sample - 5] : sample === 5).toBe(true);
      }
    },
  );

  test.each([
    [() => new Discrete(0), /n \(counts\) has to be a positive whole number, actual value: 0/],
    [() => new Discrete(2.5), /actual value: 2.5/],
    [() => new Discrete(2, { start: 0.5 }), /start has to be a whole number/],
    [() => new Discrete(2).sample({ mask: [1] }), /expected a mask of 2 values, got 1/],
    [() => new Discrete(2).sample({ mask: [1, 2] }), /should be 0 or 1, got 2 at 1/],
    [() => new Discrete(2).sample({ probability: [0.5, 0.6] }), /sum of the probabilities should be 1, got 1.1/],
    [() => new Discrete(2).sample({ probability: [-0.5, 1.5] }), /between 0 and 1, got -0.5 at 0/],
    [() => new Discrete(2).sample({ probability: [NaN, 1] }), /between 0 and 1, got NaN at 0/],
    [() => new Discrete(2).sample({ mask: [1, 1], probability: [1, 0] }), /only one of mask or probability/],
    [() => new Discrete(2).seed(-1), /Seed must be greater or equal to zero, actual value: -1/],
    [() => new Discrete(2).seed(1.5), /Seed must be a whole number or a bigint, actual: 1.5/],
    [() => new Discrete(2).seed('1' as never), /Seed must be a whole number or a bigint, actual: string/],
    [() => new Discrete(2).seed(2 ** 60), /beyond 2\^53.*Pass it as a bigint/],
    [() => spaceFromJSON({ type: 'Box2' }), /expected a space of type Box, .*, got "Box2"/],
  ])('refuses bad input %#', (bad, message) => {
    expect(bad).toThrow(message);
  });
});

test('numbers print as NumPy prints them', () => {
  const text = (values: TypedArray): string =>
    new Box<DType>({
      low: values as Float64Array,
      high: Infinity,
      dtype: values instanceof Float32Array ? 'float32' : 'float64',
    })
      .toString()
      .replace(/, inf, .*/, '');
  // np.array2string of the same arrays.
  expect(text(Float64Array.of(1, 2.5, -3))).toBe('Box([ 1.   2.5 -3. ]');
  expect(text(Float32Array.of(0.1, 0.25))).toBe('Box([0.1  0.25]');
  expect(text(Float64Array.of(1 / 3, 1))).toBe('Box([0.33333333 1.        ]');
  expect(text(Float64Array.of(1e-5, 1))).toBe('Box([1.e-05 1.e+00]');
});
