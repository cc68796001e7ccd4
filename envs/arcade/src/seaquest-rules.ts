// The rules of Seaquest on a 10 x 10 board, without pictures: MinAtar's behaviour (Young and Tian 2019, arXiv 1903.03176), built from a description of it. Lists
// have their oldest members first.
import type { Generator } from '@tessera/core';
import { boardCells } from './game-rules.ts';
import type { GameRules, StepContext } from './game-rules.ts';
import {
  drawSeaquest,
  fullTank,
  newSeaquest,
  oxygenBars,
  seaquestLayers,
  seaquestThings,
  seaquestTimes,
} from './seaquest-state.ts';
import type { SeaquestBullet, SeaquestState, SeaquestSwimmer } from './seaquest-state.ts';

const last = boardCells - 1;
const deepest = 8;
const [left, up, right, down, fire] = [1, 2, 3, 4, 5];
const crew = 6;
const lastMoveValue = 2;

function start(state: SeaquestState): void {
  Object.assign(state, newSeaquest());
}

function step(state: SeaquestState, action: number, { chance, ramping }: StepContext): number {
  if (state.spawnTimer === 0) {
    spawnEnemy(state, chance);
    state.spawnTimer = state.spawnPeriod;
  }
  if (state.diverSpawnTimer === 0) {
    spawnDiver(state, chance);
    state.diverSpawnTimer = seaquestTimes.diverSpawn;
  }
  act(state, action);
  let reward = moveBullets(state);
  moveDivers(state);
  reward += moveSubs(state);
  moveEnemyBullets(state);
  reward += moveFish(state);
  state.spawnTimer = Math.max(0, state.spawnTimer - 1);
  state.diverSpawnTimer = Math.max(0, state.diverSpawnTimer - 1);
  state.shotTimer = Math.max(0, state.shotTimer - 1);
  return reward + breathe(state, ramping);
}

function spawnEnemy(state: SeaquestState, chance: Generator): void {
  const direction = chance.random() < 0.5 ? 1 : -1;
  const isSub = chance.random() < 1 / 3;
  const row = chance.integers(1, deepest + 1);
  const isOpposed = (other: SeaquestSwimmer): boolean => other.row === row && other.direction !== direction;
  if (state.fish.some(isOpposed) || state.subs.some(isOpposed)) return;
  const enemy = { row, column: direction > 0 ? 0 : last, direction, timer: state.moveValue };
  if (isSub) state.subs.push({ ...enemy, shotTimer: seaquestTimes.enemyShot });
  else state.fish.push(enemy);
}

function spawnDiver(state: SeaquestState, chance: Generator): void {
  const direction = chance.random() < 0.5 ? 1 : -1;
  const row = chance.integers(1, deepest + 1);
  state.divers.push({ row, column: direction > 0 ? 0 : last, direction, timer: seaquestTimes.move });
}

function act(state: SeaquestState, action: number): void {
  if (action === fire && state.shotTimer === 0) {
    state.bullets.push({ row: state.row, column: state.column, direction: state.facing });
    state.shotTimer = seaquestTimes.shot;
  } else if (action === left) {
    state.column = Math.max(0, state.column - 1);
    state.facing = -1;
  } else if (action === right) {
    state.column = Math.min(last, state.column + 1);
    state.facing = 1;
  } else if (action === up) state.row = Math.max(0, state.row - 1);
  else if (action === down) state.row = Math.min(deepest, state.row + 1);
}

/** Whether the front of the submarine is where this is. */
const meets = (state: SeaquestState, { row, column }: SeaquestBullet): boolean =>
  row === state.row && column === state.column;

const isOff = ({ column }: SeaquestBullet): boolean => column < 0 || column > last;

/** Takes the oldest of a list out that is in the cell; false when there is none. */
function removeAt(list: SeaquestBullet[], { row, column }: SeaquestBullet): boolean {
  const place = list.findIndex((other) => other.row === row && other.column === column);
  if (place < 0) return false;
  list.splice(place, 1);
  return true;
}

/** Lowers the timer, or loads it with `value` when it is 0; returns true in the latter case. */
function isDue(swimmer: SeaquestSwimmer, value: number): boolean {
  if (swimmer.timer > 0) {
    swimmer.timer -= 1;
    return false;
  }
  swimmer.timer = value;
  return true;
}

