// The rules of Space Invaders on a 10 x 10 board, without pictures and without chance: MinAtar's behaviour (Young and Tian 2019, arXiv 1903.03176), built from
// a description of it. Row 0 is on top, row 9 holds the cannon.
import { boardCells } from './game-rules.ts';
import type { GameRules, StepContext } from './game-rules.ts';

const cells = boardCells ** 2;
const last = boardCells - 1;
const [left, right, fire] = [1, 3, 5];
const shotInterval = 5;
const alienShotInterval = 10;
const firstMoveInterval = 12;
const lastMoveInterval = 6;

/** All there is on the board. Sets of things are 1 in their cells, `[10, 10]`. */
export interface SpaceInvadersState {
  cannon: number;
  aliens: Uint8Array;
  /** -1 to the left, 1 to the right. */
  alienDirection: number;
  /** The longest time between two moves of the aliens, in steps. */
  moveInterval: number;
  moveTimer: number;
  alienShotTimer: number;
  /** Steps until the cannon can fire again. */
  shotTimer: number;
  bullets: Uint8Array;
  enemyBullets: Uint8Array;
  rampIndex: number;
  ended: boolean;
}

function newState(): SpaceInvadersState {
  const state: SpaceInvadersState = {
    cannon: 5,
    aliens: new Uint8Array(cells),
    alienDirection: -1,
    moveInterval: firstMoveInterval,
    moveTimer: firstMoveInterval,
    alienShotTimer: alienShotInterval,
    shotTimer: 0,
    bullets: new Uint8Array(cells),
    enemyBullets: new Uint8Array(cells),
    rampIndex: 0,
    ended: false,
  };
  fillAliens(state.aliens);
  return state;
}

function start(state: SpaceInvadersState): void {
  Object.assign(state, newState());
}

function fillAliens(aliens: Uint8Array): void {
  for (let row = 0; row < 4; row++) aliens.fill(1, row * boardCells + 2, row * boardCells + 8);
}

function step(state: SpaceInvadersState, action: number, { ramping }: StepContext): number {
  act(state, action);
  moveBullets(state);
  const { aliens } = state;
  const cannonCell = last * boardCells + state.cannon;
  if (state.enemyBullets[cannonCell] === 1 || aliens[cannonCell] === 1) state.ended = true;

  if (state.moveTimer === 0) {
    state.moveTimer = Math.min(count(aliens), state.moveInterval);
    moveAliens(state);
    if (aliens[cannonCell] === 1) state.ended = true;
  }
  if (state.alienShotTimer === 0) {
    state.alienShotTimer = alienShotInterval;
    const shooter = lowestAlienNear(aliens, state.cannon);
    if (shooter >= 0) state.enemyBullets[shooter] = 1;
  }

  const reward = hit(state);
  if (state.shotTimer > 0) state.shotTimer -= 1;
  state.moveTimer -= 1;
  state.alienShotTimer -= 1;

  if (count(aliens) === 0) {
    if (ramping && state.moveInterval > lastMoveInterval) {
      state.moveInterval -= 1;
      state.rampIndex += 1;
    }
    fillAliens(aliens);
  }
  return reward;
}

function act(state: SpaceInvadersState, action: number): void {
  if (action === left) state.cannon = Math.max(0, state.cannon - 1);
  else if (action === right) state.cannon = Math.min(last, state.cannon + 1);
  else if (action === fire && state.shotTimer === 0) {
    state.bullets[last * boardCells + state.cannon] = 1;
    state.shotTimer = shotInterval;
  }
}

function moveBullets({ bullets, enemyBullets }: SpaceInvadersState): void {
  bullets.copyWithin(0, boardCells);
  bullets.fill(0, last * boardCells);
  moveDown(enemyBullets);
}

/** Moves everything a row down, and out of the lowest one. */
function moveDown(board: Uint8Array): void {
  board.copyWithin(boardCells, 0);
  board.fill(0, 0, boardCells);
}

function moveAliens(state: SpaceInvadersState): void {
  const { aliens, alienDirection } = state;
  if (columnHas(aliens, alienDirection < 0 ? 0 : last)) {
    state.alienDirection = -alienDirection;
    if (count(aliens.subarray(last * boardCells)) > 0) state.ended = true;
    moveDown(aliens);
  } else if (alienDirection < 0) {
    // The column that is left is empty, so no alien wraps around into the next row.
    aliens.copyWithin(0, 1);
    aliens[cells - 1] = 0;
  } else {
    aliens.copyWithin(1, 0);
    aliens[0] = 0;
  }
}

/** The cell of the lowest alien in the occupied column nearest to `column`, of two the left one; -1 when there is none. */
function lowestAlienNear(aliens: Uint8Array, column: number): number {
  for (let distance = 0; distance < boardCells; distance++) {
    for (const near of [column - distance, column + distance]) {
      if (near < 0 || near > last) continue;
      for (let row = last; row >= 0; row--) if (aliens[row * boardCells + near] === 1) return row * boardCells + near;
    }
  }
  return -1;
}

/** Takes away aliens and bullets that share a cell; returns how many aliens. */
function hit({ aliens, bullets }: SpaceInvadersState): number {
  let hits = 0;
  for (let cell = 0; cell < cells; cell++) {
    if ((aliens[cell]! & bullets[cell]!) === 0) continue;
    aliens[cell] = 0;
    bullets[cell] = 0;
    hits += 1;
  }
  return hits;
}

function columnHas(board: Uint8Array, column: number): boolean {
  for (let cell = column; cell < cells; cell += boardCells) if (board[cell] === 1) return true;
  return false;
}

function count(board: Uint8Array): number {
  let sum = 0;
  for (let cell = 0; cell < board.length; cell++) sum += board[cell]!;
  return sum;
}

function draw(state: SpaceInvadersState, board: Uint16Array): void {
  const alien = 0b10 | (state.alienDirection < 0 ? 0b100 : 0b1000);
  for (let cell = 0; cell < cells; cell++) {
    board[cell] = state.aliens[cell]! * alien + state.bullets[cell]! * 0b1_0000 + state.enemyBullets[cell]! * 0b10_0000;
  }
  board[last * boardCells + state.cannon]! |= 0b1;
}

/** Space Invaders. */
export const spaceInvadersRules: GameRules<SpaceInvadersState> = {
  things: [
    { name: 'cannon', colour: [0, 200, 0] },
    { name: 'alien', colour: [160, 0, 0] },
    { name: 'alien_left', colour: [200, 0, 120] },
    { name: 'alien_right', colour: [200, 120, 0] },
    { name: 'friendly_bullet', colour: [0, 120, 200] },
    { name: 'enemy_bullet', colour: [200, 200, 200] },
  ],
  layers: ['cannon', 'friendly_bullet', 'enemy_bullet', 'alien_left', 'alien_right', 'alien'],
  newState,
  start,
  step,
  draw,
};
