// Laws that every space keeps, however nested: its samples are members and equal seeds draw them again; values survive flattening, batches and
// JSON; equality is what it should be; and what is no space, mask, seed or JSON is refused by name.
import { fc, test } from '@fast-check/vitest';
import { isBigArray, TesseraError } from '@tessera/core';
import {
  batchDifferingSpaces,
  batchSpace,
  Box,
  concatenate,
  createEmptyArray,
  Dict,
  Discrete,
  Env,
  flatdim,
  flatten,
  flattenSpace,
  Graph,
  isSpaceDtypeShapeEquiv,
  iterate,
  MultiBinary,
  MultiDiscrete,
  OneOf,
  PassiveEnvChecker,
  Sequence,
  Space,
  spaceFromJSON,
  Text,
  Tuple,
  unflatten,
} from 'gymnasium-js';
import type { SpaceJSON } from 'gymnasium-js';
import { describe, expect } from 'vitest';
import { anySpace, flattenable, multiBinary, multiDiscrete, seed, text } from './arbitrary-space.ts';
import { canon } from './canon.ts';

const json = <T>(value: unknown): T => JSON.parse(JSON.stringify(value)) as T;
const copy = (space: Space<unknown>): Space<unknown> => spaceFromJSON(json<SpaceJSON>(space));

describe('every space', () => {
  test.prop([anySpace, seed])('holds its samples, and draws the same from the same seed', (space, s) => {
    const given = space.seed(s);
    const once = [space.sample(), space.sample(), space.sample()];
    for (const sample of once) expect(space.contains(sample)).toBe(true);
    expect(space.seed(s)).toEqual(given);
    expect([space.sample(), space.sample(), space.sample()]).toEqual(once);
  });

  test.prop([anySpace, seed])('seeded with what seed returned, draws the same', (space, s) => {
    const given = space.seed(s);
    const once = canon(space.sample());
    const other = copy(space);
    // NumPy's own seed of a Dict or Tuple is spent on its parts.
    other.seed(given);
    expect(canon(other.sample())).toBe(once);
  });

  test.prop([anySpace, seed])('comes back from JSON, to the last draw', (space, s) => {
    const back = copy(space);
    expect(back.constructor).toBe(space.constructor);
    expect(back.equals(space)).toBe(true);
    expect(back.toString()).toBe(space.toString());
    expect(back.toJSON()).toEqual(space.toJSON());
    space.seed(s);
    back.seed(s);
    expect(canon(back.sample())).toBe(canon(space.sample()));
  });

  test.prop([anySpace, anySpace, anySpace])('equals itself; equality goes both ways and onwards', (a, b, c) => {
    expect(a.equals(a)).toBe(true);
    expect(a.equals(b)).toBe(b.equals(a));
    if (a.equals(b) && b.equals(c)) expect(a.equals(c)).toBe(true);
    if (a.equals(b)) expect(isSpaceDtypeShapeEquiv(a, b)).toBe(true);
    for (const odd of [undefined, null, 3, 'Discrete(2)', {}, a.toJSON()]) expect(a.equals(odd)).toBe(false);
  });

  test.prop([anySpace, seed])('samples come back from JSON', (space, s) => {
    space.seed(s);
    const samples = [space.sample(), space.sample()];
    const isEmpty = /(Dict|Tuple)\(\)/.test(space.toString());
    fc.pre(!isEmpty);
    expect(space.fromJsonable(json(space.toJsonable(samples)))).toEqual(samples);
  });

  test('samples come back from JSON with the sign of zero', () => {
    const space = new Box({ low: -1, high: 0, shape: [2] });
    const samples = [Float32Array.of(-0, 0)];
    expect(json(space.toJsonable(samples))).toEqual([['-0', 0]]);
    expect(space.fromJsonable(json(space.toJsonable(samples)))).toEqual(samples);
    const nodes = new Graph(space, null);
    const graph = { nodes: samples[0]!, edges: null, edgeLinks: null };
    expect(nodes.fromJsonable(json(nodes.toJsonable([graph])))).toEqual([graph]);
    // Of whole numbers there is one zero.
    expect(new Box({ low: -1, high: 0, dtype: 'int64' }).fromJsonable([['-0']])).toEqual([BigInt64Array.of(0n)]);
  });

  test.prop([anySpace, fc.anything({ withTypedArray: true, withBigInt: true, withMap: true })])(
    'says of anything whether it is a member',
    (space, x) => {
      expect(space.contains(x)).toBeTypeOf('boolean');
    },
  );

  test.prop([anySpace, fc.jsonValue()])('refuses JSON of samples that it cannot have written', (space, x) => {
    try {
      for (const sample of space.fromJsonable(x)) space.contains(sample);
    } catch (error) {
      expect(error).toBeInstanceOf(TesseraError);
    }
  });

  test.prop([anySpace, fc.anything(), fc.constantFrom('mask', 'probability')])(
    'takes no mask for granted',
    (space, mask, kind) => {
      try {
        expect(space.contains(space.sample({ [kind]: mask }))).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(TesseraError);
      }
    },
  );

  test.prop([anySpace, fc.anything()])('takes no seed for granted', (space, s) => {
    try {
      space.seed(s as number);
    } catch (error) {
      expect(error).toBeInstanceOf(TesseraError);
    }
  });
});

