// A simple rule that plays Seaquest: shoot enemies in the own row, fetch divers, and surface with one aboard before the air is used up.
import { boardCells } from './game-rules.ts';
import { seaquestBits } from './seaquest-state.ts';

const last = boardCells - 1;
const deepest = 8;
const fire = 5;
const bit = seaquestBits;
const enemyBits = bit.fish | bit.sub;
const lowOxygen = 4;
const moves = [
  { action: 0, rows: 0, columns: 0 },
  { action: 1, rows: 0, columns: -1 },
  { action: 2, rows: -1, columns: 0 },
  { action: 3, rows: 0, columns: 1 },
  { action: 4, rows: 1, columns: 0 },
];

interface Place {
  readonly row: number;
  readonly column: number;
}

/** The action for a board as `CellReader` gives it. */
export function playSeaquest(cells: Uint16Array): number {
  const front = placesOf(cells, bit.front)[0];
  if (front === undefined) return 0;
  const facing = front.column > 0 && (cells[front.row * boardCells + front.column - 1]! & bit.back) !== 0 ? 1 : -1;
  const target = choose(cells, front);
  let best = { action: 0, cost: Infinity };
  for (const { action, rows, columns } of moves) {
    const row = Math.min(deepest, Math.max(0, front.row + rows));
    const column = Math.min(last, Math.max(0, front.column + columns));
    // Nobody may surface without a diver.
    const isForbidden = row === 0 && front.row > 0 && placesOf(cells, bit.gauge).length === 0;
    const cost =
      1000 * (isForbidden ? 4 : risk(cells, { row, column })) +
      2 * distance(target, { row, column }) +
      (action === 0 ? 1 : 0);
    if (cost < best.cost) best = { action, cost };
  }
  const isSafe = risk(cells, front) === 0;
  const seesEnemy = placesOf(cells, enemyBits).some(
    ({ row, column }) => row === front.row && (column - front.column) * facing > 0,
  );
  if (seesEnemy && (isSafe || best.cost >= 1000)) return fire;
  return best.action;
}

/** Where to go: up for air with a diver aboard, to a diver, or to the row of an enemy, a few cells away from it. */
function choose(cells: Uint16Array, front: Place): Place {
  const aboard = placesOf(cells, bit.gauge).length;
  const oxygen = placesOf(cells, bit.oxygen).length;
  if (aboard > 0 && (oxygen <= lowOxygen || aboard === 6)) return { row: 0, column: front.column };
  const divers = placesOf(cells, bit.diver);
  const enemies = placesOf(cells, enemyBits);
  const near = (places: readonly Place[]): Place | undefined =>
    places.reduce<Place | undefined>(
      (best, place) => (best === undefined || distance(place, front) < distance(best, front) ? place : best),
      undefined,
    );
  const diver = near(divers);
  if (diver !== undefined && aboard < 6) return diver;
  const enemy = near(enemies);
  if (enemy !== undefined) return { row: enemy.row, column: enemy.column < 5 ? 6 : 3 };
  return { row: 4, column: front.column < 5 ? 4 : 5 };
}

const distance = (a: Place, b: Place): number => Math.abs(a.row - b.row) + Math.abs(a.column - b.column);

/** How dangerous a cell is: 3 with an enemy or its bullet in it, less when one comes towards it. */
function risk(cells: Uint16Array, { row, column }: Place): number {
  let worst = 0;
  for (let at = Math.max(0, column - 3); at <= Math.min(last, column + 3); at++) {
    const bits = cells[row * boardCells + at]!;
    const apart = Math.abs(column - at);
    if ((bits & enemyBits) !== 0 && apart <= 2 && mayCome(cells, row, at, column)) worst = Math.max(worst, 3 - apart);
    if ((bits & bit.enemyBullet) !== 0 && apart <= 3) worst = Math.max(worst, 3 - Math.max(0, apart - 1));
  }
  return worst;
}

/** Whether what is in column `from` is not seen to swim away from column `to`. */
function mayCome(cells: Uint16Array, row: number, from: number, to: number): boolean {
  if (from === to) return true;
  const trail = from - Math.sign(to - from);
  return trail < 0 || trail > last || (cells[row * boardCells + trail]! & bit.trail) !== 0;
}

function placesOf(cells: Uint16Array, bits: number): Place[] {
  const places: Place[] = [];
  for (let cell = 0; cell < cells.length; cell++) {
    if ((cells[cell]! & bits) !== 0) places.push({ row: Math.floor(cell / boardCells), column: cell % boardCells });
  }
  return places;
}
