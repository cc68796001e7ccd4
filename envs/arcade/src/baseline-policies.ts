// What an agent's return is to be compared with: doing nothing, and the best simple rule known for each game. The rules see frames and nothing else, as agents
// do, and remember nothing.
import { playAsterix } from './asterix-policy.ts';
import { asterixRules } from './asterix-rules.ts';
import { breakoutBoard } from './breakout.ts';
import { catchBoard } from './catch.ts';
import { findBall } from './find-ball.ts';
import type { Board, Cell } from './find-ball.ts';
import { playFreeway } from './freeway-policy.ts';
import { freewayRules } from './freeway-rules.ts';
import type { GameRules } from './game-rules.ts';
import { checkCellSize } from './options.ts';
import { cellReader } from './read-cells.ts';
import { playSeaquest } from './seaquest-policy.ts';
import { seaquestRules } from './seaquest-rules.ts';
import { playSpaceInvaders } from './space-invaders-policy.ts';
import { spaceInvadersRules } from './space-invaders-rules.ts';

const lowestRow = breakoutBoard().rows - 1;

/** A rule over the cells of a board game. */
interface BoardRule extends Omit<TrivialPolicy, 'policy'> {
  readonly rules: Pick<GameRules<never>, 'things' | 'layers'>;
  readonly play: (cells: Uint16Array) => number;
}

const boardRules: Readonly<Record<string, BoardRule>> = {
  'SpaceInvaders-v0': {
    name: 'dodge and shoot',
    description: 'leaves columns that bullets come down and fires under aliens',
    rules: spaceInvadersRules,
    play: playSpaceInvaders,
  },
  'Asterix-v0': {
    name: 'to the gold',
    description: 'goes to the nearest gold, past cells that enemies come to and away from the edges',
    rules: asterixRules,
    play: playAsterix,
  },
  'Freeway-v0': {
    name: 'look and go',
    description: 'goes up unless the car of the next lane is about to come',
    rules: freewayRules,
    play: playFreeway,
  },
  'Seaquest-v0': {
    name: 'fetch and shoot',
    description: 'shoots enemies in its row, fetches divers, and surfaces with one before the air is used up',
    rules: seaquestRules,
    play: playSeaquest,
  },
};

/** The action for an observation as the environment returns it; it keeps nothing from one frame to the next. */
export type FramePolicy = (frame: Uint8Array) => number;

/** A simple rule that plays well. */
export interface TrivialPolicy {
  readonly name: string;
  /** One sentence about what it does. */
  readonly description: string;
  readonly policy: FramePolicy;
}

/** The policies that a learned one is compared with. */
export interface BaselinePolicies {
  /** Does nothing, whatever it sees. */
  readonly noop: FramePolicy;
  /** The best simple rule that is known. */
  readonly trivial: TrivialPolicy;
}

/**
 * The baselines of a game of this package by its id (`Breakout-v0`), made with these arguments; undefined for other ids. The policies throw
 * ShapeError for observations of another size.
 *
 * Throws ConfigError for a `cellSize`, `frameSize` or `obsType` that the game refuses too.
 */
export function baselinePolicies(
  envId: string,
  kwargs: Readonly<Record<string, unknown>> = {},
): BaselinePolicies | undefined {
  if (envId === 'Catch-v0') {
    return {
      noop: () => 1,
      trivial: { name: 'under the ball', description: "goes to the ball's column", policy: catchBall },
    };
  }
  if (envId === 'Breakout-v0') {
    return {
      noop: () => 0,
      trivial: {
        name: 'tracker',
        description: "goes to the ball's next column, held within the board",
        policy: trackBall(checkCellSize('baselinePolicies', kwargs['cellSize'])),
      },
    };
  }
  if (!Object.hasOwn(boardRules, envId)) return undefined;
  const { name, description, rules, play } = boardRules[envId]!;
  const read = cellReader(rules, kwargs, 'baselinePolicies');
  return { noop: () => 0, trivial: { name, description, policy: (observation) => play(read(observation)) } };
}

function catchBall(frame: Uint8Array): number {
  const ball = findBall(frame, catchBoard);
  const read = colourReader(frame, catchBoard);
  const paddle = findColumn(catchBoard, (column) => read({ row: catchBoard.rows - 1, column }).green > 120);
  return ball === undefined || paddle === -1 ? 1 : 1 + Math.sign(ball.column - paddle);
}

function trackBall(cellSize: number): FramePolicy {
  const board = breakoutBoard(cellSize);
  const [last, left, right] = [board.columns - 1, 1, 3];
  return (frame) => {
    const ball = findBall(frame, board);
    const read = colourReader(frame, board);
    // Bricks are far above the lowest row: only the paddle is green there.
    const paddle = findColumn(board, (column) => read({ row: board.rows - 1, column }).green > 50);
    if (ball === undefined || paddle === -1) return 0;
    const target = Math.min(last, Math.max(0, ball.column + ballDirection(ball, paddle, read)));
    return target > paddle ? right : target < paddle ? left : 0;
  };
}

/** Where the ball goes, -1 to the left or 1 to the right: from the trail to the ball, but for where it has just turned. */
function ballDirection(ball: Cell, paddle: number, read: ReturnType<typeof colourReader>): number {
  const { row, column } = ball;
  // The trail is at most one cell away, and the only blue thing but for the paddle, which is below all places where it can be.
  const trail = [-1, 0, 1]
    .flatMap((dy) => [-1, 0, 1].map((dx) => ({ row: row + dy, column: column + dx })))
    .find((cell) => read(cell).blue > 60);
  // At a side wall, and in the first frame, the column stays: inwards.
  if (trail === undefined || trail.column === column) return column === 0 ? 1 : -1;
  const across = column - trail.column;
  // Only the paddle holds the ball in the row above it; with the paddle under the column that it came to, it also turns sideways.
  return row === lowestRow - 1 && trail.row === row && paddle === column ? -across : across;
}

interface Colours {
  readonly green: number;
  readonly blue: number;
}

/** Reads cells by their first pixel; cells outside are black. */
function colourReader(frame: Uint8Array, { rows, columns, cellSize }: Board): (cell: Cell) => Colours {
  const [cellHeight, cellWidth] = typeof cellSize === 'number' ? [cellSize, cellSize] : cellSize;
  const width = columns * cellWidth;
  return ({ row, column }) => {
    if (row < 0 || row >= rows || column < 0 || column >= columns) return { green: 0, blue: 0 };
    const at = (row * cellHeight * width + column * cellWidth) * 3;
    return { green: frame[at + 1]!, blue: frame[at + 2]! };
  };
}

function findColumn({ columns }: Board, matches: (column: number) => boolean): number {
  for (let column = 0; column < columns; column++) if (matches(column)) return column;
  return -1;
}
