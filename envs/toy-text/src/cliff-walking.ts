// CliffWalking (gymnasium/envs/toy_text/cliffwalking.py), number for number.
import { booleanOption, checkKwargs, EnvRenderer } from 'gymnasium-js';
import type { RenderFrame, RenderOptions } from 'gymnasium-js';
import { cliffWalkingLayout, drawWalker } from './cliff-walking-picture.ts';
import { TabularEnv } from './tabular-env.ts';
import type { Transition } from './tabular-env.ts';

export interface CliffWalkingOptions extends RenderOptions {
  /** Whether one slips to the sides, each with probability 1/3; false by default. */
  readonly isSlippery?: boolean | undefined;
}

const owner = 'CliffWalkingEnv';
const rows = 4;
const columns = 12;
const start = 36;
const goal = 47;
const renderModes = ['rgb_array', 'ansi'];
const down = 2;
/** Up, right, down, left. */
const moves = [
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
] as const;
const isCliff = (state: number): boolean => state > start && state < goal;
const layout = cliffWalkingLayout(renderModes, rows, columns);

/**
 * ## Description
 * A walker crosses a grid of 4 x 12 from the lower left to the lower right. All tiles of the lowest row between them are a cliff: who steps there falls, and is back at
 * the start. Example 6.6 of Sutton and Barto, "Reinforcement Learning: An Introduction".
 *
 * ## Action space
 * `Discrete(4)`: 0 up, 1 right, 2 down, 3 left.
 *
 * ## Observation space
 * `Discrete(48)`: `row * 12 + column` of the walker. The walker is never on the cliff, so 37 to 46 do not occur.
 *
 * ## Reward
 * -1 for each step, -100 for one into the cliff.
 *
 * ## Starting state
 * 36, the lower left.
 *
 * ## Step
 * At the edge the walker stays. When slippery, it goes where it wants to and to each of the two sides with probability 1/3.
 *
 * ## Episode end
 * Terminated at the goal, 47. A fall does not end the episode. `make` does not truncate.
 *
 * ## Info
 * `prob`: the probability of the transition that was taken.
 *
 * ## Arguments
 * `isSlippery` (default false; true in `CliffWalkingSlippery-v1`), `renderMode: 'rgb_array' | 'ansi'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: the slippery version.
 * - v0: first version.
 */
export class CliffWalkingEnv extends TabularEnv {
  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: CliffWalkingOptions = {}) {
    checkKwargs(owner, { ...options }, ['isSlippery', 'renderMode', 'renderSize']);
    const isSlippery = booleanOption(owner, 'isSlippery', options.isSlippery, false);
    const renderer = new EnvRenderer(owner, options, layout);
    const weights = Array.from({ length: rows * columns }, (_, state) => Number(state === start));
    super({ owner, table: buildTable(isSlippery), start: weights, renderer, renderModes });
  }

  override render(): RenderFrame | undefined {
    const { s: state = start, lastAction = down } = this;
    return this.renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.s !== undefined,
      draw: (raster) => drawWalker(raster, Math.floor(state / columns), state % columns, lastAction),
      text: () => boardText(state),
    });
  }
}

function boardText(at: number): string {
  const tile = (state: number): string => (state === at ? 'x' : state === goal ? 'T' : isCliff(state) ? 'C' : 'o');
  const lines = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_unused, column) => tile(row * columns + column)).join('  '),
  );
  return `${lines.join('\n')}\n\n`;
}

function buildTable(isSlippery: boolean): Transition[][][] {
  return Array.from({ length: rows * columns }, (_, state) => {
    const [row, column] = [Math.floor(state / columns), state % columns];
    return moves.map((_move, action) => {
      const taken = isSlippery ? [(action + 3) % 4, action, (action + 1) % 4] : [action];
      return taken.map((direction): Transition => {
        const [dy, dx] = moves[direction]!;
        const toRow = Math.max(Math.min(row + dy, rows - 1), 0);
        const to = toRow * columns + Math.max(Math.min(column + dx, columns - 1), 0);
        const probability = 1 / taken.length;
        if (isCliff(to)) return { probability, state: start, reward: -100, terminated: false };
        return { probability, state: to, reward: -1, terminated: to === goal };
      });
    });
  });
}