function moveBullets({ bullets, fish, subs }: SeaquestState): number {
  let reward = 0;
  for (let i = bullets.length - 1; i >= 0; i--) {
    const bullet = bullets[i]!;
    bullet.column += bullet.direction;
    if (isOff(bullet)) bullets.splice(i, 1);
    else if (removeAt(fish, bullet) || removeAt(subs, bullet)) {
      bullets.splice(i, 1);
      reward += 1;
    }
  }
  return reward;
}

function moveDivers(state: SeaquestState): void {
  const { divers } = state;
  for (let i = divers.length - 1; i >= 0; i--) {
    const diver = divers[i]!;
    const comesAboard = (): boolean => meets(state, diver) && state.aboard < crew;
    let isAboard = comesAboard();
    if (!isAboard && isDue(diver, seaquestTimes.move)) {
      diver.column += diver.direction;
      if (isOff(diver)) divers.splice(i, 1);
      else isAboard = comesAboard();
    }
    if (isAboard) {
      divers.splice(i, 1);
      state.aboard += 1;
    }
  }
}

function moveSubs(state: SeaquestState): number {
  const { subs, enemyBullets } = state;
  let reward = 0;
  for (let i = subs.length - 1; i >= 0; i--) {
    const sub = subs[i]!;
    reward += moveEnemy(state, subs, i);
    // A submarine that has just been hit, or has left, fires all the same.
    if (sub.shotTimer > 0) sub.shotTimer -= 1;
    else {
      sub.shotTimer = seaquestTimes.enemyShot;
      enemyBullets.push({ row: sub.row, column: sub.column, direction: sub.direction });
    }
  }
  return reward;
}

function moveFish(state: SeaquestState): number {
  const { fish } = state;
  let reward = 0;
  for (let i = fish.length - 1; i >= 0; i--) reward += moveEnemy(state, fish, i);
  return reward;
}

/** Moves a fish or an enemy submarine when it is its time, and takes it out when it leaves or is hit; returns 1 for a hit. */
function moveEnemy(state: SeaquestState, list: SeaquestSwimmer[], place: number): number {
  const enemy = list[place]!;
  if (meets(state, enemy)) state.ended = true;
  if (!isDue(enemy, state.moveValue)) return 0;
  enemy.column += enemy.direction;
  if (isOff(enemy)) {
    list.splice(place, 1);
    return 0;
  }
  if (meets(state, enemy)) {
    state.ended = true;
    return 0;
  }
  if (!removeAt(state.bullets, enemy)) return 0;
  list.splice(place, 1);
  return 1;
}

function moveEnemyBullets(state: SeaquestState): void {
  const { enemyBullets } = state;
  for (let i = enemyBullets.length - 1; i >= 0; i--) {
    const bullet = enemyBullets[i]!;
    if (meets(state, bullet)) state.ended = true;
    bullet.column += bullet.direction;
    if (isOff(bullet)) enemyBullets.splice(i, 1);
    else if (meets(state, bullet)) state.ended = true;
  }
}

function breathe(state: SeaquestState, ramping: boolean): number {
  if (state.oxygen <= 0) state.ended = true;
  if (state.row > 0) {
    state.oxygen -= 1;
    state.surfaced = false;
    return 0;
  }
  if (state.surfaced) return 0;
  if (state.aboard === 0) {
    state.ended = true;
    return 0;
  }
  return surface(state, ramping);
}

function surface(state: SeaquestState, ramping: boolean): number {
  let reward = 0;
  state.surfaced = true;
  if (state.aboard === crew) {
    reward = oxygenBars(state);
    state.aboard = 0;
  }
  state.oxygen = fullTank;
  state.aboard -= 1;
  if (ramping && (state.spawnPeriod > 1 || state.moveValue > lastMoveValue)) {
    if (state.rampIndex % 2 === 1 && state.moveValue > lastMoveValue) state.moveValue -= 1;
    if (state.spawnPeriod > 1) state.spawnPeriod -= 1;
    state.rampIndex += 1;
  }
  return reward;
}

/** Seaquest. */
export const seaquestRules: GameRules<SeaquestState> = {
  things: seaquestThings,
  layers: seaquestLayers,
  newState: newSeaquest,
  start,
  step,
  draw: drawSeaquest,
};
