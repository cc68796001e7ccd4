// Frames of a board of cells, drawn cell by cell into one byte array: colours add up, and only cells that change are touched.

/** Red, green and blue that an object adds to its cell. */
export type Colour = readonly [red: number, green: number, blue: number];

/** A board of `rows` x `columns` cells of `cellHeight` x `cellWidth` pixels; its frame is `uint8 [height, width, 3]`. */
export class Grid {
  readonly height: number;
  readonly width: number;
  readonly frame: Uint8Array;
  readonly #cellHeight: number;
  readonly #cellWidth: number;

  constructor(board: { rows: number; columns: number; cellHeight: number; cellWidth: number }) {
    this.#cellHeight = board.cellHeight;
    this.#cellWidth = board.cellWidth;
    this.height = board.rows * board.cellHeight;
    this.width = board.columns * board.cellWidth;
    this.frame = new Uint8Array(this.height * this.width * 3);
  }

  /** Makes all cells black. */
  clear(): void {
    this.frame.fill(0);
  }

  /** Adds a colour to a cell, or takes it away with `sign` -1. The sums must stay within 0..255: nothing is clipped. */
  add(row: number, column: number, [red, green, blue]: Colour, sign: 1 | -1): void {
    const { frame, width } = this;
    const [r, g, b] = [red * sign, green * sign, blue * sign];
    const top = row * this.#cellHeight;
    const left = column * this.#cellWidth;
    for (let y = top; y < top + this.#cellHeight; y++) {
      let at = (y * width + left) * 3;
      for (let x = 0; x < this.#cellWidth; x++) {
        frame[at]! += r;
        frame[at + 1]! += g;
        frame[at + 2]! += b;
        at += 3;
      }
    }
  }
}
