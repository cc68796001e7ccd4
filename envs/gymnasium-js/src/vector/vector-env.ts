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

/** Actions in other spaces: a batch as `batchSpace` describes it, such as `{ key: batch }` for a Dict. */
export type BatchedActions = readonly unknown[] | { readonly [key: string]: unknown };

/** Several copies of one environment. A call before the one before it has settled is an AlreadyPendingCallError. */
export interface VectorEnv<Obs = TypedArray> {
  readonly numEnvs: number;
  readonly metadata: EnvMetadata & { readonly autoresetMode: AutoresetMode };
  readonly spec: EnvSpec | undefined;
  readonly singleObservationSpace: Space<unknown>;
  readonly singleActionSpace: Space<unknown>;
  /** The spaces of batches, `batchSpace` of the single ones; bridges and dreams may go without. */
  readonly observationSpace?: Space<unknown>;
  readonly actionSpace?: Space<unknown>;
  /** `[numEnvs, ...shape]`. */
  readonly observationShape: readonly number[];
  reset(options?: VectorResetOptions): Promise<VectorResetResult<Obs>>;
  step(actions: VectorActions): Promise<VectorStepResult<Obs>>;
  /** Whether `getState` and `setState` work. */
  readonly canSaveState: boolean;
  getState(): Promise<EnvState>;
  setState(state: EnvState): Promise<void>;
  readonly renderMode?: string | undefined;
  /** A picture of each environment. */
  render?(): Promise<unknown[]>;
  /** The attribute of this name of each environment, or what its method returns. */
  call?(name: string, ...args: unknown[]): Promise<unknown[]>;
  getAttr?(name: string): Promise<unknown[]>;
  /** Sets the attribute, to one value each when `values` is an array, else to the same for all. */
  setAttr?(name: string, values: unknown): Promise<void>;
  /** Ends what is under way and frees everything; may be called again. */
  close(): Promise<void>;
  /** Gymnasium's text, like `SyncVectorEnv(CartPole-v1, numEnvs=16)`. */
  toString(): string;
}
