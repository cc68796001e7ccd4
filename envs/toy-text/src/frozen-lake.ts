// FrozenLake (gymnasium/envs/toy_text/frozen_lake.py), number for number.
import { ConfigError } from '@tessera/core';
import { booleanOption, checkKwargs, EnvRenderer, numberOption } from 'gymnasium-js';
import type { EnvState, RenderFrame, RenderOptions } from 'gymnasium-js';
import { colorize } from './colorize.ts';
import { checkMap, frozenLakeMaps, generateRandomMap } from './frozen-lake-maps.ts';
import { drawElf, frozenLakeLayout } from './frozen-lake-picture.ts';
import { TabularEnv } from './tabular-env.ts';
import type { Transition } from './tabular-env.ts';

export interface FrozenLakeOptions extends RenderOptions {
  /** A map of one's own, rows of S (start), F (frozen), H (hole) and G (goal); goes before `mapName`. */
  readonly desc?: readonly string[] | null | undefined;
  /** `4x4` by default; with null (and no `desc`) a random map of 8 x 8 is drawn. */
  readonly mapName?: keyof typeof frozenLakeMaps | null | undefined;
  /** Whether one slides sideways now and then; true by default. */
  readonly isSlippery?: boolean | undefined;
  /** Probability of going where one wants to when it is slippery; 1/3 by default. */
  readonly successRate?: number | undefined;
  /** Rewards of reaching goal, hole and frozen tiles (the start among them); `[1, 0, 0]` by default. */
  readonly rewardSchedule?: readonly [goal: number, hole: number, frozen: number] | undefined;
}

const owner = 'FrozenLakeEnv';
const [left, down, right, up] = [0, 1, 2, 3];
const actionNames = ['Left', 'Down', 'Right', 'Up'];
const renderModes = ['ansi', 'rgb_array'];
const optionNames = [
  'desc',
  'mapName',
  'isSlippery',
  'successRate',
  'rewardSchedule',
  'renderMode',
  'renderSize',
] as const;

/** Where moves lead to and what they bring. */
interface Rules {
  readonly isSlippery: boolean;
  readonly successRate: number;
  readonly rewardSchedule: readonly [number, number, number];
}

/**
 * ## Description
 * An elf crosses a frozen lake from start to goal without falling into holes. The ice is slippery: one may slide at right angles to where one wants to go.
 *
 * ## Action space
 * `Discrete(4)`: 0 left, 1 down, 2 right, 3 up.
 *
 * ## Observation space
 * `Discrete(rows * columns)`: `row * columns + column` of the elf.
 *
 * ## Reward
 * 1 for reaching the goal, else 0 (`rewardSchedule`).
 *
 * ## Starting state
 * The start S; one of them with equal probabilities where a map has several.
 *
 * ## Step
 * When slippery, the elf goes where it wants to with probability `successRate`, and to each of the two sides with half of the rest. At the edge it stays.
 *
 * ## Episode end
 * Terminated at the goal and in a hole. `make` truncates after 100 steps (`FrozenLake-v1`) or 200 (`FrozenLake8x8-v1`). A step after the end stays where it is,
 * terminated, with reward 0.
 *
 * ## Info
 * `prob`: the probability of the transition that was taken.
 *
 * ## Arguments
 * `desc`, `mapName` (default `4x4`), `isSlippery` (default true), `successRate` (default 1/3), `rewardSchedule` (default `[1, 0, 0]`),
 * `renderMode: 'ansi' | 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v1: rewards fixed; `successRate` and `rewardSchedule` since Gymnasium 1.3.
 * - v0: first version.
 *
 * ## Differences to Gymnasium
 * Maps with other letters or without a start are refused. A random map is part of a saved state.
 */
