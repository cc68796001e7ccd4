// Several copies of one environment stepped together (gymnasium.vector.VectorEnv), asynchronously, so that they may live in workers,
// behind a bridge or in a dream. Results are flat arrays with the environment as first axis.
import type { Space } from '../spaces/space.ts';
import type { EnvSpec } from '../spec.ts';
import type { EnvMetadata, EnvState, Seed, TypedArray } from '../types.ts';
import type { VectorInfo } from './vector-info.ts';

/**
 * What follows the end of an episode: `NextStep` (Gymnasium's default) resets in the step after it, which ignores its action and has
 * reward 0; `SameStep` resets at once and puts the last observation into `info.finalObs`; `Disabled` leaves it to the caller, who resets
 * the ended ones with `reset({ options: { resetMask } })`.
 */
export type AutoresetMode = 'NextStep' | 'SameStep' | 'Disabled';

export interface VectorResetOptions {
  /** One seed, which gives environment `i` the seed `seed + i`, or one for each (undefined: its stream goes on). */
  readonly seed?: Seed | readonly (Seed | undefined)[] | undefined;
  /** Options for each environment; `resetMask` (one truth value for each) resets only those it marks. */
  readonly options?:
    ({ readonly resetMask?: ArrayLike<number | boolean> } & Readonly<Record<string, unknown>>) | undefined;
}

/** `observation` is fresh, `[numEnvs, ...shape]` in row-major order. */
export interface VectorResetResult<Obs = TypedArray> {
  observation: Obs;
  info: VectorInfo;
}

/** One row for each environment; all arrays are fresh. The flags are 0 or 1. */
export interface VectorStepResult<Obs = TypedArray> {
  observation: Obs;
  reward: Float64Array;
  terminated: Uint8Array;
  truncated: Uint8Array;
  info: VectorInfo;
}

/** One action for each environment: numbers for Discrete, for Box the values of all actions in one flat array. */
export type VectorActions = ArrayLike<number>;

/** Several copies of one environment. A call before the one before it has settled is an AlreadyPendingCallError. */
export interface VectorEnv<Obs = TypedArray> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
  /** `[numEnvs, ...shape]`. */
  readonly observationShape: readonly number[];
  reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>>;
  step(actions: VectorActions): Promise<VectorStepResult<Obs>>;
  /** Whether `getState` and `setState` work. */
  readonly canSaveState: boolean;
  getState(): Promise<EnvState>;
  setState(state: EnvState): Promise<void>;
  /** Ends what is under way and frees everything; may be called again. */
  close(): Promise<void>;
}
