// Letters of pixels: no two look alike, and a larger text is the small one enlarged.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { pixelText, textSize, upscale } from '@tessera/runs';

const letters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -+.:/');

const drawn = (text: string) => {
  const { data, shape } = pixelText(text);
  return Array.from({ length: shape[0]! }, (_, y) =>
    Array.from({ length: shape[1]! }, (_, x) => (data[(y * shape[1]! + x) * 3] === 0 ? '#' : '.')).join(''),
  );
};

describe('letters', () => {
  test('are as one expects them', () => {
    expect(drawn('Fire 2').join('\n')).toMatchInlineSnapshot(`
      "###.###.##..###.....##.
      #....#..#.#.#.........#
      ##...#..##..##.......#.
      #....#..#.#.#.......#..
      #...###.#.#.###.....###"
    `);
  });

  test('all look different, and small ones like capitals', () => {
    expect(new Set(letters.map((letter) => drawn(letter).join())).size).toBe(letters.length);
    for (const letter of letters) expect(drawn(letter.toLowerCase())).toEqual(drawn(letter));
    expect(drawn('ä')).toEqual(drawn('?'));
  });

  test.prop([fc.array(fc.constantFrom(...letters), { minLength: 1 }), fc.integer({ min: 1, max: 4 })], { numRuns: 20 })(
    'of any scale are the small ones enlarged, in the colours that were asked for',
    (text, scale) => {
      const options = { colour: [9, 8, 7], background: [1, 2, 3] } as const;
      const large = pixelText(text.join(''), { ...options, scale });
      expect(large).toEqual(upscale(pixelText(text.join(''), options), scale));
      expect(large.shape).toEqual([...textSize(text.length, scale), 3]);
    },
  );

  test('are refused without a text and without a size', () => {
    expect(() => pixelText('')).toThrow(/empty/);
    for (const scale of [0, 1.5, NaN]) expect(() => pixelText('A', { scale })).toThrow(/scale/);
  });
});