export class FrozenLakeEnv extends TabularEnv {
  readonly #rules: Rules;
  readonly #hasRandomMap: boolean;
  readonly #map: { rows: readonly string[] };

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: FrozenLakeOptions = {}) {
    checkKwargs(owner, { ...options }, optionNames);
    const rules: Rules = {
      isSlippery: booleanOption(owner, 'isSlippery', options.isSlippery, true),
      successRate: numberOption(owner, 'successRate', options.successRate, 1 / 3, [0, 1]),
      rewardSchedule: checkSchedule(options.rewardSchedule),
    };
    // Shared with the layout, which reads it when it draws the background.
    const map = { rows: chooseMap(options) };
    const layout = frozenLakeLayout(renderModes, map);
    const renderer = new EnvRenderer(owner, options, layout);
    super({ owner, table: buildTable(map.rows, rules), start: startOf(map.rows), renderer, renderModes });
    this.#rules = rules;
    this.#map = map;
    this.#hasRandomMap = (options.desc ?? options.mapName) === null;
  }

  /** The rows of the map. */
  get desc(): readonly string[] {
    return this.#map.rows;
  }

  override render(): RenderFrame | undefined {
    const { s: state = 0, desc, lastAction } = this;
    const columns = desc[0]!.length;
    const [row, column] = [Math.floor(state / columns), state % columns];
    return this.renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.s !== undefined,
      draw: (raster) =>
        drawElf(raster, { row, column, isInHole: desc[row]![column] === 'H', facing: lastAction ?? down }),
      text: () => {
        const lines = desc.map((line, r) =>
          Array.from(line, (tile, c) =>
            r === row && c === column ? colorize(tile, 'red', { highlight: true }) : tile,
          ),
        );
        const first = lastAction === undefined ? '' : `  (${actionNames[lastAction]})`;
        return `${first}\n${lines.map((line) => line.join('')).join('\n')}\n`;
      },
    });
  }

  protected override saveState(): EnvState {
    return { ...super.saveState(), ...(this.#hasRandomMap ? { desc: [...this.desc] } : {}) };
  }

  protected override restoreState(data: EnvState): void {
    const desc = data['desc'] as string[] | undefined;
    if (desc !== undefined && desc.join() !== this.desc.join()) {
      if (desc.length * desc[0]!.length !== this.observationSpace.n) {
        throw new ConfigError(
          `setState: expected a state of a map of ${this.observationSpace.n} tiles, got ${desc.join()}.`,
        );
      }
      this.#map.rows = [...desc];
      this.setTable(buildTable(desc, this.#rules), startOf(desc));
      this.renderer.invalidateBackground();
    }
    super.restoreState(data);
  }
}

function chooseMap(options: FrozenLakeOptions): readonly string[] {
  const { desc, mapName = '4x4' } = options;
  if (desc !== undefined && desc !== null) return checkMap(owner, desc);
  if (mapName === null) return generateRandomMap();
  if (Object.hasOwn(frozenLakeMaps, mapName)) return frozenLakeMaps[mapName];
  const known = Object.keys(frozenLakeMaps).join(', ');
  throw new ConfigError(`${owner}: expected a mapName out of ${known}, got ${JSON.stringify(mapName)}.`);
}

function checkSchedule(schedule: unknown = [1, 0, 0]): readonly [number, number, number] {
  const values = Array.isArray(schedule) ? (schedule as readonly unknown[]) : [];
  if (values.length === 3 && values.every((value) => Number.isFinite(value))) {
    return values as unknown as readonly [number, number, number];
  }
  throw new ConfigError(
    `${owner}: expected three finite numbers [goal, hole, frozen] as rewardSchedule, got ${JSON.stringify(schedule)}.`,
  );
}

const startOf = (map: readonly string[]): number[] => Array.from(map.join(''), (tile) => Number(tile === 'S'));

function buildTable(map: readonly string[], { isSlippery, successRate, rewardSchedule }: Rules): Transition[][][] {
  const [rows, columns] = [map.length, map[0]!.length];
  const failRate = (1 - successRate) / 2;
  const move = (row: number, column: number, action: number, probability: number): Transition => {
    const toRow = action === down ? Math.min(row + 1, rows - 1) : action === up ? Math.max(row - 1, 0) : row;
    const toColumn =
      action === left ? Math.max(column - 1, 0) : action === right ? Math.min(column + 1, columns - 1) : column;
    const tile = map[toRow]![toColumn]!;
    const reward = rewardSchedule[tile === 'G' ? 0 : tile === 'H' ? 1 : 2];
    return { probability, state: toRow * columns + toColumn, reward, terminated: tile === 'G' || tile === 'H' };
  };
  return Array.from({ length: rows * columns }, (_, state) => {
    const [row, column] = [Math.floor(state / columns), state % columns];
    const tile = map[row]![column]!;
    return actionNames.map((_name, action) => {
      if (tile === 'G' || tile === 'H') return [{ probability: 1, state, reward: 0, terminated: true }];
      if (!isSlippery) return [move(row, column, action, 1)];
      return [(action + 3) % 4, action, (action + 1) % 4].map((taken) =>
        move(row, column, taken, taken === action ? successRate : failRate),
      );
    });
  });
}
