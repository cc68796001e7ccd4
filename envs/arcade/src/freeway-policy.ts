// A simple rule that plays Freeway: go up unless the car of the next lane is about to come.
import { boardCells } from './game-rules.ts';
import { freewayColumn } from './freeway-rules.ts';

const [noop, up] = [0, 2];
const [chickenBit, carBit, firstSpeedBit] = [1, 2, 4];

/** The action for a board as `CellReader` gives it. */
export function playFreeway(cells: Uint16Array): number {
  let row = boardCells - 1;
  while (row > 0 && (cells[row * boardCells + freewayColumn]! & chickenBit) === 0) row--;
  if (row <= 1) return up;
  return comesSoon(cells.subarray((row - 1) * boardCells, row * boardCells)) ? noop : up;
}

/** Whether the car of a lane is in the chicken's column, or may be within the three steps that the chicken would stay. */
function comesSoon(lane: Uint16Array): boolean {
  const car = lane.findIndex((bits) => (bits & carBit) !== 0);
  const behind = lane.findIndex((bits) => bits >= firstSpeedBit);
  if (car < 0 || behind < 0) return false;
  const speed = Math.log2(lane[behind]! / firstSpeedBit) + 1;
  const direction = (car - behind + boardCells) % boardCells === 1 ? 1 : -1;
  const distance = (direction * (freewayColumn - car) + boardCells) % boardCells;
  const moves = speed === 1 ? 2 : 1;
  return distance <= moves;
}
