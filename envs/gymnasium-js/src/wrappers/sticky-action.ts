// Actions that stick, by chance (gymnasium.wrappers.StickyAction; Machado et al. 2018, arXiv 1709.06009).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { InvalidBound, InvalidProbability } from '../errors.ts';
import type { EnvState, ResetOptions, ResetResult, StateValue, TypedArray } from '../types.ts';
import { ActionWrapper } from './mapping-wrappers.ts';

export interface StickyActionOptions {
  /** Probability, in [0, 1), that the environment gets its last action again. */
  readonly repeatActionProbability: number;
  /** For how many steps it then gets it: a number or an inclusive range to draw from; 1 by default. */
  readonly repeatActionDuration?: number | readonly [number, number];
}

/** With some probability an action is replaced by the one before it. Draws from the environment's own random stream. */
export class StickyAction<Obs = TypedArray, Act = number> extends ActionWrapper<Obs, Act> {
  readonly #probability: number;
  readonly #duration: readonly [number, number];
  #lastAction: Act | undefined;
  #isSticky = false;
  #numRepeats = 0;
  #repeatsTaken = 0;

  /** Throws InvalidProbability for a probability outside [0, 1), InvalidBound or ConfigError for a duration that is no range of counts. */
  constructor(env: Env<Obs, Act>, options: StickyActionOptions) {
    const { repeatActionProbability: probability, repeatActionDuration: duration = 1 } = options;
    super(env, { ...options });
    if (!(probability >= 0 && probability < 1)) {
      const got = `Received ${String(probability)}`;
      throw new InvalidProbability(`\`repeatActionProbability\` should be in the interval [0,1). ${got}`);
    }
    this.#probability = probability;
    this.#duration = checkDuration(duration);
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    this.#lastAction = undefined;
    this.#isSticky = false;
    this.#numRepeats = 0;
    this.#repeatsTaken = 0;
    return this.env.reset(options);
  }

  override action(given: Act): Act {
    let action = given;
    if (this.#isSticky || (this.#lastAction !== undefined && this.npRandom.uniform() < this.#probability)) {
      const [shortest, longest] = this.#duration;
      if (this.#numRepeats === 0) this.#numRepeats = this.npRandom.integers(shortest, longest + 1);
      action = this.#lastAction!;
      this.#isSticky = true;
      this.#repeatsTaken += 1;
    }
    if (this.#isSticky && this.#numRepeats === this.#repeatsTaken) {
      this.#isSticky = false;
      this.#numRepeats = 0;
      this.#repeatsTaken = 0;
    }
    this.#lastAction = action;
    return action;
  }

  protected override saveState(): EnvState {
    return {
      lastAction: structuredClone(this.#lastAction) as StateValue,
      isSticky: this.#isSticky,
      numRepeats: this.#numRepeats,
      repeatsTaken: this.#repeatsTaken,
    };
  }

  protected override restoreState(data: EnvState): void {
    this.#lastAction = structuredClone(data['lastAction']) as Act | undefined;
    this.#isSticky = data['isSticky'] as boolean;
    this.#numRepeats = data['numRepeats'] as number;
    this.#repeatsTaken = data['repeatsTaken'] as number;
  }
}

function checkDuration(duration: number | readonly [number, number]): readonly [number, number] {
  const range = typeof duration === 'number' ? ([duration, duration] as const) : duration;
  const isRange = Array.isArray(range) && range.length === 2 && range.every((count) => Number.isSafeInteger(count));
  if (!isRange) {
    throw new ConfigError(
      `\`repeatActionDuration\` should be a whole number or two of them. Received ${String(duration)}`,
    );
  }
  const received = `Received [${range.join(', ')}]`;
  if (range[0]! > range[1]!) throw new InvalidBound(`\`repeatActionDuration\` is not a valid bound. ${received}`);
  if (range[0]! < 1) throw new ConfigError(`\`repeatActionDuration\` should be larger or equal than 1. ${received}`);
  return [range[0]!, range[1]!];
}
