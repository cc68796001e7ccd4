// Byte for byte what OpenCV makes; golden/make_images.py made images.json.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fc, test } from '@fast-check/vitest';
import { npRandom, ShapeError } from '@tessera/core';
import { resizeArea } from 'gymnasium-js';
import { describe, expect } from 'vitest';

type Case = [
  seed: number,
  height: number,
  width: number,
  channels: number,
  toHeight: number,
  toWidth: number,
  sha256: string,
];
const golden = JSON.parse(readFileSync(new URL('../golden/images.json', import.meta.url), 'utf8')) as { cases: Case[] };

const noise = (seed: number, size: number): Uint8Array => npRandom(seed).integersArray(0, 256, size, 'uint8');

describe('OpenCV', () => {
  test('makes the same bytes in every size', () => {
    const wrong = golden.cases.filter(([seed, height, width, channels, toHeight, toWidth, expected]) => {
      const image = noise(seed, height * width * channels);
      if (seed % 5 === 4) for (let i = 0; i < image.length; i++) image[i] = image[i]! > 127 ? 255 : 0;
      const resized = resizeArea(image, [height, width, channels], [toHeight, toWidth]);
      return createHash('sha256').update(resized).digest('hex') !== expected;
    });
    expect(wrong).toEqual([]);
    expect(golden.cases.length).toBeGreaterThan(200);
  });
});

const size = fc.integer({ min: 1, max: 40 });

test.prop([size, size, size, size, fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 255 })])(
  'a picture of one colour keeps it, whatever the sizes',
  (height, width, toHeight, toWidth, channels, colour) => {
    const image = new Uint8Array(height * width * channels).fill(colour);
    const resized = resizeArea(image, [height, width, channels], [toHeight, toWidth]);
    expect(resized).toEqual(new Uint8Array(toHeight * toWidth * channels).fill(colour));
  },
);

test.prop([size, size, size, size, fc.integer({ min: 0, max: 1000 })])(
  'channels do not mix',
  (height, width, toHeight, toWidth, seed) => {
    const image = noise(seed, height * width * 3);
    const together = resizeArea(image, [height, width, 3], [toHeight, toWidth]);
    for (const channel of [0, 1, 2]) {
      const pick = (_: number, i: number): boolean => i % 3 === channel;
      expect(together.filter(pick)).toEqual(resizeArea(image.filter(pick), [height, width, 1], [toHeight, toWidth]));
    }
  },
);

test('the size it has is a copy', () => {
  const image = noise(0, 12);
  const same = resizeArea(image, [2, 2, 3], [2, 2]);
  expect(same).toEqual(image);
  expect(same).not.toBe(image);
});

test.each<[from: readonly number[], to: readonly number[], message: string]>([
  [[2, 2, 3], [0, 2], 'resizeArea: expected to as [height, width] of whole numbers > 0, got [0,2].'],
  [[2, 2, 3], [2], 'resizeArea: expected to as [height, width] of whole numbers > 0, got [2].'],
  [[2, 2], [2, 2], 'resizeArea: expected from as [height, width, channels] of whole numbers > 0, got [2,2].'],
  [[2, 1.5, 4], [2, 2], 'resizeArea: expected from as [height, width, channels] of whole numbers > 0, got [2,1.5,4].'],
  [[2, 2, 4], [1, 1], 'resizeArea: expected an image of shape [2, 2, 4], got 12 values.'],
])('sizes that make no sense: %j to %j', (from, to, message) => {
  const resize = (): unknown =>
    resizeArea(new Uint8Array(12), from as [number, number, number], to as [number, number]);
  expect(resize).toThrow(new ShapeError(message));
});
