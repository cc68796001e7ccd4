// What a game after MinAtar (Young and Tian 2019, arXiv 1903.03176) is without pictures: a state of plain data on a board of 10 x 10 cells, six actions, and
// functions that start it, step it and say what is in each cell.
import type { Generator } from '@tessera/core';
import type { Thing } from './cell-picture.ts';

/** Rows and columns of the board. */
export const boardCells = 10;

/** The actions of all games after MinAtar, in its order. Those that a game has no use for do nothing there. */
export const arcadeActions = ['noop', 'left', 'up', 'right', 'down', 'fire'] as const;

/** What a step draws from, and whether the game grows harder. */
export interface StepContext {
  readonly chance: Generator;
  readonly ramping: boolean;
}

/** A game without pictures. States are plain data: numbers, booleans, typed arrays, lists and objects of these. */
export interface GameRules<State extends { ended: boolean }> {
  /** The channels of the board in MinAtar's order. */
  readonly things: readonly Thing[];
  /** The names of `things`, the uppermost first. */
  readonly layers: readonly string[];
  newState(): State;
  /** Writes the start of an episode into `state`. */
  start(state: State, chance: Generator): void;
  /** One step of a game that has not ended, with the executed action; returns the reward. */
  step(state: State, action: number, context: StepContext): number;
  /** Sets bit `i` of each of the 10 x 10 cells that hold thing `i`; the cells come empty. */
  draw(state: State, cells: Uint16Array): void;
}
