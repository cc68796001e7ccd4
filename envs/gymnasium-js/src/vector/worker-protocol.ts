// What WorkerVectorEnv and its workers say to each other. Numbers go through shared memory; settings, infos and states, which have no
// fixed size, go through a message port that both sides read when the shared memory says so.
import type { DType } from '@tessera/core';
import type { MakeOptions } from '../make.ts';
import type { EnvSpecJSON } from '../spec.ts';
import type { SpaceJSON } from '../spaces/space.ts';
import type { EnvMetadata, EnvState } from '../types.ts';
import type { ResetPlan } from './arguments.ts';
import type { AutoresetMode } from './vector-env.ts';
import type { EnvReport } from './vector-info.ts';

/** Cells of the control array `int32 [4]`. */
export const control = {
  /** Number of the latest command; the worker sleeps on it. */
  command: 0,
  /** Number of the latest command that is done; the main thread sleeps on it. */
  done: 1,
  /** `command` is a step, whose actions are in shared memory (1), or a message waits at the port (0). */
  isStep: 2,
  /** One of `reply`. */
  reply: 3,
} as const;

/** How a command ended. */
export const reply = {
  /** All there is to know is in shared memory. */
  plain: 0,
  /** A message waits at the port. */
  message: 1,
  /** A message with an error waits at the port. */
  error: 2,
} as const;

/** What a worker needs to build its environments. */
export interface WorkerSetup {
  readonly id: string | EnvSpecJSON;
  readonly imports: readonly string[];
  readonly makeOptions: MakeOptions;
  readonly autoresetMode: AutoresetMode;
  /** Its environments are `first, ..., first + count - 1` of the whole. */
  readonly first: number;
  readonly count: number;
}

/** `workerData` of a worker. */
export interface WorkerInput {
  readonly setup: WorkerSetup;
  readonly controlBuffer: SharedArrayBuffer;
  readonly port: unknown;
  /** Whether each reply needs a message, because the main thread cannot wait on shared memory. */
  readonly repliesByMessage: boolean;
}

/** An error on its way between threads. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** The environment at work, counted over all workers; undefined while starting. */
  readonly envIndex: number | undefined;
}

/** A worker's first word. */
export type WorkerGreeting =
  | {
      readonly kind: 'ready';
      readonly observationSpace: SpaceJSON;
      readonly actionSpace: SpaceJSON;
      readonly metadata: EnvMetadata;
      readonly canSaveState: boolean;
      readonly renderMode: string | undefined;
    }
  | { readonly kind: 'failed'; readonly error: SentError };

/** The values of one leaf of a space, `[numEnvs, size]`. */
export interface SharedColumn {
  readonly dtype: DType;
  readonly size: number;
  readonly buffer: SharedArrayBuffer;
}

/** Where the rows of all environments are in shared memory; leaves whose values have no fixed size are undefined. */
export interface SharedRows {
  readonly observation: readonly (SharedColumn | undefined)[];
  readonly reward: SharedArrayBuffer;
  readonly terminated: SharedArrayBuffer;
  readonly truncated: SharedArrayBuffer;
  readonly actions: readonly (SharedColumn | undefined)[];
}

/** For each leaf without a column, its values in the environments of one worker. */
export type LooseValues = readonly (readonly unknown[])[];

/** Commands that need more than shared memory. */
export type WorkerRequest =
  | { readonly kind: 'rows'; readonly rows: SharedRows }
  /** A step whose actions are not all in shared memory. */
  | { readonly kind: 'step'; readonly loose: LooseValues }
  | { readonly kind: 'reset'; readonly plan: ResetPlan }
  | { readonly kind: 'getState' }
  | { readonly kind: 'setState'; readonly states: readonly EnvState[]; readonly observations: readonly unknown[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: 'setAttr'; readonly name: string; readonly values: readonly unknown[] }
  | { readonly kind: 'close' };

/** Replies that need more than shared memory. */
export type WorkerReply =
  | { readonly kind: 'reports'; readonly reports: readonly (EnvReport | undefined)[]; readonly loose: LooseValues }
  /** `observations` are the last ones where they are no rows of one array, else none. */
  | { readonly kind: 'states'; readonly states: readonly EnvState[]; readonly observations: readonly unknown[] }
  | { readonly kind: 'values'; readonly values: readonly unknown[] }
  /** The caller's mistake, which breaks nothing. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'error'; readonly error: SentError }
  | { readonly kind: 'done' };
