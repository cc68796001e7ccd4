// The rules of Asterix on a 10 x 10 board, without pictures: MinAtar's behaviour (Young and Tian 2019, arXiv 1903.03176), built from a description of it. Gold
// and enemies cross rows 1 to 8, at most one of them in a row.
import type { Generator } from '@tessera/core';
import { boardCells } from './game-rules.ts';
import type { GameRules, StepContext } from './game-rules.ts';

const last = boardCells - 1;
const rows = 8;
const [left, up, right, down] = [1, 2, 3, 4];
const firstSpawnPeriod = 10;
const firstMovePeriod = 5;
const rampSteps = 100;

/** What is in a row. */
export const asterixKinds = { nothing: 0, enemy: 1, gold: 2 } as const;
const { nothing, enemy, gold } = asterixKinds;

/** All there is on the board. Place `i` of the lists is row `i + 1`; columns and directions count only where the kind is not 0. */
export interface AsterixState {
  row: number;
  column: number;
  kinds: Uint8Array;
  columns: Int8Array;
  /** -1 to the left, 1 to the right. */
  directions: Int8Array;
  spawnPeriod: number;
  spawnTimer: number;
  movePeriod: number;
  moveTimer: number;
  rampTimer: number;
  rampIndex: number;
  ended: boolean;
}

const newState = (): AsterixState => ({
  row: 5,
  column: 5,
  kinds: new Uint8Array(rows),
  columns: new Int8Array(rows),
  directions: new Int8Array(rows),
  spawnPeriod: firstSpawnPeriod,
  spawnTimer: firstSpawnPeriod,
  movePeriod: firstMovePeriod,
  moveTimer: firstMovePeriod,
  rampTimer: rampSteps,
  rampIndex: 0,
  ended: false,
});

function start(state: AsterixState): void {
  Object.assign(state, newState());
}

function step(state: AsterixState, action: number, { chance, ramping }: StepContext): number {
  if (state.spawnTimer === 0) {
    spawn(state, chance);
    state.spawnTimer = state.spawnPeriod;
  }

  if (action === left) state.column = Math.max(0, state.column - 1);
  else if (action === right) state.column = Math.min(last, state.column + 1);
  else if (action === up) state.row = Math.max(1, state.row - 1);
  else if (action === down) state.row = Math.min(rows, state.row + 1);
  let reward = 0;
  for (let slot = 0; slot < rows; slot++) reward += touch(state, slot);

  if (state.moveTimer === 0) {
    state.moveTimer = state.movePeriod;
    for (let slot = 0; slot < rows; slot++) {
      if (state.kinds[slot] === nothing) continue;
      const column = (state.columns[slot]! += state.directions[slot]!);
      if (column < 0 || column > last) state.kinds[slot] = nothing;
      else reward += touch(state, slot);
    }
  }
  state.spawnTimer -= 1;
  state.moveTimer -= 1;
  if (ramping) ramp(state);
  return reward;
}

function spawn(state: AsterixState, chance: Generator): void {
  const { kinds } = state;
  const goesRight = chance.random() < 0.5;
  const kind = chance.random() < 1 / 3 ? gold : enemy;
  const empty: number[] = [];
  for (let slot = 0; slot < rows; slot++) if (kinds[slot] === nothing) empty.push(slot);
  if (empty.length === 0) return;
  const slot = empty[chance.integers(empty.length)]!;
  kinds[slot] = kind;
  state.columns[slot] = goesRight ? 0 : last;
  state.directions[slot] = goesRight ? 1 : -1;
}

/** What the player gets from what is in its cell. */
function touch(state: AsterixState, slot: number): number {
  const kind = state.kinds[slot]!;
  if (kind === nothing || slot + 1 !== state.row || state.columns[slot] !== state.column) return 0;
  if (kind === enemy) {
    state.ended = true;
    return 0;
  }
  state.kinds[slot] = nothing;
  return 1;
}

function ramp(state: AsterixState): void {
  if (state.spawnPeriod <= 1 && state.movePeriod <= 1) return;
  if (state.rampTimer >= 0) {
    state.rampTimer -= 1;
    return;
  }
  if (state.rampIndex % 2 === 1 && state.movePeriod > 1) state.movePeriod -= 1;
  if (state.spawnPeriod > 1) state.spawnPeriod -= 1;
  state.rampIndex += 1;
  state.rampTimer = rampSteps;
}

function draw(state: AsterixState, cells: Uint16Array): void {
  cells[state.row * boardCells + state.column]! |= 0b1;
  for (let slot = 0; slot < rows; slot++) {
    const kind = state.kinds[slot]!;
    if (kind === nothing) continue;
    const at = (slot + 1) * boardCells;
    const column = state.columns[slot]!;
    const behind = column - state.directions[slot]!;
    cells[at + column]! |= kind === enemy ? 0b10 : 0b1000;
    if (behind >= 0 && behind <= last) cells[at + behind]! |= 0b100;
  }
}

/** Asterix. */
export const asterixRules: GameRules<AsterixState> = {
  things: [
    { name: 'player', colour: [0, 200, 0] },
    { name: 'enemy', colour: [200, 0, 0] },
    { name: 'trail', colour: [0, 0, 120] },
    { name: 'gold', colour: [200, 200, 0] },
  ],
  layers: ['player', 'enemy', 'gold', 'trail'],
  newState,
  start,
  step,
  draw,
};
