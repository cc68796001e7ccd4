// Pictures of a board whose cells hold several kinds of things: one bit for each kind in a cell, a colour for each set of bits. Cells that
// stay as they are are not painted again.
import type { Colour } from './grid.ts';

/** A kind of thing, and one channel of the board. */
export interface Thing {
  readonly name: string;
  readonly colour: Colour;
}

/**
 * The colours of all sets of things, red, green and blue from place `3 * bits`: that of the uppermost thing, the first in `layers`, and an
 * eighth of the colours of the things under it. `layers` names all of `things`.
 */
export function colourTable(things: readonly Thing[], layers: readonly string[]): Uint8ClampedArray {
  const table = new Uint8ClampedArray(3 << things.length);
  const order = layers.map((name) => things.findIndex((thing) => thing.name === name));
  for (let bits = 1; bits < 1 << things.length; bits++) {
    const [top, ...under] = order.filter((thing) => (bits >> thing) & 1);
    for (let channel = 0; channel < 3; channel++) {
      const hidden = under.reduce((sum, thing) => sum + (things[thing]!.colour[channel]! >> 3), 0);
      table[3 * bits + channel] = things[top!]!.colour[channel]! + hidden;
    }
  }
  return table;
}

/** The first pixel of each of `cells` rows or columns that share `pixels`, and `pixels` itself: cells differ by one pixel at most. */
export function cellEdges(cells: number, pixels: number): number[] {
  return Array.from({ length: cells + 1 }, (_, cell) => Math.floor((cell * pixels) / cells));
}

/** A square board of `cells` x `cells` as `uint8 [pixels, pixels, 3]`. */
export class CellPicture {
  readonly frame: Uint8Array;
  readonly #cells: number;
  readonly #pixels: number;
  readonly #edges: readonly number[];
  readonly #table: Uint8ClampedArray;
  readonly #shown: Uint16Array;

  constructor(options: { cells: number; pixels: number; table: Uint8ClampedArray }) {
    this.#cells = options.cells;
    this.#pixels = options.pixels;
    this.#table = options.table;
    this.#edges = cellEdges(options.cells, options.pixels);
    this.#shown = new Uint16Array(options.cells ** 2);
    this.frame = new Uint8Array(options.pixels ** 2 * 3);
  }

  /** Brings `frame` to what `bits` `[cells, cells]` say. */
  show(bits: Uint16Array): void {
    const shown = this.#shown;
    for (let cell = 0; cell < shown.length; cell++) {
      if (shown[cell] === bits[cell]) continue;
      shown[cell] = bits[cell]!;
      this.#paint(cell, bits[cell]!);
    }
  }

  #paint(cell: number, bits: number): void {
    const { frame } = this;
    const edges = this.#edges;
    const row = Math.floor(cell / this.#cells);
    const column = cell % this.#cells;
    const [red, green, blue] = [this.#table[3 * bits]!, this.#table[3 * bits + 1]!, this.#table[3 * bits + 2]!];
    const bottom = edges[row + 1]!;
    for (let y = edges[row]!; y < bottom; y++) {
      const end = (y * this.#pixels + edges[column + 1]!) * 3;
      for (let at = (y * this.#pixels + edges[column]!) * 3; at < end; at += 3) {
        frame[at] = red;
        frame[at + 1] = green;
        frame[at + 2] = blue;
      }
    }
  }
}
