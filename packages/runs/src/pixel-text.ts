// Letters of 3 x 5 pixels, for labels inside pictures: capital letters, digits and a few marks.

import { ConfigError, ndarray } from '@tessera/core';
import type { Colour, Picture } from './pictures.ts';

/** A letter and its five rows, from the top, each three bits as an octal digit, the leftmost pixel first. */
const drawings =
  'A25755 B65656 C34443 D65556 E74647 F74644 G34553 H55755 I72227 J11152 K55655 L44447 M57755 N65555 O25552 P65644 Q25563 R65655 S34216 T72222 ' +
  'U55557 V55552 W55775 X55255 Y55222 Z71247 075557 126227 261247 361216 455711 574616 634757 771122 875757 975716 -00700 +02720 .00002 :02020 ' +
  '/11244 ?61202';
const unknown = '?';
const letters: ReadonlyMap<string, string> = new Map([
  [' ', '00000'],
  ...drawings.split(' ').map((drawing): [string, string] => [drawing[0]!, drawing.slice(1)]),
]);

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
  const glyphs = Array.from(text.toUpperCase(), (letter) => letters.get(letter) ?? letters.get(unknown)!);
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
