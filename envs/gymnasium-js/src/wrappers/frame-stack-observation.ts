// The last few observations as one (gymnasium.wrappers.FrameStackObservation).
import { ConfigError } from '@tessera/core';
import type { Env } from '../env.ts';
import { describe } from '../spaces/explain.ts';
import type { Space } from '../spaces/space.ts';
import { createZero } from '../spaces/zero.ts';
import type { EnvState, ResetOptions, ResetResult, StateValue, StepResult, TypedArray } from '../types.ts';
import { batchSpace, concatenate, createEmptyArray } from '../vector/batch-space.ts';
import { checkCount } from './checks.ts';
import { Wrapper } from './wrapper.ts';

export interface FrameStackObservationOptions {
  /** How many observations, the latest one last. */
  readonly stackSize: number;
  /** What stands before the first one: itself (`reset`, the default), zeros (`zero`), or an observation of your own. */
  readonly paddingType?: unknown;
}

/** Observations are the last `stackSize` ones in the form `batchSpace` gives them: of a Box `[stackSize, ...shape]`. */
export class FrameStackObservation<Obs = TypedArray, Act = number, InnerObs = Obs> extends Wrapper<
  Obs,
  Act,
  InnerObs,
  Act
> {
  readonly stackSize: number;
  readonly #padding: { readonly value: InnerObs } | undefined;
  #queue: InnerObs[];

  /** Throws ConfigError for a size that is no whole number > 0 and for a padding that is none. */
  constructor(env: Env<InnerObs, Act>, options: FrameStackObservationOptions) {
    super(env, { ...options });
    const { stackSize, paddingType = 'reset' } = options;
    this.stackSize = checkCount('FrameStackObservation', 'stackSize', stackSize, 1);
    const space = env.observationSpace;
    this.#padding = paddingType === 'reset' ? undefined : { value: paddingOf(space, paddingType) };
    this.observationSpace = batchSpace(space, stackSize) as unknown as Space<Obs>;
    const before = this.#padding === undefined ? (createZero(space) as InnerObs) : this.#padding.value;
    this.#queue = Array.from({ length: stackSize }, () => before);
  }

  override reset(options?: ResetOptions): ResetResult<Obs> {
    const { observation, info } = this.env.reset(options);
    const padding = this.#padding === undefined ? observation : this.#padding.value;
    this.#queue = Array.from({ length: this.stackSize }, (_, i) => (i === this.stackSize - 1 ? observation : padding));
    return { observation: this.#stacked(), info };
  }

  override step(action: Act): StepResult<Obs> {
    const result = this.env.step(action);
    this.#queue.shift();
    this.#queue.push(result.observation);
    return { ...result, observation: this.#stacked() };
  }

  #stacked(): Obs {
    const space: Space<unknown> = this.env.observationSpace;
    return concatenate(space, this.#queue as unknown[], createEmptyArray(space, this.stackSize)) as Obs;
  }

  protected override saveState(): EnvState {
    return { queue: structuredClone(this.#queue) as StateValue };
  }

  protected override restoreState(data: EnvState): void {
    this.#queue = structuredClone(data['queue']) as InnerObs[];
  }
}

function paddingOf<T>(space: Space<T>, padding: unknown): T {
  if (padding === 'zero') return createZero(space) as T;
  if (space.contains(padding)) return structuredClone(padding) as T;
  const expected = "expected 'reset', 'zero' or an observation";
  const got = `got ${describe(padding)}, not in the observation space ${space.toString()}`;
  throw new ConfigError(`FrameStackObservation: Unexpected \`paddingType\`, ${expected}, ${got}.`);
}