describe('hostile JSON', () => {
  /** JSON of a space with one value somewhere in it replaced. */
  const damaged = fc.tuple(anySpace, fc.nat(), fc.jsonValue()).map(([space, at, value]) => {
    const whole = json<SpaceJSON>(space);
    const places: [Record<string, unknown>, string][] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const key of Object.keys(node)) {
        places.push([node as Record<string, unknown>, key]);
        visit((node as Record<string, unknown>)[key]);
      }
    };
    visit(whole);
    const [node, key] = places[at % places.length]!;
    node[key] = value;
    return whole;
  });

  test.prop([fc.oneof(damaged, fc.jsonValue())])('is refused, or is a space', (value) => {
    try {
      expect(spaceFromJSON(value).toString()).toBeTypeOf('string');
    } catch (error) {
      expect(error).toBeInstanceOf(TesseraError);
    }
  });

  test('deep nesting is refused before the stack ends', () => {
    let deep: unknown = { type: 'Discrete', n: 2, start: 0 };
    for (let i = 0; i < 50_000; i++) deep = { type: 'Tuple', spaces: [deep] };
    expect(() => spaceFromJSON(deep)).toThrow(/expected at most 64 spaces inside each other/);
    let graph: unknown = { type: 'Discrete', n: 2, start: 0 };
    for (let i = 0; i < 50_000; i++) graph = { type: 'Graph', nodeSpace: graph, edgeSpace: null };
    expect(() => spaceFromJSON(graph)).toThrow(/expected at most 64 spaces inside each other/);
  });

  test.each([
    [undefined, /expected an object with a type, got undefined/],
    [[], /expected an object with a type, got an array of 0 values/],
    [{}, /expected a space of type Box, .*, got undefined/],
    [{ type: '__proto__' }, /got "__proto__"/],
    [{ type: 'Discrete', n: '3' }, /expected n of Discrete to be a whole number, got "3"/],
    [{ type: 'Box', low: 0, high: '1', shape: [1], dtype: 'int8' }, /expected low of Box to be a number as text/],
    [{ type: 'Box', low: '0x10', high: '17', shape: [1], dtype: 'int64' }, /expected low of Box/],
    [
      { type: 'Box', low: '0', high: '1', shape: [2 ** 40], dtype: 'int8' },
      /no memory for 1099511627776 values of int8/,
    ],
    [{ type: 'Box', low: '0', high: '1', shape: 'ab', dtype: 'int8' }, /expected shape of Box/],
    [{ type: 'Dict', spaces: [['a', { type: 'Text' }]] }, /expected maxLength of Text/],
    [{ type: 'Dict', spaces: [['a', null]] }, /expected an object with a type, got null/],
    [
      { type: 'Sequence', space: { type: 'Discrete', n: 1, start: 0 } },
      /expected stack of Sequence to be true or false/,
    ],
    [{ type: 'MultiDiscrete', nvec: ['2'], start: ['0', '1'], shape: [1], dtype: 'int32' }, /same shape/],
    [{ type: 'Graph', nodeSpace: { type: 'MultiBinary', n: 2 } }, /instances of Box or Discrete/],
  ])('%j', (value, message) => {
    expect(() => spaceFromJSON(value)).toThrow(message);
  });
});

