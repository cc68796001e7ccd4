// What FrozenLake, CliffWalking and Taxi share: states and actions are small whole numbers, and a table says what leads where
// (gymnasium/envs/toy_text/*.py and utils.py).
import { checkAction, Discrete, Env, ResetNeeded } from 'gymnasium-js';
import type { EnvMetadata, EnvRenderer, EnvState, Info, ResetOptions, ResetResult, StepResult } from 'gymnasium-js';

/** One thing that an action can lead to. In Gymnasium the tuple `(probability, next state, reward, terminated)`. */
export interface Transition {
  readonly probability: number;
  readonly state: number;
  readonly reward: number;
  readonly terminated: boolean;
}

/** `table[state][action]`: all that an action can lead to, probabilities adding up to 1. */
export type TransitionTable = readonly (readonly (readonly Transition[])[])[];

export interface TabularOptions {
  readonly owner: string;
  readonly table: TransitionTable;
  /** Weights of the states that an episode starts in; divided by their sum here. */
  readonly start: readonly number[];
  readonly renderer: EnvRenderer;
  readonly renderModes: readonly string[];
}

/** An environment whose dynamics are a table. */
export abstract class TabularEnv extends Env<number, number> {
  readonly metadata: EnvMetadata;
  readonly observationSpace: Discrete;
  readonly actionSpace: Discrete;
  protected readonly renderer: EnvRenderer;
  readonly #owner: string;
  #table: TransitionTable;
  #start: readonly number[] = [];
  #state: number | undefined;
  #lastAction: number | undefined;

  constructor(options: TabularOptions) {
    super();
    this.metadata = { renderModes: options.renderModes, renderFps: 4 };
    this.renderer = options.renderer;
    this.#owner = options.owner;
    this.#table = options.table;
    this.observationSpace = new Discrete(options.table.length);
    this.actionSpace = new Discrete(options.table[0]!.length);
    this.setTable(options.table, options.start);
  }

  /** The dynamics: `P[state][action]` is a list of transitions. */
  get P(): TransitionTable {
    return this.#table;
  }

  /** The state of the present episode; undefined before the first reset. */
  get s(): number | undefined {
    return this.#state;
  }

  /** The action taken last in this episode. */
  get lastAction(): number | undefined {
    return this.#lastAction;
  }

  override get renderMode(): string | undefined {
    return this.renderer.mode;
  }

  /** Changes the dynamics; the number of states must stay. */
  protected setTable(table: TransitionTable, start: readonly number[]): void {
    const total = start.reduce((sum, weight) => sum + weight, 0);
    this.#table = table;
    this.#start = start.map((weight) => weight / total);
  }

  reset(options?: ResetOptions): ResetResult<number> {
    this.seedRandom(options);
    const { npRandom } = this;
    this.#state = firstAbove(npRandom.random(), this.#start.length, (i) => this.#start[i]!);
    this.#lastAction = undefined;
    this.begin();
    return { observation: this.#state, info: { prob: 1, ...this.infoOf(this.#state) } };
  }

  step(action: number): StepResult<number> {
    const chosen = checkAction(this.#owner, this.actionSpace, action);
    if (this.#state === undefined) throw new ResetNeeded(`${this.#owner}: Call reset before using step method.`);
    const transitions = this.#table[this.#state]![chosen]!;
    // One number is drawn also where there is nothing to choose.
    const index = firstAbove(this.npRandom.random(), transitions.length, (i) => transitions[i]!.probability);
    const { probability, state, reward, terminated } = transitions[index]!;
    this.#lastAction = chosen;
    this.#state = this.arrive(this.#state, state, chosen);
    const info = { prob: probability, ...this.infoOf(this.#state) };
    return { observation: this.#state, reward, terminated, truncated: false, info };
  }

  /** Called at the end of each reset. */
  protected begin(): void {}

  /** The state that a step from `from` ends in, where the table says `to`. */
  protected arrive(_from: number, to: number, _action: number): number {
    return to;
  }

  /** What info has besides the probability. */
  protected infoOf(_state: number): Info {
    return {};
  }

  protected override saveState(): EnvState {
    return { state: this.#state, lastAction: this.#lastAction };
  }

  protected override restoreState(data: EnvState): void {
    this.#state = data['state'] as number | undefined;
    this.#lastAction = data['lastAction'] as number | undefined;
  }
}

/** The first index at which the sum of the weights so far is above `u`; 0 when it is nowhere (categorical_sample of Gymnasium). */
function firstAbove(u: number, count: number, weight: (index: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) {
    sum += weight(i);
    if (sum > u) return i;
  }
  return 0;
}
