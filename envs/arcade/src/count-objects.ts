// Counts the objects of a game in a frame, real or imagined: a world model whose dreams hold two balls, or none, has not understood the game, however few pixels are
// wrong. Each cell is what its mean colour is nearest to, so that a frame which a tokenizer has decoded counts too.
import { ShapeError } from '@tessera/core';
import { asterixRules } from './asterix-rules.ts';
import { breakoutColours } from './breakout.ts';
import { boardSize } from './breakout-rules.ts';
import { catchBoard, catchColours } from './catch.ts';
import { cellEdges, colourTable } from './cell-picture.ts';
import { freewayRules } from './freeway-rules.ts';
import { boardCells } from './game-rules.ts';
import type { GameRules } from './game-rules.ts';
import type { Colour } from './grid.ts';
import { checkCellSize, checkFramePixels, checkObsType } from './options.ts';
import { spaceInvadersRules } from './space-invaders-rules.ts';

/** Counts objects in the frames of one game. */
export interface ObjectCounter {
  /** The objects of which every real frame shows exactly one. */
  readonly single: readonly string[];
  /** How many there are of each object in a frame, uint8 `[height * width * 3]`. Throws ShapeError for a frame of another size. */
  count(frame: Uint8Array): Readonly<Record<string, number>>;
}

/** What can be in a cell, and what it looks like. */
interface CellKind {
  readonly colour: Colour;
  readonly objects: readonly string[];
}

interface Board {
  /** First pixels of rows and of columns, and their ends. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly kinds: readonly CellKind[];
  /** All that is counted. */
  readonly names: readonly string[];
}

/** Objects of board games: what they are called, and the things of the rules of which any is one. */
const boardObjects: Readonly<
  Record<
    string,
    {
      readonly rules: Pick<GameRules<never>, 'things' | 'layers'>;
      readonly single: string;
      readonly objects: Readonly<Record<string, readonly string[]>>;
    }
  >
> = {
  'SpaceInvaders-v0': {
    rules: spaceInvadersRules,
    single: 'cannon',
    objects: {
      cannon: ['cannon'],
      alien: ['alien', 'alien_left', 'alien_right'],
      bullet: ['friendly_bullet'],
      'enemy bullet': ['enemy_bullet'],
    },
  },
  'Asterix-v0': { rules: asterixRules, single: 'player', objects: { player: ['player'] } },
  'Freeway-v0': { rules: freewayRules, single: 'chicken', objects: { chicken: ['chicken'] } },
};

/**
 * The counter of a game of this package by its id (`Breakout-v0`), made with these arguments; undefined for other ids and for observations that are no pictures.
 *
 * Throws ConfigError for arguments that the game refuses too.
 */
export function objectCounter(
  envId: string,
  kwargs: Readonly<Record<string, unknown>> = {},
): ObjectCounter | undefined {
  const where = 'objectCounter';
  if (envId === 'Catch-v0') {
    const { rows, columns, cellSize } = catchBoard;
    const [height, width] = cellSize as [number, number];
    const kinds = sums(catchColours);
    return counter(
      {
        rows: cellEdges(rows, rows * height),
        columns: cellEdges(columns, columns * width),
        kinds,
        names: ['ball', 'paddle'],
      },
      ['ball', 'paddle'],
    );
  }
  if (envId === 'Breakout-v0') {
    const edges = cellEdges(boardSize, boardSize * checkCellSize(where, kwargs['cellSize']));
    // The paddle shares its row with nothing but a ball that it has missed.
    const { paddle, ...others } = breakoutColours;
    const kinds = [...sums(others), { colour: paddle, objects: ['paddle'] }];
    return counter({ rows: edges, columns: edges, kinds, names: ['ball', 'paddle', 'brick'] }, ['ball', 'paddle']);
  }
  if (!Object.hasOwn(boardObjects, envId)) return undefined;
  if (checkObsType(where, kwargs['obsType']) === 'channels') return undefined;
  const { rules, objects, single } = boardObjects[envId]!;
  const edges = cellEdges(boardCells, checkFramePixels(where, kwargs));
  const kinds = setsOfThings(rules, objects);
  return counter({ rows: edges, columns: edges, kinds, names: Object.keys(objects) }, [single]);
}

function counter({ rows, columns, kinds, names }: Board, single: readonly string[]): ObjectCounter {
  const [height, width] = [rows.at(-1)!, columns.at(-1)!];
  return {
    single,
    count(frame) {
      if (frame.length !== height * width * 3) {
        throw new ShapeError(
          `objectCounter: expected a frame of shape [${height}, ${width}, 3], got ${frame.length} values. Check cellSize and frameSize.`,
        );
      }
      const counts = Object.fromEntries(names.map((name) => [name, 0]));
      for (let row = 0; row + 1 < rows.length; row++) {
        for (let column = 0; column + 1 < columns.length; column++) {
          const box = { top: rows[row]!, bottom: rows[row + 1]!, left: columns[column]!, right: columns[column + 1]! };
          for (const name of nearest(kinds, meanColour(frame, width, box)).objects) {
            if (name in counts) counts[name]!++;
          }
        }
      }
      return counts;
    },
  };
}

interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

function meanColour(frame: Uint8Array, width: number, { top, bottom, left, right }: Box): Colour {
  let [red, green, blue] = [0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let at = (y * width + left) * 3; at < (y * width + right) * 3; at += 3) {
      red += frame[at]!;
      green += frame[at + 1]!;
      blue += frame[at + 2]!;
    }
  }
  const pixels = (bottom - top) * (right - left);
  return [red / pixels, green / pixels, blue / pixels];
}

/** Of kinds that look the same the first one, which has the fewest objects. */
function nearest(kinds: readonly CellKind[], [red, green, blue]: Colour): CellKind {
  let [best, least] = [kinds[0]!, Infinity];
  for (const kind of kinds) {
    const [r, g, b] = kind.colour;
    const distance = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2;
    if (distance < least) [best, least] = [kind, distance];
  }
  return best;
}

/** Every set of things whose colours add up. */
function sums(colours: Readonly<Record<string, Colour>>): CellKind[] {
  return Object.entries(colours).reduce<CellKind[]>(
    (kinds, [name, [red, green, blue]]) => [
      ...kinds,
      ...kinds.map(({ colour: [r, g, b], objects }) => ({
        colour: [r + red, g + green, b + blue] as const,
        objects: [...objects, name],
      })),
    ],
    [{ colour: [0, 0, 0], objects: [] }],
  );
}

/** Every set of things as a board game paints it, the smallest sets first. */
function setsOfThings(
  { things, layers }: Pick<GameRules<never>, 'things' | 'layers'>,
  objects: Readonly<Record<string, readonly string[]>>,
): CellKind[] {
  const table = colourTable(things, layers);
  const kinds = Array.from({ length: table.length / 3 }, (_, bits) => {
    const here = things.filter((_thing, i) => (bits >> i) & 1).map(({ name }) => name);
    const names = Object.keys(objects).filter((name) => objects[name]!.some((thing) => here.includes(thing)));
    const colour: Colour = [table[3 * bits]!, table[3 * bits + 1]!, table[3 * bits + 2]!];
    return { size: here.length, colour, objects: names };
  });
  return kinds.toSorted((a, b) => a.size - b.size);
}
