// A simple rule that plays Asterix: towards the nearest gold, never next to an enemy that is coming, and away from the edges where enemies enter.
import { boardCells } from './game-rules.ts';

const last = boardCells - 1;
const [playerBit, enemyBit, trailBit, goldBit] = [1, 2, 4, 8];
const moves = [
  { action: 0, rows: 0, columns: 0 },
  { action: 1, rows: 0, columns: -1 },
  { action: 2, rows: -1, columns: 0 },
  { action: 3, rows: 0, columns: 1 },
  { action: 4, rows: 1, columns: 0 },
];
const edge = 2;

/** The action for a board as `CellReader` gives it. */
export function playAsterix(cells: Uint16Array): number {
  const player = cells.findIndex((bits) => (bits & playerBit) !== 0);
  if (player < 0) return 0;
  const golds = [...cells.keys()].filter((cell) => (cells[cell]! & goldBit) !== 0).map((cell) => aimAt(cells, cell));
  let best = { action: 0, cost: Infinity };
  for (const { action, rows, columns } of moves) {
    const row = Math.min(8, Math.max(1, Math.floor(player / boardCells) + rows));
    const column = Math.min(last, Math.max(0, (player % boardCells) + columns));
    const cost = 1000 * risk(cells, row, column) + distanceToGold(golds, row, column);
    if (cost < best.cost) best = { action, cost };
  }
  return best.action;
}

interface Target {
  readonly row: number;
  readonly column: number;
}

/** Where gold will be next: it moves while the player comes. */
function aimAt(cells: Uint16Array, cell: number): Target {
  const row = Math.floor(cell / boardCells);
  const column = cell % boardCells;
  return { row, column: Math.min(last, Math.max(0, column + directionOf(cells, row, column))) };
}

/** From the trail: 1 to the right, -1 to the left. */
function directionOf(cells: Uint16Array, row: number, column: number): number {
  if (column === 0) return (cells[row * boardCells + 1]! & trailBit) === 0 ? 1 : -1;
  return (cells[row * boardCells + column - 1]! & trailBit) === 0 ? -1 : 1;
}

/** How dangerous a cell is: 3 with an enemy in it, 2 next to one that comes, 1 two cells before it. */
function risk(cells: Uint16Array, row: number, column: number): number {
  for (let at = 0; at < boardCells; at++) {
    if ((cells[row * boardCells + at]! & enemyBit) === 0) continue;
    const ahead = (column - at) * directionOf(cells, row, at);
    if (ahead >= 0 && ahead <= 2) return 3 - ahead;
  }
  return 0;
}

function distanceToGold(golds: readonly Target[], row: number, column: number): number {
  const nearest = golds.reduce(
    (least, gold) => Math.min(least, Math.abs(gold.row - row) + Math.abs(gold.column - column)),
    Infinity,
  );
  const nearEdge = Math.max(0, edge - column) + Math.max(0, column - (last - edge));
  return nearest === Infinity ? Math.abs(row - 4.5) + nearEdge * 3 : nearest + 0.5 * nearEdge;
}
