// Helpers of the tests of the games after MinAtar: the state behind a game, boards set up for a rule, and cells.
import { Asterix, Freeway, Seaquest, SpaceInvaders } from '@tessera/env-arcade';
import type { RampingGameOptions } from '@tessera/env-arcade';
import type { Env, EnvState, StepResult } from 'gymnasium-js';
import { asterixRules } from '../src/asterix-rules.ts';
import type { AsterixState } from '../src/asterix-rules.ts';
import { freewayRules } from '../src/freeway-rules.ts';
import type { FreewayState } from '../src/freeway-rules.ts';
import { seaquestRules } from '../src/seaquest-rules.ts';
import type { SeaquestState } from '../src/seaquest-state.ts';
import { spaceInvadersRules } from '../src/space-invaders-rules.ts';
import type { SpaceInvadersState } from '../src/space-invaders-rules.ts';

export const actions = { noop: 0, left: 1, up: 2, right: 3, down: 4, fire: 5 } as const;

export interface States {
  readonly SpaceInvaders: SpaceInvadersState;
  readonly Asterix: AsterixState;
  readonly Freeway: FreewayState;
  readonly Seaquest: SeaquestState;
}
export type Name = keyof States;
export const names = ['SpaceInvaders', 'Asterix', 'Freeway', 'Seaquest'] as const;

const classes = { SpaceInvaders, Asterix, Freeway, Seaquest };
export const rulesOf = {
  SpaceInvaders: spaceInvadersRules,
  Asterix: asterixRules,
  Freeway: freewayRules,
  Seaquest: seaquestRules,
};

/** A game whose observations are MinAtar's channels, unless the options say otherwise. */
export const newGame = (name: Name, options: RampingGameOptions = {}): Env<Uint8Array, number> =>
  new classes[name]({ obsType: 'channels', ...options });

/** A game set up for a rule, without stickiness: `step` and `state` work on it. */
export interface Played<N extends Name> {
  readonly env: Env<Uint8Array, number>;
  state(): States[N] & { executed: number };
  step(action?: number): StepResult<Uint8Array>;
  /** Steps with no-ops in which this holds after the step, counted from 1, among the next `steps`. */
  stepsWhere(steps: number, holds: (result: StepResult<Uint8Array>) => boolean): number[];
  change(changes: Partial<States[N]>): void;
}

export function playedAt<N extends Name>(
  name: N,
  changes: Partial<States[N]> = {},
  options: RampingGameOptions = {},
): Played<N> {
  const env = newGame(name, { stickyActions: 0, ...options });
  env.reset({ seed: 0 });
  const played: Played<N> = {
    env,
    state: () => env.getState()['data'] as unknown as States[N] & { executed: number },
    step: (action = actions.noop) => env.step(action),
    stepsWhere: (steps, holds) =>
      Array.from({ length: steps }, (_, i) => i + 1).filter(() => holds(env.step(actions.noop))),
    change(more) {
      const state = env.getState();
      env.setState({ ...state, data: { ...(state['data'] as object), ...more } as EnvState });
    },
  };
  played.change(changes);
  return played;
}

export type Cell = readonly [row: number, column: number];

/** 1 in the given cells and 0 elsewhere, `[10, 10]`. */
export function cellsAt(...cells: readonly Cell[]): Uint8Array {
  const board = new Uint8Array(100);
  for (const [row, column] of cells) board[row * 10 + column] = 1;
  return board;
}

/** The cells that are not 0. */
export function cellsOf(board: ArrayLike<number>): Cell[] {
  return Array.from(board).flatMap((value, cell) => (value === 0 ? [] : [[Math.floor(cell / 10), cell % 10] as const]));
}

/** The cells of a channel in an observation of channels. */
export function cellsSeen(name: Name, observation: Uint8Array, thing: string): Cell[] {
  const { things } = rulesOf[name];
  const channel = things.findIndex((known) => known.name === thing);
  if (channel < 0) throw new Error(`no channel ${thing}`);
  return cellsOf(Array.from({ length: 100 }, (_, cell) => observation[cell * things.length + channel]!));
}
