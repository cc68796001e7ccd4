// Sprite world: procedural frames of 32 x 32 pixels whose content is known, so that what models leave out or make up can be counted. A frame is one of 640 modes,
// a background (8) with a sprite (5) in a cell (16), and a ball of 2 x 2 pixels anywhere, smoothed over pixels' borders.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';

/** Pixels along a side. */
export const side = 32;
export const backgrounds = 8;
export const sprites = 5;
export const cells = 16;
/** Combinations of the three. */
export const modes: number = backgrounds * sprites * cells;
/** Pixels along a cell's side. */
export const cellSide = 8;
/** Cells along a side. */
export const cellColumns = 4;
/** Colours, but for the ball's border, are multiples of 1 / (levels - 1). */
export const levels = 8;
const ballSide = 2;

type Colour = readonly [red: number, green: number, blue: number];

const level = (value: number): number => value / (levels - 1);

/** The colour of a background above and below the middle. No channel is brighter than 3/7. */
export function backgroundColour(background: number, below: boolean): Colour {
  const lift = below ? 1 : 0;
  const channel = (bit: number) => level(2 * ((background >> bit) & 1) + lift);
  return [channel(0), channel(1), channel(2)];
}

/** The colours of the sprites, each with a channel of 1/7 at most: only the ball is white. */
export const spriteColours: readonly Colour[] = [
  [level(7), level(1), level(1)],
  [level(1), level(7), level(1)],
  [level(7), level(7), 0],
  [level(7), 0, level(7)],
  [0, level(7), level(7)],
];

const drawings = [
  ['..####..', '.######.', '##.##.##', '########', '########', '#.#..#.#', '#......#', '........'],
  ['...##...', '..####..', '.######.', '########', '...##...', '...##...', '...##...', '........'],
  ['##....##', '###..###', '.######.', '..####..', '..####..', '.######.', '###..###', '##....##'],
  ['########', '#......#', '#.####.#', '#.#..#.#', '#.#..#.#', '#.####.#', '#......#', '########'],
  ['...##...', '..#..#..', '.#....#.', '#..##..#', '#..##..#', '.#....#.', '..#..#..', '...##...'],
] as const;

/** For each sprite the 64 pixels of a cell, row by row: 1 where the sprite is, 0 where the background shows. */
export const spriteMasks: readonly Uint8Array[] = drawings.map((rows) =>
  Uint8Array.from(rows.join(''), (pixel) => (pixel === '#' ? 1 : 0)),
);

/** Frames and what is in them. */
export interface SpriteFrames {
  /** uint8 [N, 32, 32, 3]. */
  readonly frames: NdArray<'uint8'>;
  /** `(background * sprites + sprite) * cells + cell` of each frame. */
  readonly modes: Int32Array;
  /** The upper left corner of the ball in pixels, in [0, 30]: x and y of each frame. */
  readonly balls: Float64Array;
}

/** The parts of a mode. */
export function partsOf(mode: number): { readonly background: number; readonly sprite: number; readonly cell: number } {
  const cell = mode % cells;
  const sprite = Math.floor(mode / cells) % sprites;
  return { background: Math.floor(mode / (cells * sprites)), sprite, cell };
}

/** `count` frames, every mode and place of the ball equally likely. */
export function spriteWorld(count: number, generator: Generator): SpriteFrames {
  const drawn = Int32Array.from({ length: count }, () => generator.integers(modes));
  const balls = Float64Array.from({ length: 2 * count }, () => generator.uniform(0, side - ballSide));
  return drawFrames(drawn, balls);
}

/** The frames of these modes with their balls at these places. */
export function drawFrames(drawn: Int32Array, balls: Float64Array): SpriteFrames {
  const size = side * side * 3;
  const frames = ndarray('uint8', [drawn.length, side, side, 3]);
  const templates = new Map<number, Float64Array>();
  for (const [n, mode] of drawn.entries()) {
    const template = templates.get(mode) ?? templateOf(mode);
    templates.set(mode, template);
    for (let i = 0; i < size; i++) frames.data[n * size + i] = Math.round(255 * template[i]!);
    const [left, top] = [balls[2 * n]!, balls[2 * n + 1]!];
    for (let y = Math.floor(top); y < Math.min(side, top + ballSide); y++) {
      for (let x = Math.floor(left); x < Math.min(side, left + ballSide); x++) {
        const covered = ballCoverage(x - left) * ballCoverage(y - top);
        for (let c = 0; c < 3; c++) {
          const i = (y * side + x) * 3 + c;
          frames.data[n * size + i] = Math.round(255 * (covered + (1 - covered) * template[i]!));
        }
      }
    }
  }
  return { frames, modes: drawn, balls };
}

/** A mode without its ball, [32, 32, 3] in [0, 1]. */
function templateOf(mode: number): Float64Array {
  const { background, sprite, cell } = partsOf(mode);
  const template = new Float64Array(side * side * 3);
  for (let pixel = 0; pixel < side * side; pixel++) {
    const colour = isSprite(pixel, sprite, cell)
      ? spriteColours[sprite]!
      : backgroundColour(background, pixel >= (side * side) / 2);
    template.set(colour, 3 * pixel);
  }
  return template;
}

/** Whether a sprite in a cell covers a pixel of the frame. */
function isSprite(pixel: number, sprite: number, cell: number): boolean {
  const [x, y] = [pixel % side, Math.floor(pixel / side)];
  const inCell = Math.floor(y / cellSide) * cellColumns + Math.floor(x / cellSide) === cell;
  return inCell && spriteMasks[sprite]![(y % cellSide) * cellSide + (x % cellSide)] === 1;
}

/** The share of a pixel that lies under the ball along one axis; `offset` is the pixel's place less the ball's. */
function ballCoverage(offset: number): number {
  return Math.max(0, Math.min(offset + 1, ballSide) - Math.max(offset, 0));
}

/** uint8 [N, 32, 32]: 1 for the pixels of the sprite and those that the ball touches. */
export function foregroundMask({ modes: drawn, balls }: Pick<SpriteFrames, 'modes' | 'balls'>): NdArray<'uint8'> {
  const mask = ndarray('uint8', [drawn.length, side, side]);
  for (const [n, mode] of drawn.entries()) {
    const { sprite, cell } = partsOf(mode);
    for (let pixel = 0; pixel < side * side; pixel++) {
      const [x, y] = [pixel % side, Math.floor(pixel / side)];
      const touched = ballCoverage(x - balls[2 * n]!) * ballCoverage(y - balls[2 * n + 1]!) > 0;
      if (touched || isSprite(pixel, sprite, cell)) mask.data[n * side * side + pixel] = 1;
    }
  }
  return mask;
}
