// Pictures in a terminal, read back from their escape sequences.
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { halfBlocks } from '../../src/terminal/half-blocks.ts';
import type { TerminalPicture } from '../../src/terminal/half-blocks.ts';

type Colour = readonly number[] | undefined;

/** The pixels that a terminal would show; undefined where it shows its own background. */
function pixelsOf(lines: readonly string[]): Colour[][] {
  return lines.flatMap((line) => {
    const [upper, lower]: [Colour[], Colour[]] = [[], []];
    let [front, back]: [Colour, Colour] = [undefined, undefined];
    // oxlint-disable-next-line no-control-regex -- what is tested.
    for (const [text, codes] of line.matchAll(/\u001b\[([0-9;]*)m|\u2580/g)) {
      if (text === '\u2580') {
        upper.push(front);
        lower.push(back);
        continue;
      }
      const match = /^38;2;(\d+);(\d+);(\d+);(?:49|48;2;(\d+);(\d+);(\d+))$/.exec(codes!);
      if (match === null) {
        if (codes !== '0') throw new Error(`no colours: ${codes}`);
        continue;
      }
      const numbers = match.slice(1).map((text) => (text === undefined ? undefined : Number(text)));
      front = numbers.slice(0, 3) as number[];
      back = numbers[3] === undefined ? undefined : (numbers.slice(3) as number[]);
    }
    // Whatever comes after the line has the terminal's own colours.
    expect(line.endsWith('\u001b[0m')).toBe(true);
    return [upper, lower];
  });
}

const pictures: fc.Arbitrary<TerminalPicture> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 2, 3, 6, 9))
  .chain(([height, width, channels]) =>
    fc
      // Few values, so that neighbours are equal now and then.
      .array(fc.constantFrom(0, 1, 128, 255), {
        minLength: height * width * channels,
        maxLength: height * width * channels,
      })
      .map((data) => ({ height, width, channels, data })),
  );
/** Of the last picture, where several are stacked. */
const colourAt = ({ width, channels, data }: TerminalPicture, row: number, column: number): number[] => {
  const next = (row * width + column + 1) * channels;
  return channels % 3 === 0
    ? Array.from(data as number[]).slice(next - 3, next)
    : [1, 1, 1].map((i) => data[next - i]!);
};

test.prop([pictures, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 8 })])(
  'a picture that fits is shown pixel for pixel, as large as a whole factor makes it',
  (picture, factor, spare) => {
    const { height, width } = picture;
    const size = { columns: factor * width + Math.min(spare, width - 1), rows: Math.ceil((factor * height) / 2) + 10 };
    const shown = pixelsOf(halfBlocks(picture, size));
    expect(shown).toHaveLength(2 * Math.ceil((factor * height) / 2));
    for (const [row, line] of shown.entries()) {
      expect(line).toHaveLength(factor * width);
      for (const [column, colour] of line.entries()) {
        const place = [Math.floor(row / factor), Math.floor(column / factor)] as const;
        expect(colour).toEqual(row < factor * height ? colourAt(picture, ...place) : undefined);
      }
    }
  },
);

test.prop([pictures, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5 })])(
  'a picture never takes more room than there is',
  (picture, columns, rows) => {
    const lines = halfBlocks(picture, { columns, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of pixelsOf(lines)) expect(line.length).toBeLessThanOrEqual(columns);
  },
);

test('a picture that is too large is the mean of squares', () => {
  const data = [0, 100, 40, 40, 200, 100, 40, 40, 10, 10, 0, 0, 30, 30, 0, 1];
  const lines = halfBlocks({ height: 4, width: 4, channels: 1, data }, { columns: 2, rows: 1 });
  expect(pixelsOf(lines)).toEqual([
    [
      [100, 100, 100],
      [40, 40, 40],
    ],
    [
      [20, 20, 20],
      [0, 0, 0],
    ],
  ]);
});
