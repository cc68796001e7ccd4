// Spaces against Gymnasium's own samples and texts; golden/make.py made spaces.json.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { Box, Discrete } from 'gymnasium-js';
import type { TypedArray } from 'gymnasium-js';
import type { DType } from '@tessera/core';
import { describe, expect } from 'vitest';

type GoldenNumber = number | string;
type Samples<T> = Record<string, T[]>;

interface Golden {
  boxes: {
    low: GoldenNumber | GoldenNumber[];
    high: GoldenNumber | GoldenNumber[];
    shape: number[];
    dtype: DType;
    text: string;
    samples: Samples<(number | boolean)[]>;
  }[];
  discretes: { n: number; start: number; text: string; samples: Samples<number> }[];
  masks: { mask: number[]; samples: number[] }[];
  probabilities: { probability: number[]; samples: number[] }[];
}

// int64 values beyond 2^53 become bigints, as JSON.parse would round them.
const text = readFileSync(new URL('../golden/spaces.json', import.meta.url), 'utf8');
const golden = JSON.parse(text.replaceAll(/(?<=[[,:])-?\d{17,}(?=[\],}])/g, '"$&"')) as Golden;

function bound(value: GoldenNumber): number | bigint {
  if (typeof value === 'number') return value;
  return value.endsWith('inf') ? Number(value.replace('inf', 'Infinity')) : BigInt(value);
}
const bounds = (value: GoldenNumber | GoldenNumber[]): number | bigint | (number | bigint)[] =>
  Array.isArray(value) ? value.map(bound) : bound(value);
const plain = (values: TypedArray): string[] => Array.from(values as ArrayLike<number | bigint>, String);
const seedOf = (seed: string): bigint => BigInt(seed);

describe('Box as Gymnasium has it', () => {
  for (const { low, high, shape, dtype, text, samples } of golden.boxes) {
    const box = new Box<DType>({ low: bounds(low), high: bounds(high), shape, dtype });

    test(`samples of ${text}`, () => {
      for (const [seed, expected] of Object.entries(samples)) {
        box.seed(seedOf(seed));
        for (const sample of expected) expect(plain(box.sample())).toEqual(sample.map((x) => String(Number(x))));
      }
    });

    test(`text of ${text}`, () => {
      expect(box.toString()).toBe(text);
    });
  }
});

describe('Discrete as Gymnasium has it', () => {
  for (const { n, start, text, samples } of golden.discretes) {
    test(`samples and text of ${text}`, () => {
      const space = new Discrete(n, { start });
      expect(space.toString()).toBe(text);
      for (const [seed, expected] of Object.entries(samples)) {
        space.seed(seedOf(seed));
        expect(expected.map(() => space.sample())).toEqual(expected);
      }
    });
  }

  for (const { mask, samples } of golden.masks) {
    test(`mask ${mask.join('')}`, () => {
      const space = new Discrete(6, { start: 2, seed: 8 });
      expect(samples.map(() => space.sample({ mask: Int8Array.from(mask) }))).toEqual(samples);
    });
  }

  for (const { probability, samples } of golden.probabilities) {
    test(`probability ${probability.join(' ')}`, () => {
      const space = new Discrete(6, { start: 2, seed: 9 });
      expect(samples.map(() => space.sample({ probability }))).toEqual(samples);
    });
  }
});