/** Whether doubles hold all whole numbers in a value: parts of several dtypes are flat as float64. */
function isExact(x: unknown): boolean {
  if (isBigArray(x)) return Array.from<bigint>(x).every((value) => BigInt(Number(value)) === value);
  if (typeof x !== 'object' || x === null || ArrayBuffer.isView(x)) return true;
  return Object.values(x).every(isExact);
}

describe('flatten', () => {
  test.prop([flattenable, seed])('gives a member of the flat space, which unflatten gives back', (space, s) => {
    space.seed(s);
    const x = space.sample();
    const flat = flatten(space, x);
    expect(flattenSpace(space)).toBeInstanceOf(Box);
    expect((flat as Float32Array).length).toBe(flatdim(space));
    expect(flattenSpace(space).contains(flat)).toBe(true);
    fc.pre(isBigArray(flat) || isExact(x));
    expect(canon(unflatten(space, flat))).toBe(canon(x));
  });

  test.prop([anySpace, seed])('keeps the structure around what has no fixed size', (space, s) => {
    space.seed(s);
    const x = space.sample();
    // A OneOf of such spaces is beyond Gymnasium too.
    fc.pre(space.isNpFlattenable || !space.toString().includes('OneOf('));
    const flat = flatten(space, x);
    expect(flattenSpace(space).contains(flat)).toBe(true);
    fc.pre(isExact(x));
    expect(canon(unflatten(space, flat))).toBe(canon(x));
  });

  test.prop([flattenable, fc.anything({ withTypedArray: true })])('refuses what is not in the space', (space, x) => {
    if (!space.contains(x)) expect(() => flatten(space, x as never)).toThrow(/flatten: expected a value of/);
    try {
      unflatten(space, x as never);
    } catch (error) {
      expect(error).toBeInstanceOf(TesseraError);
    }
  });

  test('pads a OneOf with what its flat space holds, also beside a part of nothing', () => {
    const nothing = new Box({ low: 3, high: 4, shape: [0] });
    const space = new OneOf([nothing, new Box({ low: 3, high: 4, shape: [2] })]);
    expect(flatten(space, [0, new Float32Array(0)])).toEqual(Float32Array.of(0, 3, 3));
    expect(flatten(space, [1, Float32Array.of(3.5, 4)])).toEqual(Float32Array.of(1, 3.5, 4));
    expect(flattenSpace(space).toString()).toBe('Box([0. 3. 3.], [1. 4. 4.], (3,), float32)');
  });

  test('says what is wrong', () => {
    expect(() => unflatten(new Discrete(3), Int32Array.of(0, 0, 0))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: unflatten: [0, 0, 0] is not a valid one-hot encoded vector and can not be unflattened to space Discrete(3). Not all valid samples in a flattened space can be unflattened.]`,
    );
    expect(() => unflatten(new Discrete(3), Int32Array.of(0, 1))).toThrow(
      /expected 3 values of Discrete\(3\), got a Int32Array of 2/,
    );
    expect(() => flatdim(new Sequence(new Discrete(2)))).toThrow(
      /Sequence\(Discrete\(2\), stack=False\) cannot be flattened to one array, probably because it contains a `Graph` or `Sequence` subspace/,
    );
    expect(() => flatten('Discrete' as never, 0 as never)).toThrow(/flatten: expected a Space, got "Discrete"/);
    expect(() => flatten(new Discrete(2 ** 45), 1)).toThrow(/no memory for 35184372088832 values/);
  });
});

describe('batches', () => {
  test.prop([anySpace, fc.integer({ min: 1, max: 4 }), seed])(
    'hold what concatenate puts into them, and give it back',
    (space, n, s) => {
      space.seed(s);
      const before = space.npRandom.getState();
      const batched = batchSpace(space, n);
      expect(space.npRandom.getState()).toEqual(before);
      expect(batched.contains(batched.sample())).toBe(true);
      const items = Array.from({ length: n }, () => space.sample());
      const out = concatenate(space, items, createEmptyArray(space, n));
      expect(batched.contains(out)).toBe(true);
      const isBare = /(Dict|Tuple)\(\)/.test(space.toString());
      // Parts of nothing cannot be counted, and a Tuple of Sequences may be a batch of one or of all of them.
      fc.pre(!isBare && !(space instanceof Tuple) && !(space instanceof Dict));
      expect([...iterate(batched, out)].map((x) => canon(x, true))).toEqual(items.map((x) => canon(x, true)));
    },
  );

  test.prop([anySpace, fc.integer({ min: 1, max: 3 })])(
    'are those of differing spaces when these do not differ',
    (space, n) => {
      fc.pre(!/(Text|Sequence|OneOf|Graph)\(/.test(space.toString()));
      const one = batchDifferingSpaces(Array.from({ length: n }, () => space));
      expect(one.toString()).toBe(batchSpace(space, n).toString());
      expect(one.equals(batchSpace(space, n))).toBe(true);
    },
  );

  test('of differing spaces have the bounds of each', () => {
    expect(batchDifferingSpaces([new Discrete(3), new Discrete(5, { start: 1 })]).toString()).toBe(
      'MultiDiscrete([3 5], start=[0 1])',
    );
    const boxes = [new Box({ low: 0, high: 1 }), new Box({ low: 2, high: 5 })];
    expect(batchDifferingSpaces(boxes).toString()).toBe('Box([[0.]\n [2.]], [[1.]\n [5.]], (2, 1), float32)');
    expect(batchDifferingSpaces([new Text(2), new Text(3)])).toBeInstanceOf(Tuple);
    const dicts = [new Dict({ a: new Discrete(2) }), new Dict({ a: new Discrete(4) })];
    expect(batchDifferingSpaces(dicts).toString()).toBe("Dict('a': MultiDiscrete([2 4]))");
  });

  test('of one Discrete are int32, and of one beyond 32 bits int64', () => {
    expect(batchSpace(new Discrete(5), 2).sample()).toBeInstanceOf(Int32Array);
    expect(batchSpace(new Discrete(2 ** 40), 2).sample()).toBeInstanceOf(BigInt64Array);
    expect(createEmptyArray(new Discrete(2 ** 40), 2)).toBeInstanceOf(BigInt64Array);
  });

  /** A space that nothing knows how to copy. */
  class Odd extends Space<number> {
    readonly shape = [];
    readonly dtype = undefined;
    sample = () => 3;
    contains = (x: unknown) => x === 3;
    equals = (other: unknown) => other instanceof Odd;
    override toString = () => 'Odd()';
    toJSON = () => ({ type: 'Odd' });
  }

  test.each([
    [() => batchSpace(new Discrete(2), 0), /batchSpace: expected a whole number of values >= 1, got 0/],
    [() => batchSpace(5 as never), /batchSpace: expected a Space, got 5/],
    [() => batchSpace(new Odd(), 2), /cannot copy a space of class Odd\. Use the spaces of gymnasium-js/],
    [() => flatten(new Odd(), 3), /flatten: unknown space: Odd\(\)/],
    [() => flattenSpace(new Odd()), /flattenSpace: unknown space: Odd\(\)/],
    [() => flatdim(new Odd()), /Odd\(\) cannot be flattened/],
    [() => batchDifferingSpaces([]), /non-empty list of spaces/],
    [
      () => batchDifferingSpaces([new Discrete(2), new MultiBinary(2)]),
      /expected all spaces to be equal, actually Discrete; MultiBinary/,
    ],
    [
      () => batchDifferingSpaces([new MultiBinary(2), new MultiBinary(3)]),
      /all shapes to be equal, actually \[2\]; \[3\]/,
    ],
    [
      () => batchDifferingSpaces([new Box({ low: 0, high: 1 }), new Box({ low: 0, high: 1, dtype: 'float64' })]),
      /all dtypes to be equal, actually float32; float64/,
    ],
    [() => batchDifferingSpaces([new Dict({ a: new Discrete(2) }), new Dict({})]), /all keys to be equal/],
    [
      () => batchDifferingSpaces([new Tuple([new Discrete(2)]), new Tuple([])]),
      /all lengths to be equal, actually 1; 0/,
    ],
    [
      () => concatenate(new Discrete(2), [1, 0], new Int32Array(3)),
      /room for 2 values of 1 numbers, got a Int32Array of 3 values/,
    ],
    [() => concatenate(new MultiBinary(2), [Int8Array.of(1)], new Int8Array(2)), /expected values of 2 numbers/],
    [
      () => concatenate(new Dict({ a: new Discrete(2) }), [{}] as never, { a: new Int32Array(1) }),
      /expected values of Dict/,
    ],
    [() => iterate(new Discrete(2), 1), /unable to iterate over a space of type Discrete/],
    [
      () => iterate(new MultiBinary([2, 3]), new Int8Array(5)),
      /expected values of MultiBinary\(\(2, 3\)\), got a Int8Array of 5/,
    ],
    [
      () => iterate(new Tuple([new MultiBinary(2), new MultiBinary(3)]), [new Int8Array(2), new Int8Array(3)]),
      /equally many/,
    ],
  ] as const)('refuse bad input %#', (bad, message) => {
    expect(bad).toThrow(TesseraError);
    expect(bad).toThrow(message);
  });
});

test('a stacked Sequence of nothing is a list, which says how many there are', () => {
  const space = new Sequence(new Dict({ a: new Box({ low: 0, high: 1, shape: [2, 0] }) }), { stack: true });
  const item = { a: new Float32Array(0) };
  expect(space.sample({ mask: [3, null] })).toEqual([item, item, item]);
  const values: unknown[] = [[], [item], [item, item]];
  expect(values.map((x) => space.contains(x))).toEqual([true, true, true]);
  expect(unflatten(space, flatten(space, values[2] as never))).toEqual(values[2]);
  expect(space.fromJsonable(json(space.toJsonable(values as never)))).toEqual(values);
  expect([item, [{ a: [1] }]].map((x) => space.contains(x))).toEqual([false, false]);
  // Gymnasium's own JSON.
  const bare = new Sequence(new Box({ low: 0, high: 1, shape: [0] }), { stack: true });
  const [one, two] = [[new Float32Array(0)], [new Float32Array(0), new Float32Array(0)]];
  expect(bare.toJsonable([one, two] as never)).toEqual([[[]], [[], []]]);
});

describe('masks and probabilities', () => {
  test.prop([multiDiscrete, seed, fc.infiniteStream(fc.boolean())])(
    'of MultiDiscrete allow what is drawn',
    (space, s, coins) => {
      space.seed(s);
      const masks = Array.from(space.nvec as ArrayLike<number | bigint>, (n) =>
        Array.from({ length: Number(n) }, () => Number(coins.next().value)),
      );
      const nested =
        space.shape.length === 1
          ? masks
          : Array.from({ length: space.shape[0]! }, (_, i) =>
              masks.slice(i * space.shape[1]!, (i + 1) * space.shape[1]!),
            );
      Array.from(space.sample({ mask: nested }) as ArrayLike<number | bigint>, Number).forEach((value, i) => {
        const offset = value - Number(space.start[i]);
        expect(masks[i]!.includes(1) ? masks[i]![offset] : offset === 0 ? 1 : 0).toBe(1);
      });
    },
  );

  test.prop([multiBinary, seed])('of MultiBinary decide what they decide', (space, s) => {
    space.seed(s);
    const mask = space.sample().map((bit, i) => (i % 3 === 0 ? 2 : bit));
    space.sample({ mask }).forEach((bit, i) => expect(mask[i] === 2 ? bit < 2 : bit === mask[i]).toBe(true));
    expect(space.sample({ probability: new Float64Array(mask.length).fill(1) }).every((bit) => bit === 1)).toBe(true);
  });

  test.prop([text, seed])('of Text allow its characters, and fix its length', (space, s) => {
    space.seed(s);
    const only = space.characterList.map((_, i) => Number(i === 0));
    const x = Array.from(space.sample({ mask: [space.maxLength, only] }));
    expect(x).toEqual(Array.from({ length: space.maxLength }, () => space.characterList[0]));
  });
});

describe('types', () => {
  test('of values follow those of the parts', () => {
    const space = new Dict({
      a: new Discrete(3),
      b: new Tuple([new Text(3), new Box({ low: 0, high: 1, dtype: 'uint8' })]),
      c: new Sequence(new MultiDiscrete([2])),
      d: new Sequence(new Discrete(2), { stack: true }),
    });
    const x: { a: number; b: [string, Uint8Array]; c: Int32Array[]; d: Int32Array } = space.sample();
    const asSpace: Space<{ a: number }> = space;
    const batched: Space<{ a: Int32Array; b: [string[], Uint8Array] }> = batchSpace(space, 2);
    expect(space.contains(x) && asSpace.contains(x) && batched.contains(batched.sample())).toBe(true);
    const [index, value]: [number, number] | [number, string] = new OneOf([new Discrete(2), new Text(2)]).sample();
    expect(typeof value).toBe(index === 0 ? 'number' : 'string');
    // A part without a dtype has its class's own.
    const real: { box: Float32Array; many: [Float32Array] } = new Dict({
      box: new Box({ low: 0, high: 1 }),
      many: new Tuple([new Box({ low: 0, high: 1 })]),
    }).sample();
    const [whole]: [Int32Array] = new Tuple([new MultiDiscrete([2])]).sample();
    expect([real.box, real.many[0], whole].map((values) => values.length)).toEqual([1, 1, 1]);
    // @ts-expect-error there is no such part
    expect(space.spaces.e).toBeUndefined();
  });
});

describe('bad input', () => {
  const two = new Discrete(2);
  test.each([
    [
      () => new Discrete(300, { dtype: 'int8' }),
      /expected elements within the range of int8, \[-128, 127\], got n=300 and start=0/,
    ],
    [() => new Discrete(2, { dtype: 'float32' as never }), /invalid dtype \(float32\), must be an integer dtype/],
    [() => new MultiDiscrete([2, 0]), /nvec \(counts\) have to be positive, got 0 at 1/],
    [() => new MultiDiscrete([2, -3]), /nvec \(counts\) have to be positive, got -3 at 1/],
    [() => new MultiDiscrete([2, 1.5]), /expected nvec to be whole numbers .*, got 1.5/],
    [() => new MultiDiscrete([[2, 1], [3]]), /arrays of equal lengths, got an array of 1 values/],
    [() => new MultiDiscrete([2, 3], { start: [0] }), /start and nvec \(counts\) should have the same shape/],
    [() => new MultiDiscrete(5 as never), /expected nvec to be whole numbers in an array/],
    [() => new MultiDiscrete([2, 3], { shape: [3] }), /should fit the shape, got 2 counts for shape \[3\]/],
    [() => new MultiDiscrete([2 ** 33]), /within the range of int32/],
    [() => new MultiDiscrete([2, 2]).sample({ mask: [[1, 1]] }), /for each of 2 numbers, got an array of 1/],
    [() => new MultiDiscrete([2]).sample({ mask: [[1, 1, 1]] }), /expected a mask of 2 values, got 3/],
    [
      () => new MultiDiscrete([2]).sample({ probability: [[0.5, 0.6]] }),
      /sum of the probabilities should be 1, got 1.1/,
    ],
    [() => new MultiDiscrete([2, 3]).at(2), /expected an index in \[0, 2\), got 2/],
    [() => new MultiBinary(0), /n \(counts\) have to be positive whole numbers, actual value: 0/],
    [() => new MultiBinary([2, -1]), /actual value: \[2, -1\]/],
    [() => new MultiBinary(2).sample({ mask: [1, 3] }), /should be 0, 1 or 2, got 3 at 1/],
    [() => new MultiBinary(2).sample({ probability: [0.5] }), /expected a probability of 2 values, got 1/],
    [() => new MultiBinary(2).sample({ mask: [1, 1], probability: [1, 1] }), /only one of mask or probability/],
    [() => new Dict({ a: 3 as never }), /Dict space element key='a': expected a Space, got 3/],
    [() => new Dict(two as never), /expected an object, a Map or pairs/],
    [
      () => new Dict({ a: two }).sample({ mask: {} as never }),
      /expected the keys of mask to be same as space keys 'a', got \./,
    ],
    [() => new Dict({ a: two }).seed({ b: 1 }), /expected the seed keys to be same as space keys 'a', got 'b'/],
    [() => new Dict({ a: two }).seed([1]), /expected the seed keys .*, got an array of 1/],
    [() => new Tuple([two, 3] as never), /Tuple element 1: expected a Space, got 3/],
    [() => new Tuple([two]).sample({ mask: [] }), /expected length of mask to be 1/],
    [() => new Tuple([two]).seed([1, 2]), /a list of 1 seeds, got 2 seeds/],
    [() => new OneOf([]), /empty `OneOf` spaces are not supported/],
    [() => new OneOf([two]).seed([1]), /a list of 2 seeds, got 1 seeds/],
    [() => new Text(-1), /minimum text length must be non-negative|min_length must be less/],
    [
      () => new Text(2, { minLength: 3 }),
      /min_length must be less than or equal to the max_length, min_length: 3, max_length: 2/,
    ],
    [() => new Text(2.5), /expects the max_length to be a whole number, actual value: 2.5/],
    [() => new Text(2, { charset: 'aba' }), /each character of the charset once, got "aba"/],
    [() => new Text(2, { charset: '' }), /a charset that is not empty/],
    [
      () => new Text(5, { charset: 'ab' }).sample({ mask: [6, null] }),
      /expected a length between 1 and 5, actual length: 6/,
    ],
    [
      () => new Text(5, { charset: 'ab' }).sample({ mask: [null, [0, 0]] }),
      /minimum length > 0 \(actual minimum length=1\)/,
    ],
    [
      () => new Text(5, { charset: 'ab' }).sample({ mask: 3 as never }),
      /expected the mask to be \[length, characters\], got 3/,
    ],
    [() => new Text(2 ** 50, { seed: 0 }).sample(), /no memory for/],
    [() => new Sequence(3 as never), /Sequence feature space: expected a Space, got 3/],
    [() => new Sequence(two).sample({ mask: [-1, null] }), /length to be greater than or equal to zero, got -1/],
    [() => new Sequence(two).sample({ mask: [[], null] }), /greater than or equal to zero, got \[\]/],
    [() => new Sequence(two).seed([1]), /a list of 2 seeds, got 1 seeds/],
    [
      () => new Graph(new MultiBinary(2) as never, null),
      /values of the node_space should be instances of Box or Discrete/,
    ],
    [
      () => new Graph(two, null).sample({ numNodes: 0 }),
      /number of nodes is expected to be greater than 0 .*actual value: 0/,
    ],
    [
      () => new Box({ low: 0, high: 1 }).sample({ mask: [1] }),
      /Box.sample cannot be provided a mask, actual value: an array of 1/,
    ],
    [
      () => new Box({ low: 0, high: 1 }).sample({ probability: [1] }),
      /Box.sample cannot be provided a probability mask/,
    ],
    [() => new Box({ low: 0 } as never), /expected high to be a number or a flat array of numbers, got undefined/],
    [() => new Box(undefined as never), /Box: expected an object \{ low, high, shape, dtype \}, got undefined/],
    [() => new Box({ low: 0, high: 1, shape: 3 as never }), /expected shape to be an array of sizes, got 3/],
    [
      () => new Box({ low: 0, high: 1, shape: [2 ** 30, 2 ** 30] }),
      /^Box: the shape \[1073741824, 1073741824\] has more elements than any array can hold\.$/,
    ],
    [() => new MultiBinary([2 ** 30, 2 ** 30]), /^MultiBinary: the shape \[1073741824, 1073741824\] has more elements/],
    [
      () => new Box({ low: 0, high: 1 }).isBounded('x' as never),
      /manner is not in \{'below', 'above', 'both'\}, actual value: "x"/,
    ],
    [() => two.seed([1] as never), /Seed must be a whole number or a bigint/],
  ] as const)('%#: is refused', (bad, message) => {
    expect(bad).toThrow(TesseraError);
    expect(bad).toThrow(message);
  });
});

test('a MultiDiscrete gives its parts, which draw on from where it is', () => {
  const space = new MultiDiscrete(
    [
      [2, 3],
      [4, 5],
    ],
    {
      start: [
        [0, 1],
        [2, 3],
      ],
      seed: 3,
    },
  );
  expect(String(space.at(1))).toBe('MultiDiscrete([4 5], start=[2 3])');
  const row = space.at(0) as MultiDiscrete;
  expect(String(row.at(1))).toBe('Discrete(3, start=1, dtype=int32)');
  expect(Array.from(row.sample())).toEqual(Array.from(space.sample()).slice(0, 2));
});

test('plain names of a Dict are sorted as Python sorts, given pairs stay', () => {
  const one = new Discrete(1);
  expect(new Dict({ b: one, 10: one, 2: one, '\u{1F600}': one, '\uFFEE': one }).keys).toEqual([
    '10',
    '2',
    'b',
    '\uFFEE',
    '\u{1F600}',
  ]);
  expect(
    new Dict([
      ['b', one],
      ['a', one],
    ]).keys,
  ).toEqual(['b', 'a']);
  expect(
    new Dict(
      new Map([
        ['b', one],
        ['a', one],
      ]),
    ).keys,
  ).toEqual(['b', 'a']);
});

test('a checked environment says which part of an observation is wrong', () => {
  class Broken extends Env<{ a: number; b: [string, Float32Array] }, number> {
    readonly metadata = { renderModes: [] };
    readonly observationSpace = new Dict({
      a: new Discrete(3),
      b: new Tuple([new Text(3), new Box({ low: 0, high: 1 })]),
    });
    readonly actionSpace = new Discrete(2);
    reset() {
      const { a, b } = this.observationSpace.sample();
      return { observation: { a, b: [b[0], Float32Array.of(2)] as [string, Float32Array] }, info: {} };
    }
    step(): never {
      throw new Error('not reached');
    }
  }
  expect(() => new PassiveEnvChecker(new Broken()).reset()).toThrowErrorMatchingInlineSnapshot(
    `[EnvironmentError: Broken: reset(): the observation is outside the observation space: at "b": at 1: expected a value of Box(0.0, 1.0, (1,), float32), got 2 at index 0.]`,
  );
});
