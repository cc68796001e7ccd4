// Every space against Gymnasium's own: samples, texts, seeds, batches, flat values, JSON, membership. golden/make_spaces.py made the data.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import {
  batchSpace,
  Box,
  concatenate,
  createEmptyArray,
  flatdim,
  flatten,
  flattenSpace,
  iterate,
  MultiBinary,
  spaceFromJSON,
  unflatten,
} from 'gymnasium-js';
import type { SampleOptions, Space, SpaceJSON, SpaceSeed } from 'gymnasium-js';
import { typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { describe, expect } from 'vitest';
import { canon, expectLines } from './canon.ts';
import type { Stream } from './canon.ts';

function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../golden/space-${name}.json`, import.meta.url), 'utf8')) as T;
}

interface Case {
  readonly name: string;
  readonly space: SpaceJSON;
  readonly text: string;
  readonly options: SampleOptions;
  readonly seeded: unknown;
  readonly draws: Record<string, Stream>;
  readonly batch: ({ text: string; concatenated: string } & Stream) | null;
  readonly flat: ({ text: string; flatdim: number | null } & Stream) | null;
  readonly jsonable: unknown;
}

/** NumPy arrays know their shape, masks of ours are flat. */
const optionsOf = (space: Space<unknown>, { mask, probability }: SampleOptions): SampleOptions => {
  const flat = (values: unknown): unknown => (space instanceof MultiBinary ? (values as number[]).flat() : values);
  if (mask !== undefined) return { mask: flat(mask) };
  return probability === undefined ? {} : { probability: flat(probability) };
};

describe.each(golden<Case[]>('cases'))('$name', (item) => {
  const fresh = (): Space<unknown> => spaceFromJSON(item.space);

  test('text', () => {
    expect(fresh().toString()).toBe(item.text);
  });

  test('1,000 samples of each seed', () => {
    const space = fresh();
    const options = optionsOf(space, item.options);
    for (const [seed, stream] of Object.entries(item.draws)) {
      space.seed(BigInt(seed));
      expectLines(stream, () => canon(space.sample(options)));
    }
  });

  test('seed says with what the parts were seeded', () => {
    expect(fresh().seed(42)).toEqual(item.seeded);
  });

  test.runIf(item.batch !== null)('batch', () => {
    const space = fresh();
    space.seed(7);
    const batched = batchSpace(space, 3);
    expect(batched.toString()).toBe(item.batch!.text);
    const draw = (): string => canon(batched.sample());
    let drawn = 0;
    expectLines(item.batch!, () => (++drawn < item.batch!.count ? draw() : canon(space.sample())));
    const items = [space.sample(), space.sample(), space.sample()];
    const out = concatenate(space, items, createEmptyArray(space, 3));
    expect(canon(out)).toBe(item.batch!.concatenated);
    // Rows of a Box of no axis are arrays of one value, as its samples are.
    expect([...iterate(batched, out)].map((row) => canon(row))).toEqual(items.map((one) => canon(one)));
  });

  test.runIf(item.flat !== null)('flat values', () => {
    const space = fresh();
    space.seed(3);
    const anyInt = (text: string): string => text.replaceAll(/int(32|64)/g, 'int');
    expect(anyInt(flattenSpace(space).toString())).toBe(anyInt(item.flat!.text));
    if (item.flat!.flatdim !== null) expect(flatdim(space)).toBe(item.flat!.flatdim);
    else expect(() => flatdim(space)).toThrow(/cannot be flattened/);
    expectLines(item.flat!, () => {
      const x = space.sample();
      const flat = flatten(space, x);
      expect(flattenSpace(space).contains(flat)).toBe(true);
      expect(unflatten(space, flat)).toEqual(x);
      return canon(flat, true);
    });
  });

  test.runIf(item.jsonable !== null)('samples as JSON', () => {
    const space = fresh();
    space.seed(5);
    const samples = [space.sample(), space.sample()];
    expect(space.toJsonable(samples)).toEqual(item.jsonable);
    expect(space.fromJsonable(item.jsonable)).toEqual(samples);
  });
});

describe('seeds in the structure of the space', () => {
  interface Nested extends Stream {
    readonly space: SpaceJSON;
    readonly seed: unknown;
    readonly given: unknown;
  }

  const numbers = (x: unknown): SpaceSeed => {
    if (typeof x === 'string') return BigInt(x) < 2n ** 53n ? Number(x) : BigInt(x);
    if (Array.isArray(x)) return x.map(numbers);
    return Object.fromEntries(Object.entries(x as object).map(([key, value]) => [key, numbers(value)]));
  };

  test.each(golden<Nested[]>('seeds'))('%#', (item) => {
    const space = spaceFromJSON(item.space);
    expect(space.seed(numbers(item.seed))).toEqual(numbers(item.given));
    expectLines(item, () => canon(space.sample()));
  });
});

describe('membership of arrays', () => {
  interface Members {
    readonly space: SpaceJSON;
    readonly arrays: readonly (readonly [DType, number[], boolean])[];
  }

  test.each(golden<Members[]>('members'))('$space.type $space.dtype', ({ space, arrays }) => {
    const holds = arrays.map(([dtype, values]) => {
      const array = new (typedArrayOf(dtype))(values.length);
      values.forEach((value, i) => (array[i] = (dtype === 'int64' ? BigInt(value) : value) as never));
      return spaceFromJSON(space).contains(array);
    });
    const expected = arrays.map(([dtype, values, isIn]) => {
      // A Uint8Array may stand for bytes or truth values, where NumPy knows which.
      if (dtype === 'bool') return expect.any(Boolean);
      if (dtype === 'uint8' && space['dtype'] === 'bool') return values.every((x) => x <= 1) && values.length === 2;
      return isIn;
    });
    expect(holds).toEqual(expected);
  });
});

test.each(golden<{ space: SpaceJSON; text: string }[]>('texts'))('long texts, %#', ({ space, text }) => {
  expect(spaceFromJSON(space).toString()).toBe(text);
  expect(spaceFromJSON(space)).not.toBeInstanceOf(Array);
});

test('a space of everything there is in the golden data', () => {
  const types = new Set(golden<Case[]>('cases').map(({ space }) => space.type));
  expect(types.size).toBe(10);
  expect(spaceFromJSON(golden<Case[]>('cases')[0]!.space)).toBeInstanceOf(Box);
});
