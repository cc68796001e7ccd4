// Reads the board of a game back from its observations: what a hand-written policy may know, and what tests compare pictures with.
import { ShapeError } from '@tessera/core';
import { cellEdges, colourTable } from './cell-picture.ts';
import { boardCells } from './game-rules.ts';
import type { GameRules } from './game-rules.ts';
import { checkFramePixels, checkObsType } from './options.ts';

/** What is in each of the 10 x 10 cells: bit `i` for thing `i` of the game. The array is written again by the next call. */
export type CellReader = (observation: Uint8Array) => Uint16Array;

/**
 * A reader of the observations of a game that was made with these arguments. Cells of colours that the game does not paint read as empty. The reader throws
 * ShapeError for observations of another size.
 *
 * Throws ConfigError for arguments that the game refuses too.
 */
export function cellReader(
  { things, layers }: Pick<GameRules<never>, 'things' | 'layers'>,
  kwargs: Readonly<Record<string, unknown>>,
  where: string,
): CellReader {
  const pixels = checkFramePixels(where, kwargs);
  const cells = new Uint16Array(boardCells ** 2);
  if (checkObsType(where, kwargs['obsType']) === 'channels') {
    const channels = things.length;
    return (observation) => {
      checkLength(observation, [boardCells, boardCells, channels], where);
      for (let cell = 0; cell < cells.length; cell++) {
        let bits = 0;
        for (let channel = 0; channel < channels; channel++) bits |= observation[cell * channels + channel]! << channel;
        cells[cell] = bits;
      }
      return cells;
    };
  }
  const bitsOf = bitsByColour(colourTable(things, layers));
  const edges = cellEdges(boardCells, pixels);
  return (observation) => {
    checkLength(observation, [pixels, pixels, 3], where);
    for (let row = 0, cell = 0; row < boardCells; row++) {
      for (let column = 0; column < boardCells; column++, cell++) {
        const at = (edges[row]! * pixels + edges[column]!) * 3;
        cells[cell] = bitsOf.get(colourKey(observation, at)) ?? 0;
      }
    }
    return cells;
  };
}

const colourKey = (bytes: ArrayLike<number>, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

/** Of several sets of things that look the same, which no game brings about, the one with the fewest. */
function bitsByColour(table: Uint8ClampedArray): Map<number, number> {
  const found = new Map<number, number>();
  for (let bits = 0; bits < table.length / 3; bits++) {
    const key = colourKey(table, 3 * bits);
    const known = found.get(key);
    if (known === undefined || countBits(bits) < countBits(known)) found.set(key, bits);
  }
  return found;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest &= rest - 1) count++;
  return count;
}

function checkLength(observation: Uint8Array, shape: readonly number[], where: string): void {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (observation.length === expected) return;
  throw new ShapeError(
    `${where}: expected an observation of shape [${shape.join(', ')}], got ${observation.length} values. Check cellSize, frameSize and obsType.`,
  );
}
