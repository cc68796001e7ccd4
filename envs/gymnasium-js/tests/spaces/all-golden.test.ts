// Every space against Gymnasium's own: samples, texts, seeds, batches, flat values, JSON, membership. golden/make_spaces.py made the data.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import {
  batchSpace,
  concatenate,
  createEmptyArray,
  flatdim,
  flatten,
  flattenSpace,
  iterate,
  spaceFromJSON,
  unflatten,
} from 'gymnasium-js';
import type { SampleOptions, Space, SpaceJSON, SpaceSeed } from 'gymnasium-js';
import { isBigDType, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { describe, expect } from 'vitest';
import { canon, expectLines, optionsOf } from './canon.ts';
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

const cases = golden<Case[]>('cases');

describe.each(cases)('$name', (item) => {
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
});

test.each(cases.filter(({ batch }) => batch !== null))('batch of $name', (item) => {
  const space = spaceFromJSON(item.space);
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

test.each(cases.filter(({ flat }) => flat !== null))('flat values of $name', (item) => {
  const space = spaceFromJSON(item.space);
  space.seed(3);
  const anyInt = (text: string): string => text.replaceAll(/u?int(32|64)/g, 'int');
  expect(anyInt(flattenSpace(space).toString())).toBe(anyInt(item.flat!.text));
  expect(space.isNpFlattenable ? flatdim(space) : null).toBe(item.flat!.flatdim);
  expectLines(item.flat!, () => {
    const x = space.sample();
    const flat = flatten(space, x);
    expect(flattenSpace(space).contains(flat)).toBe(true);
    expect(unflatten(space, flat)).toEqual(x);
    return canon(flat, true);
  });
});

test.each(cases.filter(({ jsonable }) => jsonable !== null))('samples of $name as JSON', (item) => {
  const space = spaceFromJSON(item.space);
  space.seed(5);
  const samples = [space.sample(), space.sample()];
  expect(space.toJsonable(samples)).toEqual(item.jsonable);
  expect(space.fromJsonable(item.jsonable)).toEqual(samples);
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
      values.forEach((value, i) => (array[i] = (isBigDType(dtype) ? BigInt(value) : value) as never));
      return spaceFromJSON(space).contains(array);
    });
    // A Uint8Array may stand for bytes or truth values, where NumPy knows which: for bytes in a Box of bool it answers as if they were truth values.
    const known = arrays.map(([dtype, values, isIn], i) => {
      if (dtype === 'bool') return holds[i];
      return dtype === 'uint8' && space['dtype'] === 'bool' ? values.every((x) => x <= 1) && values.length === 2 : isIn;
    });
    expect(holds).toEqual(known);
  });
});

test.each(golden<{ space: SpaceJSON; text: string }[]>('texts'))('long texts, %#', ({ space, text }) => {
  expect(spaceFromJSON(space).toString()).toBe(text);
});

test('the golden data has every space', () => {
  expect(new Set(cases.map(({ space }) => space.type)).size).toBe(10);
});
