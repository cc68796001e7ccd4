// Taxi (gymnasium/envs/toy_text/taxi.py), number for number.
import { booleanOption, checkKwargs, EnvRenderer, numberOption } from 'gymnasium-js';
import type { EnvState, Info, RenderFrame, RenderOptions } from 'gymnasium-js';
import { colorize } from './colorize.ts';
import { TabularEnv } from './tabular-env.ts';
import { actionMask, decode, encode, inTaxi, numStates, places, taxiMap, taxiTransitions } from './taxi-grid.ts';
import type { TaxiState } from './taxi-grid.ts';
import { drawTaxi, taxiLayout } from './taxi-picture.ts';

export interface TaxiOptions extends RenderOptions {
  /** Whether moves go sideways now and then; false by default. */
  readonly isRainy?: boolean | undefined;
  /** Whether a passenger may choose another destination on the way; false by default. */
  readonly ficklePassenger?: boolean | undefined;
  /** In the rain, the probability of moving where one wants to; 0.8 by default. */
  readonly rainyProbability?: number | undefined;
  /** The probability that a fickle passenger does change the destination; 0.3 by default. */
  readonly fickleProbability?: number | undefined;
}

const owner = 'TaxiEnv';
const renderModes = ['ansi', 'rgb_array'];
const actionNames = ['South', 'North', 'East', 'West', 'Pickup', 'Dropoff'];
const optionNames = [
  'isRainy',
  'ficklePassenger',
  'rainyProbability',
  'fickleProbability',
  'renderMode',
  'renderSize',
] as const;
const layout = taxiLayout(renderModes);

/**
 * ## Description
 * A taxi in a grid of 5 x 5 with walls fetches a passenger at one of four places (red, green, yellow, blue) and brings them to another. From Dietterich,
 * "Hierarchical Reinforcement Learning with the MAXQ Value Function Decomposition" (2000).
 *
 * ## Action space
 * `Discrete(6)`: 0 south, 1 north, 2 east, 3 west, 4 pick up, 5 drop off.
 *
 * ## Observation space
 * `Discrete(500)`: `((row * 5 + column) * 5 + passenger) * 4 + destination`; passenger 0 red, 1 green, 2 yellow, 3 blue, 4 in the taxi; destination likewise. 404 of them
 * can be reached.
 *
 * ## Reward
 * -1 for each step, +20 for delivering the passenger, -10 for picking up or dropping off where that is not possible.
 *
 * ## Starting state
 * One of 300 with equal probabilities: any cell, the passenger at a place that is not the destination.
 *
 * ## Step
 * Into a wall the taxi stays. With `isRainy` it moves where it should with probability 0.8 and to its left and right with 0.1 each, if the way ahead is open. With
 * `ficklePassenger` the passenger changes the destination with probability 0.3, in the first step that moves the taxi with the passenger in it.
 *
 * ## Episode end
 * Terminated when the passenger is delivered. `make` truncates after 200 steps.
 *
 * ## Info
 * `prob`: the probability of the transition that was taken. `actionMask`, int8 [6]: 1 for actions that change the state; `actionSpace.sample({ mask })` takes it.
 *
 * ## Arguments
 * `isRainy` (default false), `ficklePassenger` (default false), `rainyProbability` (default 0.8), `fickleProbability` (default 0.3),
 * `renderMode: 'ansi' | 'rgb_array'`, `renderSize` (default 64).
 *
 * ## Version history
 * - v4: rain and fickle passengers fixed, their probabilities as arguments (Gymnasium 1.3).
 * - v3: corrected map, action masks.
 * - v2: no start at the goal, observations as they are rendered.
 * - v1, v0: first versions.
 */
export class TaxiEnv extends TabularEnv {
  readonly #isFickle: boolean;
  readonly #fickleProbability: number;
  /** The passenger of this episode will change the destination. */
  #willChange = false;
  /** The last move of the episode, south before any. */
  #heading = 0;

  /** Throws ConfigError for an unknown option, and for values out of range. */
  constructor(options: TaxiOptions = {}) {
    checkKwargs(owner, { ...options }, optionNames);
    const isRainy = booleanOption(owner, 'isRainy', options.isRainy, false);
    const straight = numberOption(owner, 'rainyProbability', options.rainyProbability, 0.8, [0, 1]);
    const states = Array.from({ length: numStates }, (_, state) => state);
    super({
      owner,
      table: states.map((state) =>
        actionNames.map((_name, action) => taxiTransitions(state, action, isRainy ? straight : undefined)),
      ),
      start: states
        .map(decode)
        .map(({ passenger, destination }) => Number(passenger < inTaxi && passenger !== destination)),
      renderer: new EnvRenderer(owner, options, layout),
      renderModes,
    });
    this.#isFickle = booleanOption(owner, 'ficklePassenger', options.ficklePassenger, false);
    this.#fickleProbability = numberOption(owner, 'fickleProbability', options.fickleProbability, 0.3, [0, 1]);
  }

  protected override begin(): void {
    this.#willChange = this.#isFickle && this.npRandom.random() < this.#fickleProbability;
    this.#heading = 0;
  }

  protected override arrive(from: number, to: number, action: number): number {
    if (action < 4) this.#heading = action;
    if (!this.#willChange) return to;
    const [before, after] = [decode(from), decode(to)];
    const hasMoved = before.row !== after.row || before.column !== after.column;
    if (before.passenger !== inTaxi || !hasMoved) return to;
    this.#willChange = false;
    const others = [0, 1, 2, 3].filter((place) => place !== before.destination);
    return encode({ ...after, destination: others[this.npRandom.choice(others.length)]! });
  }

  protected override infoOf(state: number): Info {
    return { actionMask: actionMask(state) };
  }

  override render(): RenderFrame | undefined {
    const state = decode(this.s ?? 0);
    return this.renderer.render({
      id: this.spec?.id ?? owner,
      hasState: this.s !== undefined,
      draw: (raster) => drawTaxi(raster, state, this.#heading),
      text: () => boardText(state, this.lastAction),
    });
  }

  protected override saveState(): EnvState {
    return { ...super.saveState(), willChange: this.#willChange, heading: this.#heading };
  }

  protected override restoreState(data: EnvState): void {
    super.restoreState(data);
    this.#willChange = data['willChange'] as boolean;
    this.#heading = data['heading'] as number;
  }
}

function boardText({ row, column, passenger, destination }: TaxiState, lastAction: number | undefined): string {
  const cells = taxiMap.map((line) => Array.from(line));
  const change = (r: number, c: number, paint: (text: string) => string): void => {
    cells[1 + r]![2 * c + 1] = paint(cells[1 + r]![2 * c + 1]!);
  };
  if (passenger === inTaxi) {
    change(row, column, (text) => colorize(text === ' ' ? '_' : text, 'green', { highlight: true }));
  } else {
    change(row, column, (text) => colorize(text, 'yellow', { highlight: true }));
    change(...places[passenger]!, (text) => colorize(text, 'blue', { bold: true }));
  }
  change(...places[destination]!, (text) => colorize(text, 'magenta'));
  const action = lastAction === undefined ? '' : `  (${actionNames[lastAction]})`;
  return `${cells.map((line) => line.join('')).join('\n')}\n${action}\n`;
}
