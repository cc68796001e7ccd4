import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeColours } from '@tessera/runs';
import type { Picture } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { codebookPicture, reconstructionPicture } from '../../src/tokenizer/pictures.ts';

const spec = { frameShape: [4, 4, 3], tokenShape: [2, 2], vocabulary: 5, codeDim: 1 } as const;

/** Frames whose patch of 2 x 2 pixels has the grey value of its code. */
function greyFrames(tokens: NdArray<'int32'>, grey: (code: number) => number): NdArray<'float32'> {
  const frames = ndarray('float32', [tokens.shape[0]!, 4, 4, 3]);
  for (let i = 0; i < frames.data.length; i++) {
    const [frame, y, x] = [Math.floor(i / 48), Math.floor(i / 12) % 4, Math.floor(i / 3) % 4];
    frames.data[i] = grey(tokens.data[frame * 4 + Math.floor(y / 2) * 2 + Math.floor(x / 2)]!);
  }
  return frames;
}

const pixel = (picture: Picture, y: number, x: number): number[] => {
  const at = (y * picture.shape[1]! + x) * 3;
  return [...picture.data.subarray(at, at + 3)];
};

const maps = fc
  .array(fc.nat(spec.vocabulary - 1), { minLength: 4, maxLength: 160, size: 'max' })
  .map((codes) =>
    ndarray(
      'int32',
      [Math.floor(codes.length / 4), 2, 2],
      Int32Array.from(codes.slice(0, codes.length - (codes.length % 4))),
    ),
  );

const colourOf = (code: number): number[] => [...codeColours(spec.vocabulary).data.subarray(code * 3, code * 3 + 3)];

describe('reconstructions', () => {
  test.prop([maps], { numRuns: 25 })(
    'shows frames, reconstructions and codes below each other, at most ten of them',
    (tokens) => {
      const frames = greyFrames(tokens, () => 0.2);
      const decoded = greyFrames(tokens, () => 0.6);
      const picture = reconstructionPicture(spec, frames, decoded, tokens);
      // Frames of 4 pixels are shown 4 times as large, 4 apart; the three rows are 8 apart.
      const columns = Math.min(10, tokens.shape[0]!);
      expect(picture.shape).toEqual([3 * 16 + 2 * 8, columns * 16 + (columns - 1) * 4, 3]);
      const step = Math.floor(tokens.shape[0]! / columns);
      for (let column = 0; column < columns; column++) {
        const left = column * 20;
        expect(pixel(picture, 0, left)).toEqual([51, 51, 51]);
        expect(pixel(picture, 24 + 15, left + 15)).toEqual([153, 153, 153]);
        for (let place = 0; place < 4; place++) {
          const [y, x] = [48 + Math.floor(place / 2) * 8, left + (place % 2) * 8];
          expect(pixel(picture, y, x)).toEqual(colourOf(tokens.data[column * step * 4 + place]!));
        }
      }
    },
  );
});

describe('the codebook', () => {
  test.prop([maps], { numRuns: 25 })(
    'shows under the colour of each code what it decoded to, most used first, unused ones grey',
    (tokens) => {
      const grey = (code: number): number => (code + 1) / 10;
      const picture = codebookPicture(spec, greyFrames(tokens, grey), tokens);
      const counts = Array.from(
        { length: spec.vocabulary },
        (_, code) => tokens.data.filter((token) => token === code).length,
      );
      const order = [...counts.keys()].toSorted((a, b) => counts[b]! - counts[a]! || a - b);
      // A patch of 2 pixels is shown 8 times as large, 20 pixels after the one before.
      for (const [i, code] of order.entries()) {
        expect(pixel(picture, 0, i * 20)).toEqual(colourOf(code));
        const value = counts[code] === 0 ? 128 : grey(code) * 255;
        for (const shown of pixel(picture, picture.shape[0]! - 1, i * 20 + 15))
          expect(Math.abs(shown - value)).toBeLessThan(1);
      }
    },
  );
});
