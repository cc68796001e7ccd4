// The rules of Freeway on a 10 x 10 board, without pictures: MinAtar's behaviour (Young and Tian 2019, arXiv 1903.03176), built from a description of it. A car in
// each of rows 1 to 8; the chicken goes from row 9 to row 0 in column 4.
import type { Generator } from '@tessera/core';
import { boardCells } from './game-rules.ts';
import type { GameRules, StepContext } from './game-rules.ts';

const last = boardCells - 1;
const cars = 8;
const [up, down] = [2, 4];
const moveInterval = 3;
const clock = 2500;
const slowest = 5;

/** The column of the chicken. */
export const freewayColumn = 4;

/** All there is on the board. Place `i` of the lists is the car in row `i + 1`. */
export interface FreewayState {
  row: number;
  /** Steps until the chicken can move again. */
  moveTimer: number;
  clock: number;
  columns: Uint8Array;
  /** 1 to 5: a car moves in every (speed + 1)-th step, so 1 is the fastest. */
  speeds: Uint8Array;
  /** -1 to the left, 1 to the right. */
  directions: Int8Array;
  timers: Uint8Array;
  ended: boolean;
}

const newState = (): FreewayState => ({
  row: last,
  moveTimer: moveInterval,
  clock,
  columns: new Uint8Array(cars),
  speeds: new Uint8Array(cars).fill(1),
  directions: new Int8Array(cars).fill(1),
  timers: new Uint8Array(cars).fill(1),
  ended: false,
});

function start(state: FreewayState, chance: Generator): void {
  Object.assign(state, newState());
  drawCars(state, chance);
}

/** Draws new speeds and directions; the cars stay where they are. */
function drawCars({ speeds, directions, timers }: FreewayState, chance: Generator): void {
  for (let car = 0; car < cars; car++) speeds[car] = chance.integers(1, slowest + 1);
  for (let car = 0; car < cars; car++) directions[car] = chance.random() > 0.5 ? 1 : -1;
  timers.set(speeds);
}

function step(state: FreewayState, action: number, { chance }: StepContext): number {
  if ((action === up || action === down) && state.moveTimer === 0) {
    state.moveTimer = moveInterval;
    state.row = action === up ? state.row - 1 : Math.min(last, state.row + 1);
  }
  let reward = 0;
  if (state.row === 0) {
    reward = 1;
    drawCars(state, chance);
    state.row = last;
  }
  for (let car = 0; car < cars; car++) moveCar(state, car);
  if (state.moveTimer > 0) state.moveTimer -= 1;
  state.clock -= 1;
  if (state.clock < 0) state.ended = true;
  return reward;
}

function moveCar(state: FreewayState, car: number): void {
  const { columns, timers } = state;
  sendBack(state, car);
  if (timers[car]! > 0) {
    timers[car]! -= 1;
    return;
  }
  timers[car] = state.speeds[car]!;
  columns[car] = (columns[car]! + state.directions[car]! + boardCells) % boardCells;
  sendBack(state, car);
}

/** Sends the chicken back to row 9 when the car is in its cell. */
function sendBack(state: FreewayState, car: number): void {
  if (state.row === car + 1 && state.columns[car] === freewayColumn) state.row = last;
}

function draw(state: FreewayState, cells: Uint16Array): void {
  for (let car = 0; car < cars; car++) {
    const at = (car + 1) * boardCells;
    const column = state.columns[car]!;
    const behind = (column - state.directions[car]! + boardCells) % boardCells;
    cells[at + column] = 0b10;
    cells[at + behind] = 0b10 << state.speeds[car]!;
  }
  cells[state.row * boardCells + freewayColumn]! |= 0b1;
}

/** Freeway. */
export const freewayRules: GameRules<FreewayState> = {
  things: [
    { name: 'chicken', colour: [200, 200, 0] },
    { name: 'car', colour: [200, 0, 0] },
    ...[1, 2, 3, 4, 5].map((speed) => ({ name: `speed${speed}`, colour: [0, 51 * (5 - speed), 51 * speed] as const })),
  ],
  layers: ['chicken', 'car', 'speed1', 'speed2', 'speed3', 'speed4', 'speed5'],
  newState,
  start,
  step,
  draw,
};
