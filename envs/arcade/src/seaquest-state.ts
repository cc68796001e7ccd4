// What is on the board of Seaquest, and where it is seen. Row 0 is the surface, rows 1 to 8 the sea, row 9 holds the gauges of oxygen and divers.
import type { Thing } from './cell-picture.ts';
import { boardCells } from './game-rules.ts';

const last = boardCells - 1;

/** Units of oxygen in a full tank. */
export const fullTank = 200;

/** What timers are loaded with, in steps. */
export const seaquestTimes = { spawn: 20, diverSpawn: 30, move: 5, shot: 5, enemyShot: 10 } as const;

/** A bullet; `direction` is -1 to the left, 1 to the right. */
export interface SeaquestBullet {
  row: number;
  column: number;
  direction: number;
}

/** A diver or a fish: it moves when its timer is 0. */
export interface SeaquestSwimmer extends SeaquestBullet {
  timer: number;
}

/** An enemy submarine: it fires when its shot timer is 0. */
export interface SeaquestSub extends SeaquestSwimmer {
  shotTimer: number;
}

/** All there is on the board. */
export interface SeaquestState {
  /** The front of the submarine; its back is one cell behind. */
  row: number;
  column: number;
  /** -1 to the left, 1 to the right. */
  facing: number;
  oxygen: number;
  /** Divers aboard; below 0 after surfacings that took more away than there were. */
  aboard: number;
  surfaced: boolean;
  spawnPeriod: number;
  spawnTimer: number;
  diverSpawnTimer: number;
  /** What the move timers of fish and enemy submarines are loaded with. */
  moveValue: number;
  /** Steps until the submarine can fire again. */
  shotTimer: number;
  rampIndex: number;
  bullets: SeaquestBullet[];
  divers: SeaquestSwimmer[];
  subs: SeaquestSub[];
  enemyBullets: SeaquestBullet[];
  fish: SeaquestSwimmer[];
  ended: boolean;
}

/** The start of an episode. */
export const newSeaquest = (): SeaquestState => ({
  row: 0,
  column: 5,
  facing: -1,
  oxygen: fullTank,
  aboard: 0,
  surfaced: true,
  spawnPeriod: seaquestTimes.spawn,
  spawnTimer: seaquestTimes.spawn,
  diverSpawnTimer: seaquestTimes.diverSpawn,
  moveValue: seaquestTimes.move,
  shotTimer: 0,
  rampIndex: 0,
  bullets: [],
  divers: [],
  subs: [],
  enemyBullets: [],
  fish: [],
  ended: false,
});

/** The filled cells of the oxygen gauge, 0 to 10. */
export const oxygenBars = ({ oxygen }: SeaquestState): number => Math.floor((Math.max(0, oxygen) * 10) / fullTank);

/** The bits of things in cells. */
export const seaquestBits = {
  front: 1,
  back: 2,
  bullet: 4,
  trail: 8,
  enemyBullet: 16,
  fish: 32,
  sub: 64,
  oxygen: 128,
  gauge: 256,
  diver: 512,
};

/** Sets the bits of the cells. */
export function drawSeaquest(state: SeaquestState, cells: Uint16Array): void {
  const mark = (row: number, column: number, thing: number): void => {
    if (column >= 0 && column <= last) cells[row * boardCells + column]! |= thing;
  };
  const markSwimmers = (list: readonly SeaquestSwimmer[], thing: number): void => {
    for (const { row, column, direction } of list) {
      mark(row, column, thing);
      mark(row, column - direction, seaquestBits.trail);
    }
  };
  mark(state.row, state.column, seaquestBits.front);
  mark(state.row, state.column - state.facing, seaquestBits.back);
  for (const { row, column } of state.bullets) mark(row, column, seaquestBits.bullet);
  for (const { row, column } of state.enemyBullets) mark(row, column, seaquestBits.enemyBullet);
  markSwimmers(state.fish, seaquestBits.fish);
  markSwimmers(state.subs, seaquestBits.sub);
  markSwimmers(state.divers, seaquestBits.diver);
  const bars = oxygenBars(state);
  for (let column = 0; column < bars; column++) mark(last, column, seaquestBits.oxygen);
  for (let diver = 1; diver <= state.aboard; diver++) mark(last, last - diver, seaquestBits.gauge);
}

/** The channels in MinAtar's order. */
export const seaquestThings: readonly Thing[] = [
  { name: 'sub_front', colour: [0, 200, 0] },
  { name: 'sub_back', colour: [0, 120, 0] },
  { name: 'friendly_bullet', colour: [120, 200, 200] },
  { name: 'trail', colour: [0, 0, 80] },
  { name: 'enemy_bullet', colour: [180, 120, 180] },
  { name: 'enemy_fish', colour: [200, 80, 0] },
  { name: 'enemy_sub', colour: [200, 0, 40] },
  { name: 'oxygen_gauge', colour: [120, 120, 120] },
  { name: 'diver_gauge', colour: [0, 80, 200] },
  { name: 'diver', colour: [40, 80, 200] },
];

/** The names of `seaquestThings`, the uppermost first. */
export const seaquestLayers: readonly string[] = [
  'sub_front',
  'sub_back',
  'enemy_bullet',
  'friendly_bullet',
  'enemy_sub',
  'enemy_fish',
  'diver',
  'diver_gauge',
  'oxygen_gauge',
  'trail',
];
