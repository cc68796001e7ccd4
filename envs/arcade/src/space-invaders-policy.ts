// A simple rule that plays Space Invaders: step out of the way of bullets, and shoot whatever is overhead.
import { boardCells } from './game-rules.ts';

const last = boardCells - 1;
const [noop, left, right, fire] = [0, 1, 3, 5];
const [cannonBit, alienBit, leftBit, enemyBulletBit] = [1, 2, 4, 32];
// A sticky action may come between, so bullets count long before they arrive.
const rowsOfWarning = 6;

/** The action for a board as `CellReader` gives it. */
export function playSpaceInvaders(cells: Uint16Array): number {
  const cannon = cells.findIndex((bits) => (bits & cannonBit) !== 0) - last * boardCells;
  if (cannon < 0) return noop;
  const action = shoot(cells, cannon);
  if (danger(cells, cannon + (action === left ? -1 : action === right ? 1 : 0)) === 0) return action;
  const choices = [
    { action: fire, risk: danger(cells, cannon) },
    { action: left, risk: danger(cells, cannon - 1) },
    { action: right, risk: danger(cells, cannon + 1) },
  ];
  return choices.reduce((best, choice) => (choice.risk < best.risk ? choice : best)).action;
}

/** The row of the lowest thing that comes down a column within the rows of warning: 0 for none, and nothing is worse than a wall. */
function danger(cells: Uint16Array, column: number): number {
  if (column < 0 || column > last) return Infinity;
  for (let row = last - 1; row >= last - rowsOfWarning; row--) {
    if ((cells[row * boardCells + column]! & (enemyBulletBit | alienBit)) !== 0) return row;
  }
  return 0;
}

/** Fire with aliens overhead, or in the next column when they are about to come from there; else towards the nearest ones. */
function shoot(cells: Uint16Array, cannon: number): number {
  const behind = cells.some((bits) => (bits & leftBit) !== 0) ? 1 : -1;
  if (hasAliens(cells, cannon) || hasAliens(cells, cannon + behind)) return fire;
  for (let distance = 1; distance <= last; distance++) {
    if (hasAliens(cells, cannon - distance)) return left;
    if (hasAliens(cells, cannon + distance)) return right;
  }
  return fire;
}

function hasAliens(cells: Uint16Array, column: number): boolean {
  if (column < 0 || column > last) return false;
  for (let cell = column; cell < cells.length; cell += boardCells) if ((cells[cell]! & alienBit) !== 0) return true;
  return false;
}
