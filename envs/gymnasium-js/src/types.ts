// The shapes of data that cross the Gymnasium API: results of reset and step, infos, saved states.
// Source: gymnasium/core.py of Gymnasium 1.x; named results instead of tuples, the meaning is unchanged.
import type { DType, NdArray, TypedArrayOf } from '@tessera/core';

/** Any flat typed array an observation or action can be, one kind per dtype. */
export type TypedArray = TypedArrayOf<DType>;

/** Diagnostic values of one reset or step; keys are the environment's own. */
export type Info = Record<string, unknown>;

/** A seed as `reset` and `Space.seed` take it: a whole number >= 0, a bigint where it is beyond 2^53. */
export type Seed = number | bigint;

/** What `reset` takes. Without a seed the random stream goes on where it was. */
export interface ResetOptions {
  readonly seed?: Seed | undefined;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** What `reset` returns. */
export interface ResetResult<Obs> {
  observation: Obs;
  info: Info;
}

/** What `step` returns: the reward of this step, whether a terminal state was reached, whether the episode was cut for another reason. */
export interface StepResult<Obs> {
  observation: Obs;
  reward: number;
  terminated: boolean;
  truncated: boolean;
  info: Info;
}

/** Facts about an environment class. `renderFps` is in frames per second. */
export interface EnvMetadata {
  readonly renderModes: readonly string[];
  readonly renderFps?: number;
}

/** A picture `uint8 [height, width, 3]`, or text for `ansi` modes. */
export type RenderFrame = NdArray<'uint8'> | string;

/** What `render` returns: one frame, the frames since the last call in a `*_list` mode, or nothing. */
export type RenderResult = RenderFrame | readonly RenderFrame[] | undefined;

/** A value of a saved state: plain JSON, bigints and typed arrays; `structuredClone` copies it exactly. */
export type StateValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | TypedArray
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** A saved state of an environment, its wrappers and generators included. */
export type EnvState = { readonly [key: string]: StateValue };
