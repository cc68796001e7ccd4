// Finds the ball in a frame of Catch or Breakout, also in one that a tokenizer has decoded: the truth behind the metric "ball recall".
// In both games the ball is the only thing with much red: 190 or 200, against 60 at most without it.
import { ConfigError, ShapeError } from '@tessera/core';

/** Rows, columns and cell size in pixels (one number, or height and width) of a game's frames. */
export interface Board {
  readonly rows: number;
  readonly columns: number;
  readonly cellSize: number | readonly [height: number, width: number];
}

export interface FindBallOptions {
  /** Pixels of a cell: one number for square cells, or height and width. */
  readonly cellSize: Board['cellSize'];
  /** 10 by default. */
  readonly rows?: number;
  /** 10 by default. */
  readonly columns?: number;
  /** The value of full brightness; 255 by default for a Uint8Array, 1 for anything else. */
  readonly maximum?: number;
}

/** A cell of the board, row 0 on top. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

// Half way between the ball's weakest red (190) and the strongest red without it (60).
const threshold = 125 / 255;

/**
 * The cell of the ball in a frame `[rows * cellHeight, columns * cellWidth, 3]`: the only one whose mean red is above 125/255;
 * undefined when there is none, or more than one, as in a frame that shows two balls.
 *
 * Throws ShapeError when the frame has another size, ConfigError for a cell size that is no whole number.
 */
export function findBall(frame: ArrayLike<number>, options: FindBallOptions): Cell | undefined {
  const { cellSize, rows = 10, columns = 10 } = options;
  const [cellHeight, cellWidth] = typeof cellSize === 'number' ? [cellSize, cellSize] : cellSize;
  const maximum = options.maximum ?? (frame instanceof Uint8Array ? 255 : 1);
  if (![cellHeight, cellWidth].every((size) => Number.isInteger(size) && size > 0)) {
    throw new ConfigError(`findBall: expected a whole number > 0 of pixels as cellSize, got ${String(cellSize)}.`);
  }
  const width = columns * cellWidth;
  if (frame.length !== rows * cellHeight * width * 3) {
    const shape = `[${rows * cellHeight}, ${width}, 3]`;
    throw new ShapeError(
      `findBall: expected a frame of shape ${shape}, got ${frame.length} values. Check cellSize, rows and columns.`,
    );
  }
  let found: Cell | undefined;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let red = 0;
      for (let y = row * cellHeight; y < (row + 1) * cellHeight; y++) {
        for (let x = column * cellWidth; x < (column + 1) * cellWidth; x++) red += frame[(y * width + x) * 3]!;
      }
      if (!(red > threshold * maximum * cellHeight * cellWidth)) continue;
      if (found !== undefined) return undefined;
      found = { row, column };
    }
  }
  return found;
}
