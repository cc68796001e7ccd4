// Letters of 3 x 5 pixels, for labels inside pictures: capital letters, digits and a few marks.

import { ConfigError, ndarray } from '@tessera/core';
import type { Colour, Picture } from './pictures.ts';

/** Five rows a letter, from the top, each three bits as an octal digit, the leftmost pixel first. */
const letters: Readonly<Record<string, string>> = {
  ...{ A: '25755', B: '65656', C: '34443', D: '65556', E: '74647', F: '74644', G: '34553', H: '55755', I: '72227' },
  ...{ J: '11152', K: '55655', L: '44447', M: '57755', N: '65555', O: '25552', P: '65644', Q: '25563', R: '65655' },
  ...{ S: '34216', T: '72222', U: '55557', V: '55552', W: '55775', X: '55255', Y: '55222', Z: '71247' },
  ...{ 0: '75557', 1: '26227', 2: '61247', 3: '61216', 4: '55711', 5: '74616', 6: '34757', 7: '71122', 8: '75757' },
  ...{ 9: '75716', ' ': '00000', '-': '00700', '+': '02720', '.': '00002', ':': '02020', '/': '11244', '?': '61202' },
};

const [letterWidth, letterHeight] = [3, 5];

/** Pixels of a text of so many letters: three a letter and one between two, five high. */
export const textSize = (count: number, scale = 1): readonly [height: number, width: number] => [
  letterHeight * scale,
  Math.max(0, count * (letterWidth + 1) - 1) * scale,
];

/**
 * The picture of a text in letters of 3 x 5 pixels, `scale` times as large, uint8 `[5 * scale, (4 * letters - 1) * scale, 3]`. Small letters are shown as
 * capitals, what there is no letter for as `?`. Throws ConfigError for an empty text and a scale that is no whole number >= 1.
 */
export function pixelText(
  text: string,
  {
    scale = 1,
    colour = [0, 0, 0],
    background = [255, 255, 255],
  }: { readonly scale?: number; readonly colour?: Colour; readonly background?: Colour } = {},
): Picture {
  if (text === '') throw new ConfigError('pixelText: expected a letter or more, got an empty text.');
  if (!Number.isSafeInteger(scale) || scale < 1) {
    throw new ConfigError(`pixelText: expected a whole scale >= 1, got ${scale}.`);
  }
  const glyphs = Array.from(text.toUpperCase(), (letter) =>
    Object.hasOwn(letters, letter) ? letters[letter]! : letters['?']!,
  );
  const [height, width] = textSize(glyphs.length, scale);
  const picture = ndarray('uint8', [height, width, 3]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [row, place] = [Math.floor(y / scale), Math.floor(x / scale)];
      const [glyph, column] = [glyphs[Math.floor(place / (letterWidth + 1))]!, place % (letterWidth + 1)];
      const lit = column < letterWidth && (Number(glyph[row]) >> (letterWidth - 1 - column)) & 1;
      picture.data.set(lit ? colour : background, (y * width + x) * 3);
    }
  }
  return picture;
}
