// What the games after MinAtar share (Young and Tian 2019, arXiv 1903.03176): a board of 10 x 10 cells, six actions, stickiness, and a state that is
// plain data. A game brings its rules; pictures, options and saving are here.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Box, checkKwargs, Discrete, Env } from 'gymnasium-js';
import type { EnvMetadata, EnvState, Info, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';
import { CellPicture, colourTable } from './cell-picture.ts';
import { arcadeActions, boardCells } from './game-rules.ts';
import type { GameRules } from './game-rules.ts';
import { checkFramePixels, checkObsType, checkRamping, checkRenderMode, checkStickyActions } from './options.ts';

const renderModes = ['rgb_array'];

/** The options of a board game. */
export interface BoardGameOptions {
  /** Pixels of a cell's side, 1 to 64; 2 by default, which makes frames of 20 x 20. */
  readonly cellSize?: number | undefined;
  /** Pixels of the frame's side instead, 10 to 640. Where 10 does not divide it, some cells are a pixel larger than others. */
  readonly frameSize?: number | undefined;
  /** What an observation is: `rgb`, a picture, by default; or `channels`, MinAtar's own: 0 or 1 for each cell and kind of thing. */
  readonly obsType?: 'rgb' | 'channels' | undefined;
  /** Probability that the action executed before is executed again instead of the one given; 0.1 by default. */
  readonly stickyActions?: number | undefined;
  /** `rgb_array`: `render` returns the frame. None by default. */
  readonly renderMode?: 'rgb_array' | undefined;
}

/** The options of a board game that grows harder. */
export interface RampingGameOptions extends BoardGameOptions {
  /** Whether the game grows harder as it goes on; true by default. */
  readonly difficultyRamping?: boolean | undefined;
}

/** A game of 10 x 10 cells as an environment. Subclasses say which, and specify it. */
export abstract class BoardGame<State extends { ended: boolean; rampIndex?: number }> extends Env<Uint8Array, number> {
  readonly metadata: EnvMetadata = { renderModes, renderFps: 15 };
  readonly observationSpace: Box<'uint8'>;
  readonly actionSpace: Discrete = new Discrete(arcadeActions.length);
  readonly #rules: GameRules<State>;
  readonly #state: State;
  readonly #stickyActions: number;
  readonly #ramping: boolean;
  readonly #channels: number;
  readonly #renderMode: string | undefined;
  readonly #picture: CellPicture;
  readonly #cells: Uint16Array = new Uint16Array(boardCells ** 2);
  #executed = 0;

  /** Throws ConfigError for an option that is not among `known`, and for values out of range. */
  protected constructor(
    game: { readonly name: string; readonly rules: GameRules<State>; readonly options: readonly string[] },
    options: RampingGameOptions,
  ) {
    super();
    const { name, rules } = game;
    checkKwargs(name, { ...options }, game.options);
    const pixels = checkFramePixels(name, options);
    const hasChannels = checkObsType(name, options.obsType) === 'channels';
    this.#stickyActions = checkStickyActions(name, options.stickyActions);
    this.#ramping = checkRamping(name, options.difficultyRamping);
    this.#renderMode = checkRenderMode(name, options.renderMode, renderModes);
    this.#rules = rules;
    this.#state = rules.newState();
    this.#channels = hasChannels ? rules.things.length : 0;
    this.#picture = new CellPicture({ cells: boardCells, pixels, table: colourTable(rules.things, rules.layers) });
    this.observationSpace = hasChannels
      ? new Box({ low: 0, high: 1, shape: [boardCells, boardCells, this.#channels], dtype: 'uint8' })
      : new Box({ low: 0, high: 255, shape: [pixels, pixels, 3], dtype: 'uint8' });
    rules.draw(this.#state, this.#cells);
  }

  override get renderMode(): string | undefined {
    return this.#renderMode;
  }

  reset(options?: ResetOptions): ResetResult<Uint8Array> {
    this.seedRandom(options);
    if (options?.seed !== undefined) this.#executed = 0;
    this.#rules.start(this.#state, this.npRandom);
    this.#draw();
    const { rampIndex } = this.#state;
    return { observation: this.#observe(), info: rampIndex === undefined ? {} : { rampIndex } };
  }

  step(action: number): StepResult<Uint8Array> {
    const state = this.#state;
    const chance = this.npRandom;
    // The draw is made for every step, so that the stream does not depend on the probability or on how games end.
    const executedAction = chance.random() < this.#stickyActions ? this.#executed : action;
    this.#executed = executedAction;
    let reward = 0;
    if (!state.ended) {
      reward = this.#rules.step(state, executedAction, { chance, ramping: this.#ramping });
      this.#draw();
    }
    const { rampIndex, ended: terminated } = state;
    const info: Info = rampIndex === undefined ? { executedAction } : { executedAction, rampIndex };
    return { observation: this.#observe(), reward, terminated, truncated: false, info };
  }

  override render(): NdArray<'uint8'> | undefined {
    if (this.#renderMode === undefined) return undefined;
    const pixels = Math.sqrt(this.#picture.frame.length / 3);
    return ndarray('uint8', [pixels, pixels, 3], this.#frame());
  }

  #draw(): void {
    this.#cells.fill(0);
    this.#rules.draw(this.#state, this.#cells);
  }

  #observe(): Uint8Array {
    return this.#channels === 0 ? this.#frame() : unpackChannels(this.#cells, this.#channels);
  }

  #frame(): Uint8Array {
    this.#picture.show(this.#cells);
    return this.#picture.frame.slice();
  }

  protected override saveState(): EnvState {
    return { ...structuredClone(this.#state as object), executed: this.#executed };
  }

  protected override restoreState(data: EnvState): void {
    const { executed, ...state } = structuredClone(data) as { executed: number };
    Object.assign(this.#state, state);
    this.#executed = executed;
    this.#draw();
  }
}

/** 0 or 1 for each cell and channel, `[10, 10, channels]`, from the bits of the cells. */
function unpackChannels(cells: Uint16Array, channels: number): Uint8Array {
  const out = new Uint8Array(cells.length * channels);
  for (let cell = 0, at = 0; cell < cells.length; cell++, at += channels) {
    for (let bits = cells[cell]!, channel = 0; bits > 0; bits >>= 1, channel++) out[at + channel] = bits & 1;
  }
  return out;
}
