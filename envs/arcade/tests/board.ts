// Helpers of the tests: the state behind a Breakout, and what a frame shows.
import { Breakout } from '@tessera/env-arcade';
import type { BreakoutOptions } from '@tessera/env-arcade';
import type { EnvState } from 'gymnasium-js';

/** The saved board of a Breakout. */
export interface BoardData {
  ballRow: number;
  ballColumn: number;
  trailRow: number;
  trailColumn: number;
  directionRow: number;
  directionColumn: number;
  paddle: number;
  strike: boolean;
  ended: boolean;
  bricks: Uint8Array;
  bricksLeft: number;
  executed: number;
}

export const boardOf = (env: Breakout): BoardData => env.getState()['data'] as unknown as BoardData;

/** A Breakout without stickiness, in the start of the wanted side (0: ball at the left edge) with changes to the board. */
export function breakoutAt(
  changes: Partial<BoardData> = {},
  options: BreakoutOptions = { stickyActions: 0 },
): Breakout {
  const env = new Breakout(options);
  for (let seed = 0; ; seed++) {
    env.reset({ seed });
    if (boardOf(env).ballColumn === 0) break;
  }
  change(env, changes);
  return env;
}

/** Writes into the board; the trail follows the ball unless it is given. */
export function change(env: Breakout, changes: Partial<BoardData>): void {
  const state = env.getState();
  const data = { ...(state['data'] as unknown as BoardData), ...changes };
  if (changes.ballRow !== undefined && changes.trailRow === undefined) {
    data.trailRow = data.ballRow;
    data.trailColumn = data.ballColumn;
  }
  data.bricksLeft = data.bricks.reduce((sum, brick) => sum + brick, 0);
  env.setState({ ...state, data: data as unknown as EnvState });
}

/** Bricks in the given cells [row, column] and nowhere else. */
export function bricksAt(...cells: readonly (readonly [number, number])[]): Uint8Array {
  const bricks = new Uint8Array(100);
  for (const [row, column] of cells) bricks[row * 10 + column] = 1;
  return bricks;
}

/** The things of one colour: the cells, as row * 10 + column, of a frame of square cells. */
export interface Seen {
  bricks: number[];
  ball: number[];
  trail: number[];
  paddle: number[];
}

/** Takes the sums of colours of each cell apart; throws when a cell is not of one colour or holds no possible sum. */
export function readBreakout(frame: Uint8Array, cellSize: number): Seen {
  const seen: Seen = { bricks: [], ball: [], trail: [], paddle: [] };
  const width = 10 * cellSize;
  for (let cell = 0; cell < 100; cell++) {
    const [top, left] = [Math.floor(cell / 10) * cellSize, (cell % 10) * cellSize];
    const colours = new Set<string>();
    for (let y = top; y < top + cellSize; y++) {
      for (let x = left; x < left + cellSize; x++) {
        colours.add(String(frame.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)));
      }
    }
    if (colours.size !== 1) throw new Error(`cell ${cell} has several colours: ${[...colours].join(' ')}`);
    const [red, green, blue] = [...colours][0]!.split(',').map(Number) as [number, number, number];
    const code = combinations.get(`${red},${green},${blue}`);
    if (code === undefined) throw new Error(`cell ${cell} has an impossible colour: ${red},${green},${blue}`);
    for (const thing of code) seen[thing].push(cell);
  }
  return seen;
}

const colours = { bricks: [0, 150, 0], trail: [0, 0, 120], ball: [200, 0, 0], paddle: [55, 105, 135] } as const;
const things = Object.keys(colours) as (keyof Seen)[];
const combinations = new Map<string, (keyof Seen)[]>();
for (let code = 0; code < 16; code++) {
  const members = things.filter((_, i) => (code >> i) & 1);
  const sum = [0, 1, 2].map((channel) => members.reduce((total, thing) => total + colours[thing][channel]!, 0));
  combinations.set(sum.join(','), members);
}
