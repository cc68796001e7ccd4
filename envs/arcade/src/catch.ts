// Catch: a ball falls, a paddle catches it. Rules: the Catch environment of bsuite (Osband et al. 2020, arXiv 1908.03568).
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Box, checkKwargs, Discrete, Env } from 'gymnasium-js';
import type { EnvMetadata, EnvState, Info, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import type { Board } from './find-ball.ts';
import { Grid } from './grid.ts';
import type { Colour } from './grid.ts';
import { checkRenderMode } from './options.ts';

/** Rows, columns and cell size of a Catch frame, as `findBall` takes them. */
export const catchBoard: Board = { rows: 10, columns: 5, cellSize: [4, 8] };

/** What things add to their cells. */
export const catchColours: Readonly<Record<'ball' | 'paddle', Colour>> = {
  ball: [190, 40, 40],
  paddle: [60, 200, 60],
};

const { ball: ballColour, paddle: paddleColour } = catchColours;
const lastRow = catchBoard.rows - 1;
const lastColumn = catchBoard.columns - 1;
const renderModes = ['rgb_array'];

export interface CatchOptions {
  /** `rgb_array`: `render` returns the frame. None by default. */
  readonly renderMode?: 'rgb_array' | undefined;
}

/**
 * ## Description
 * A ball falls straight down a board of 10 rows and 5 columns. A paddle in the lowest row moves left and right to be under it.
 *
 * ## Observation space
 * `Box(0, 255, (40, 40, 3), uint8)`: the board as a picture in red, green, blue, each cell 4 pixels high and 8 wide, black but for the
 * ball (190, 40, 40) and the paddle (60, 200, 60). In one cell their colours add up to (250, 240, 100). Every observation is a fresh array.
 *
 * ## Action space
 * `Discrete(3)`: 0 left, 1 stay, 2 right.
 *
 * ## Reward
 * In the step in which the ball reaches row 9: +1 if the paddle is in its column, -1 if not. Else 0.
 * A policy that does not see the ball, a random one included, has the mean -0.60; the best has +1.
 *
 * ## Starting state
 * Ball in row 0, in a column drawn uniformly; paddle in column 2 of row 9.
 *
 * ## Step
 * The paddle moves by one cell, held within the board; then the ball falls one row.
 *
 * ## Episode end
 * Terminated after exactly 9 steps, when the ball is in row 9. No truncation. A step after that changes nothing and gives reward 0,
 * terminated.
 *
 * ## Arguments
 * `renderMode: 'rgb_array'` lets `render` return the frame.
 *
 * ## Info
 * Empty.
 *
 * ## Version history
 * - v0: first version.
 *
 * ## Differences to bsuite
 * A picture instead of an array of 0 and 1; and an ended episode waits for `reset` where bsuite's next step begins a new one.
 */
export class Catch extends Env<Uint8Array, number> {
  readonly metadata: EnvMetadata = { renderModes, renderFps: 10 };
  readonly observationSpace: Box<'uint8'>;
  readonly actionSpace: Discrete = new Discrete(3);
  readonly #renderMode: string | undefined;
  readonly #grid: Grid;
  #ballRow = 0;
  #ballColumn = 0;
  #paddle = 2;

  /** Throws ConfigError for an unknown option or render mode. */
  constructor(options: CatchOptions = {}) {
    super();
    checkKwargs('Catch', { ...options }, ['renderMode']);
    this.#renderMode = checkRenderMode('Catch', options.renderMode, renderModes);
    const [cellHeight, cellWidth] = catchBoard.cellSize as [number, number];
    this.#grid = new Grid({ rows: catchBoard.rows, columns: catchBoard.columns, cellHeight, cellWidth });
    const shape = [this.#grid.height, this.#grid.width, 3];
    this.observationSpace = new Box({ low: 0, high: 255, shape, dtype: 'uint8' });
    this.#draw();
  }

  override get renderMode(): string | undefined {
    return this.#renderMode;
  }

  reset(options?: ResetOptions): ResetResult<Uint8Array> {
    this.seedRandom(options);
    this.#ballRow = 0;
    this.#ballColumn = this.npRandom.integers(catchBoard.columns);
    this.#paddle = 2;
    this.#draw();
    return { observation: this.#grid.frame.slice(), info: {} };
  }

  step(action: number): StepResult<Uint8Array> {
    const info: Info = {};
    if (this.#ballRow === lastRow) {
      return { observation: this.#grid.frame.slice(), reward: 0, terminated: true, truncated: false, info };
    }
    const grid = this.#grid;
    grid.add(lastRow, this.#paddle, paddleColour, -1);
    grid.add(this.#ballRow, this.#ballColumn, ballColour, -1);
    this.#paddle = Math.min(Math.max(this.#paddle + action - 1, 0), lastColumn);
    this.#ballRow += 1;
    grid.add(lastRow, this.#paddle, paddleColour, 1);
    grid.add(this.#ballRow, this.#ballColumn, ballColour, 1);
    const terminated = this.#ballRow === lastRow;
    const reward = terminated ? (this.#paddle === this.#ballColumn ? 1 : -1) : 0;
    return { observation: grid.frame.slice(), reward, terminated, truncated: false, info };
  }

  override render(): NdArray<'uint8'> | undefined {
    if (this.#renderMode === undefined) return undefined;
    return ndarray('uint8', this.observationSpace.shape, this.#grid.frame.slice());
  }

  #draw(): void {
    this.#grid.clear();
    this.#grid.add(lastRow, this.#paddle, paddleColour, 1);
    this.#grid.add(this.#ballRow, this.#ballColumn, ballColour, 1);
  }

  protected override saveState(): EnvState {
    return { ballRow: this.#ballRow, ballColumn: this.#ballColumn, paddle: this.#paddle };
  }

  protected override restoreState(data: EnvState): void {
    this.#ballRow = data['ballRow'] as number;
    this.#ballColumn = data['ballColumn'] as number;
    this.#paddle = data['paddle'] as number;
    this.#draw();
  }
}
