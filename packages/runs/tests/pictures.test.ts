import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { codeColours, renderCodes } from '../src/code-pictures.ts';
import { framesToPictures, grid, stackRows, upscale } from '../src/pictures.ts';

const picture = (height: number, width: number, fill: (i: number) => number): NdArray<'uint8'> =>
  ndarray(
    'uint8',
    [height, width, 3],
    Uint8Array.from({ length: height * width * 3 }, (_, i) => fill(i)),
  );
const pixel = ({ shape, data }: NdArray<'uint8'>, y: number, x: number): number[] => [
  ...data.subarray((y * shape[1]! + x) * 3, (y * shape[1]! + x) * 3 + 3),
];
const size = fc.integer({ min: 1, max: 6 });
const pictures = fc
  .tuple(size, size, fc.nat({ max: 255 }))
  .map(([h, w, seed]) => picture(h, w, (i) => (i * 7 + seed) % 256));

describe('framesToPictures', () => {
  test('scales floats, clips them and spreads grey over three channels', () => {
    const frames = ndarray('float32', [2, 1, 2, 1], Float32Array.of(0, 0.5, 1.5, -1));
    expect(framesToPictures(frames).map(({ data }) => [...data])).toEqual([
      [0, 0, 0, 128, 128, 128],
      [255, 255, 255, 0, 0, 0],
    ]);
  });

  test.prop([pictures])('bytes stay as they are', ({ shape, data }) => {
    const [result] = framesToPictures(ndarray('uint8', [1, ...shape], data));
    expect(result).toEqual({ dtype: 'uint8', shape, data });
  });

  test.prop([pictures, pictures])('of stacked ones the last is shown', ({ shape, data }, other) => {
    const stacked = ndarray('uint8', [1, shape[0]!, shape[1]!, 6]);
    for (let i = 0; i < data.length / 3; i++) {
      stacked.data.set(
        [0, 1, 2].map((c) => other.data[(3 * i + c) % other.data.length]!),
        6 * i,
      );
      stacked.data.set(data.subarray(3 * i, 3 * i + 3), 6 * i + 3);
    }
    expect(framesToPictures(stacked)[0]!.data).toEqual(data);
  });

  test('refuses NaN and other shapes', () => {
    expect(() =>
      framesToPictures(ndarray('float32', [1, 1, 1, 1], Float32Array.of(NaN))),
    ).toThrowErrorMatchingInlineSnapshot(`[NonFiniteError: framesToPictures: frame 0 holds NaN.]`);
    expect(() => framesToPictures(ndarray('uint8', [4, 4, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: framesToPictures: expected [B, H, W, 1 or a multiple of 3], got [4, 4, 3].]`,
    );
  });
});

describe('upscale', () => {
  test.prop([pictures, size])('every pixel of the square shows the pixel it came from', (small, factor) => {
    const large = upscale(small, factor);
    expect(large.shape).toEqual([small.shape[0]! * factor, small.shape[1]! * factor, 3]);
    for (let y = 0; y < large.shape[0]!; y++) {
      for (let x = 0; x < large.shape[1]!; x++) {
        expect(pixel(large, y, x)).toEqual(pixel(small, Math.floor(y / factor), Math.floor(x / factor)));
      }
    }
  });

  test('refuses factors that are no counts and arrays that are no pictures', () => {
    expect(() =>
      upscale(
        picture(1, 1, () => 0),
        1.5,
      ),
    ).toThrow('upscale: expected a whole factor >= 1, got 1.5.');
    expect(() => upscale(ndarray('uint8', [2, 2, 4]), 2)).toThrow(
      'upscale: expected a picture uint8 [H, W, 3], got uint8 [2, 2, 4].',
    );
  });
});

describe('grid', () => {
  test('three in two columns, a gap between them, background where one is missing', () => {
    const result = grid(
      [1, 2, 3].map((value) => picture(1, 1, () => value)),
      { columns: 2, gap: 1, background: [9, 9, 9] },
    );
    expect(result.shape).toEqual([3, 3, 3]);
    const reds = [0, 1, 2].map((y) => [0, 1, 2].map((x) => pixel(result, y, x)[0]));
    expect(reds).toEqual([
      [1, 9, 2],
      [9, 9, 9],
      [3, 9, 9],
    ]);
  });

  test.prop([pictures, fc.integer({ min: 1, max: 7 }), size, fc.nat({ max: 3 })])(
    'each picture is found whole at its place',
    (one, count, columns, gap) => {
      const all = Array.from({ length: count }, (_, k) =>
        picture(one.shape[0]!, one.shape[1]!, (i) => one.data[i]! ^ k),
      );
      const [h, w] = one.shape as [number, number];
      const result = grid(all, { columns, gap });
      for (let k = 0; k < count; k++) {
        const [top, left] = [Math.floor(k / columns) * (h + gap), (k % columns) * (w + gap)];
        for (let i = 0; i < h * w; i++) {
          const [y, x] = [Math.floor(i / w), i % w];
          expect(pixel(result, top + y, left + x)).toEqual(pixel(all[k]!, y, x));
        }
      }
    },
  );

  test('refuses nothing, mixed sizes and bad columns', () => {
    expect(() => grid([], { columns: 2 })).toThrow('grid: expected at least one picture, got none.');
    expect(() =>
      grid([picture(1, 1, () => 0), picture(1, 2, () => 0)], { columns: 2 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: grid: expected pictures of one size, got [1, 1, 3] and, at 1, [1, 2, 3]. Upscale them to one size first.]`,
    );
    expect(() => grid([picture(1, 1, () => 0)], { columns: 0 })).toThrow(
      'grid: expected a whole number of columns >= 1',
    );
    expect(() => stackRows([picture(1, 1, () => 0)], { gap: -1 })).toThrow(
      'stackRows: expected a whole gap >= 0, got -1.',
    );
  });
});

describe('codes', () => {
  test('colours are all different, and do not depend on how many there are', () => {
    const K = 2 ** 18; // the most there may be
    const many = codeColours(K).data;
    const packed = Array.from(
      { length: K },
      (_, k) => many[k * 3]! * 65536 + many[k * 3 + 1]! * 256 + many[k * 3 + 2]!,
    );
    expect(new Set(packed).size).toBe(K);
    expect(codeColours(64).data).toEqual(many.subarray(0, 64 * 3));
  });

  test.prop([fc.integer({ min: 1, max: 40 }), size, size, size, fc.infiniteStream(fc.nat())])(
    'a cell has the colour of its code',
    (codes, height, width, cell, stream) => {
      const data = Int32Array.from({ length: height * width }, () => (stream.next().value as number) % codes);
      const result = renderCodes(ndarray('int32', [height, width], data), { codes, cell });
      const colours = codeColours(codes);
      for (let i = 0; i < data.length; i++) {
        const [y, x] = [Math.floor(i / width) * cell, (i % width) * cell];
        const colour = [...colours.data.subarray(data[i]! * 3, data[i]! * 3 + 3)];
        expect(pixel(result, y, x)).toEqual(colour);
        expect(pixel(result, y + cell - 1, x + cell - 1)).toEqual(colour);
      }
    },
  );

  test('refuses tokens outside the codebook and codebooks without codes', () => {
    const tokens = ndarray('int32', [1, 2], Int32Array.of(0, 8));
    expect(() => renderCodes(tokens, { codes: 8, cell: 4 })).toThrow('renderCodes: expected tokens in [0, 8), got 8.');
    expect(() => renderCodes(ndarray('int32', [2]), { codes: 8, cell: 4 })).toThrow(
      'expected tokens of shape [h, w], got [2]',
    );
    expect(() => codeColours(0)).toThrow('codeColours: expected a whole number of codes from 1 to 262144, got 0.');
  });
});
