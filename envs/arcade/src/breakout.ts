// Breakout as pictures: the rules of breakout-rules.ts, sticky actions, and a frame drawn cell by cell.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Box, checkKwargs, Discrete, Env } from 'gymnasium-js';
import type { EnvMetadata, EnvState, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import { boardSize, breakoutActions, newBreakout, startBreakout, stepBreakout } from './breakout-rules.ts';
import type { BreakoutChange, BreakoutState } from './breakout-rules.ts';
import type { Board } from './find-ball.ts';
import { Grid } from './grid.ts';
import type { Colour } from './grid.ts';
import { checkCellSize, checkRenderMode, checkStickyActions } from './options.ts';

/** What things add to their cells. */
export const breakoutColours: Readonly<Record<'brick' | 'trail' | 'ball' | 'paddle', Colour>> = {
  brick: [0, 150, 0],
  trail: [0, 0, 120],
  ball: [200, 0, 0],
  paddle: [55, 105, 135],
};

const { brick: brickColour, trail: trailColour, ball: ballColour, paddle: paddleColour } = breakoutColours;
const paddleRow = boardSize - 1;
const renderModes = ['rgb_array'];

/** Rows, columns and cell size of a Breakout frame, as `findBall` takes them. */
export function breakoutBoard(cellSize = 2): Board {
  return { rows: boardSize, columns: boardSize, cellSize };
}

export interface BreakoutOptions {
  /** Pixels of a cell's side, 1 to 64; 2 by default, which makes frames of 20 x 20. */
  readonly cellSize?: number | undefined;
  /** Probability that the action executed before is executed again instead of the one given; 0.1 by default. */
  readonly stickyActions?: number | undefined;
  /** `rgb_array`: `render` returns the frame. None by default. */
  readonly renderMode?: 'rgb_array' | undefined;
}

/**
 * ## Description
 * A ball moves diagonally over a board of 10 rows and 10 columns, bounces off the walls, off the paddle in row 9 and off three rows of
 * bricks, which fall when they are hit. The behaviour is MinAtar's Breakout (Young and Tian 2019, arXiv 1903.03176).
 *
 * ## Observation space
 * `Box(0, 255, (20, 20, 3), uint8)`: the board as a picture in red, green, blue, each cell 2 x 2 pixels (`cellSize`), black but for bricks
 * (0, 150, 0), the ball (200, 0, 0), its trail, the cell it was in one step before (0, 0, 120), and the paddle (55, 105, 135). The colours of
 * things in one cell add up, to at most 255. Every observation is a fresh array.
 *
 * ## Action space
 * `Discrete(6)` in MinAtar's order: 0 no-op, 1 left, 2 up, 3 right, 4 down, 5 fire. Up, down and fire do nothing here.
 *
 * Actions are sticky: before each step one uniform number is drawn, and if it is below `stickyActions` the action *executed* in the step
 * before is executed again. The memory begins with no-op and is not cleared by `reset()`: the first step of an episode may repeat the last
 * action of the one before. `reset({ seed })` does clear it, since equal seeds have to give equal episodes.
 *
 * ## Reward
 * +1 for each brick. Mean return of a random policy 0.51; of one that always goes to the ball's next column about 58 without a limit on
 * steps.
 *
 * ## Starting state
 * One of two, drawn uniformly: ball in row 3 at the left edge heading down and right, or at the right edge heading down and left. Paddle in
 * column 4. Bricks fill rows 1, 2 and 3, also where the ball is. The trail is where the ball is.
 *
 * ## Step
 * 1. The paddle moves by one cell, held within the board.
 * 2. The ball's next cell is one ahead on its diagonal. Where that is outside a side wall, the ball stays in its column and turns.
 * 3. The first that fits:
 *    - above row 0: the ball stays in row 0 and turns downwards;
 *    - a brick is there, and none was in the way in the step before: +1, the brick falls, the ball stays in its row and turns;
 *    - a brick is there, but one was in the way in the step before: the ball flies into it, nothing falls;
 *    - row 9: if no brick is left, all 30 come back. Then, if the paddle is in the column that the ball comes from, the ball stays in row 8 and
 *      turns upwards; else if the paddle is in the column it comes to, it stays in row 8 and turns upwards and sideways; else the episode ends;
 *    - otherwise the ball moves.
 *
 * ## Episode end
 * Terminated when the ball passes the paddle. `make('Breakout-v0')` truncates after 10,000 steps. A step after the end changes nothing on the board
 * and gives reward 0, terminated.
 *
 * ## Arguments
 * `cellSize` (default 2; 4 makes frames of 40 x 40), `stickyActions` (default 0.1), `renderMode: 'rgb_array'`.
 *
 * ## Info
 * `executedAction` after each step: the action after stickiness.
 *
 * ## Version history
 * - v0: first version.
 *
 * ## Differences to MinAtar
 * A picture instead of a boolean array with a channel for each kind of thing; NumPy's PCG64 for chance; one generator for starts and stickiness also
 * without a seed; a seeded reset clears the memory of stickiness; the limit of 10,000 steps.
 */
export class Breakout extends Env<Uint8Array, number> {
  readonly metadata: EnvMetadata = { renderModes, renderFps: 15 };
  readonly observationSpace: Box<'uint8'>;
  readonly actionSpace: Discrete = new Discrete(breakoutActions.length);
  readonly #renderMode: string | undefined;
  readonly #stickyActions: number;
  readonly #grid: Grid;
  readonly #state: BreakoutState = newBreakout();
  readonly #change: BreakoutChange = { fallen: -1, refilled: false };
  #executed = 0;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: BreakoutOptions = {}) {
    super();
    checkKwargs('Breakout', { ...options }, ['cellSize', 'stickyActions', 'renderMode']);
    const cellSize = checkCellSize('Breakout', options.cellSize);
    this.#stickyActions = checkStickyActions('Breakout', options.stickyActions);
    this.#renderMode = checkRenderMode('Breakout', options.renderMode, renderModes);
    this.#grid = new Grid({ rows: boardSize, columns: boardSize, cellHeight: cellSize, cellWidth: cellSize });
    const shape = [this.#grid.height, this.#grid.width, 3];
    this.observationSpace = new Box({ low: 0, high: 255, shape, dtype: 'uint8' });
    this.#draw();
  }

  override get renderMode(): string | undefined {
    return this.#renderMode;
  }

  reset(options?: ResetOptions): ResetResult<Uint8Array> {
    this.seedRandom(options);
    if (options?.seed !== undefined) this.#executed = 0;
    startBreakout(this.#state, this.npRandom.integers(2));
    this.#draw();
    return { observation: this.#grid.frame.slice(), info: {} };
  }

  step(action: number): StepResult<Uint8Array> {
    // The draw is made for every step, so that the stream does not depend on the probability or on how games end.
    const executedAction = this.npRandom.random() < this.#stickyActions ? this.#executed : action;
    this.#executed = executedAction;
    const state = this.#state;
    const { paddle, trailRow, trailColumn, ballRow, ballColumn } = state;
    const reward = stepBreakout(state, executedAction, this.#change);
    this.#redraw(paddle, trailRow, trailColumn, ballRow, ballColumn);
    const observation = this.#grid.frame.slice();
    return { observation, reward, terminated: state.ended, truncated: false, info: { executedAction } };
  }

  override render(): NdArray<'uint8'> | undefined {
    if (this.#renderMode === undefined) return undefined;
    return ndarray('uint8', this.observationSpace.shape, this.#grid.frame.slice());
  }

  // Takes what moved off its old cell and puts it on its new one.
  #redraw(paddle: number, trailRow: number, trailColumn: number, ballRow: number, ballColumn: number): void {
    const { fallen, refilled } = this.#change;
    const grid = this.#grid;
    const state = this.#state;
    if (refilled) {
      this.#draw();
      return;
    }
    if (fallen >= 0) grid.add(Math.floor(fallen / boardSize), fallen % boardSize, brickColour, -1);
    if (paddle !== state.paddle) {
      grid.add(paddleRow, paddle, paddleColour, -1);
      grid.add(paddleRow, state.paddle, paddleColour, 1);
    }
    grid.add(trailRow, trailColumn, trailColour, -1);
    grid.add(state.trailRow, state.trailColumn, trailColour, 1);
    grid.add(ballRow, ballColumn, ballColour, -1);
    grid.add(state.ballRow, state.ballColumn, ballColour, 1);
  }

  #draw(): void {
    const grid = this.#grid;
    const state = this.#state;
    grid.clear();
    for (let cell = 0; cell < state.bricks.length; cell++) {
      if (state.bricks[cell] === 1) grid.add(Math.floor(cell / boardSize), cell % boardSize, brickColour, 1);
    }
    grid.add(paddleRow, state.paddle, paddleColour, 1);
    grid.add(state.trailRow, state.trailColumn, trailColour, 1);
    grid.add(state.ballRow, state.ballColumn, ballColour, 1);
  }

  protected override saveState(): EnvState {
    return { ...this.#state, bricks: this.#state.bricks.slice(), executed: this.#executed };
  }

  protected override restoreState(data: EnvState): void {
    const { bricks, executed, ...board } = data as unknown as BreakoutState & { executed: number };
    Object.assign(this.#state, board);
    this.#state.bricks.set(bricks);
    this.#executed = executed;
    this.#draw();
  }
}
