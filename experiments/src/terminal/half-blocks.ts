// Pictures in a terminal: two pixels a character, the upper half block in the colour of the upper one on the colour of the lower one.

/** Columns and lines of a terminal. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A picture, bytes [height, width, channels]: of grey or red, green and blue; of stacked pictures, a multiple of 3 channels or of 1, the last one is shown. */
export interface TerminalPicture {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

const escape = '\u001b[';
const upperHalf = '\u2580';

/**
 * The picture as lines of text, as large as a whole factor makes it within `size`; a picture that is larger than the terminal is made smaller by a whole factor, each pixel the mean
 * of a square. Colours are of 24 bits; each line ends with the terminal's own.
 */
export function halfBlocks(picture: TerminalPicture, size: TerminalSize): string[] {
  const { height, width, pixel } = fitted(picture, size);
  const lines: string[] = [];
  for (let top = 0; top < height; top += 2) {
    let line = '';
    let before = '';
    for (let column = 0; column < width; column++) {
      const below = top + 1 < height ? `48;2;${pixel(top + 1, column)}` : '49';
      const colours = `38;2;${pixel(top, column)};${below}`;
      // Equal neighbours need to be told once.
      line += colours === before ? upperHalf : `${escape}${colours}m${upperHalf}`;
      before = colours;
    }
    lines.push(`${line}${escape}0m`);
  }
  return lines;
}

/** The picture in another size, its pixels as `red;green;blue`. */
function fitted({ height, width, channels, data }: TerminalPicture, { columns, rows }: TerminalSize) {
  const room = Math.min(columns / width, (2 * rows) / height);
  const larger = Math.max(1, Math.floor(room));
  const smaller = room < 1 ? Math.ceil(1 / room) : 1;
  const scaled = (side: number) => Math.ceil((side * larger) / smaller);
  const [from, step] = channels % 3 === 0 ? [channels - 3, 1] : [channels - 1, 0];
  const pixel = (row: number, column: number): string => {
    const [top, left] = [row, column].map((place) => Math.floor(place / larger) * smaller) as [number, number];
    const [bottom, right] = [Math.min(height, top + smaller), Math.min(width, left + smaller)];
    const sums = [0, 0, 0];
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        for (let c = 0; c < 3; c++) sums[c]! += data[(y * width + x) * channels + from + step * c]!;
      }
    }
    return sums.map((sum) => Math.round(sum / ((bottom - top) * (right - left)))).join(';');
  };
  return { height: scaled(height), width: scaled(width), pixel };
}
