// The rules of Breakout on a 10 x 10 board, without pictures and without chance: MinAtar's behaviour (Young and Tian 2019, arXiv
// 1903.03176), built from a description of it. Row 0 is on top, row 9 holds the paddle.

export const boardSize = 10;
const last = boardSize - 1;
const firstBrickRow = 1;
const lastBrickRow = 3;

/** The actions in MinAtar's order; `up`, `down` and `fire` do nothing here. */
export const breakoutActions = ['noop', 'left', 'up', 'right', 'down', 'fire'] as const;
const left = 1;
const right = 3;

/** All there is on the board. Directions are -1 or 1. */
export interface BreakoutState {
  ballRow: number;
  ballColumn: number;
  /** The cell of the ball one step before. */
  trailRow: number;
  trailColumn: number;
  directionRow: number;
  directionColumn: number;
  paddle: number;
  /** A brick was in the ball's way in the last step: the next one in its way is left standing. */
  strike: boolean;
  ended: boolean;
  /** 1 for each brick, `[10, 10]`. */
  readonly bricks: Uint8Array;
  bricksLeft: number;
}

/** What changed about the bricks in one step. */
export interface BreakoutChange {
  /** The cell `row * 10 + column` of the brick that fell; -1 when none did. */
  fallen: number;
  refilled: boolean;
}

/** The start: the ball in row 3 at the left edge heading right, or with `side` 1 at the right edge heading left, downwards. */
export function startBreakout(state: BreakoutState, side: number): void {
  state.ballRow = lastBrickRow;
  state.ballColumn = side === 0 ? 0 : last;
  state.trailRow = state.ballRow;
  state.trailColumn = state.ballColumn;
  state.directionRow = 1;
  state.directionColumn = side === 0 ? 1 : -1;
  state.paddle = 4;
  state.strike = false;
  state.ended = false;
  fillBricks(state);
}

/** A state in `startBreakout`'s place 0. */
export function newBreakout(): BreakoutState {
  const board = { ballRow: 0, ballColumn: 0, trailRow: 0, trailColumn: 0, directionRow: 1, directionColumn: 1 };
  const bricks = new Uint8Array(boardSize * boardSize);
  const state: BreakoutState = { ...board, paddle: 4, strike: false, ended: false, bricks, bricksLeft: 0 };
  startBreakout(state, 0);
  return state;
}

/** One step with the executed action; returns the reward and writes into `change`. A step of an ended game changes nothing. */
export function stepBreakout(state: BreakoutState, action: number, change: BreakoutChange): number {
  change.fallen = -1;
  change.refilled = false;
  if (state.ended) return 0;

  if (action === left) state.paddle = Math.max(0, state.paddle - 1);
  else if (action === right) state.paddle = Math.min(last, state.paddle + 1);

  const { ballRow: oldRow, ballColumn: oldColumn, bricks } = state;
  state.trailRow = oldRow;
  state.trailColumn = oldColumn;
  let row = oldRow + state.directionRow;
  let column = oldColumn + state.directionColumn;
  if (column < 0 || column > last) {
    column = column < 0 ? 0 : last;
    state.directionColumn = -state.directionColumn;
  }

  let reward = 0;
  let brickInWay = false;
  if (row < 0) {
    row = 0;
    state.directionRow = 1;
  } else if (bricks[row * boardSize + column] === 1) {
    brickInWay = true;
    if (!state.strike) {
      reward = 1;
      state.strike = true;
      change.fallen = row * boardSize + column;
      bricks[change.fallen] = 0;
      state.bricksLeft -= 1;
      row = oldRow;
      state.directionRow = -state.directionRow;
    }
  } else if (row === last) {
    if (state.bricksLeft === 0) {
      fillBricks(state);
      change.refilled = true;
    }
    if (oldColumn === state.paddle) {
      row = oldRow;
      state.directionRow = -1;
    } else if (column === state.paddle) {
      row = oldRow;
      state.directionRow = -1;
      state.directionColumn = -state.directionColumn;
    } else {
      state.ended = true;
    }
  }
  if (!brickInWay) state.strike = false;
  state.ballRow = row;
  state.ballColumn = column;
  return reward;
}

function fillBricks(state: BreakoutState): void {
  state.bricks.fill(0);
  state.bricks.fill(1, firstBrickRow * boardSize, (lastBrickRow + 1) * boardSize);
  state.bricksLeft = (lastBrickRow - firstBrickRow + 1) * boardSize;
}
