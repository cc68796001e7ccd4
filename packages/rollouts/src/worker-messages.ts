// What a rollout source and its workers say to each other.

import type { CarriedError } from './carried-error.ts';
import type { Chunk } from './chunk.ts';
import type { RolloutSettings } from './settings.ts';

/** `workerData` of a rollout worker. */
export interface RolloutWorkerData {
  readonly settings: RolloutSettings;
  readonly workerIndex: number;
  /** The environments that live in this worker. */
  readonly envIndices: readonly number[];
  /** Where the worker stands, for whoever outlives it. */
  readonly progress: SharedArrayBuffer;
}

/** To the worker: collect the next chunk of an environment, or close everything and end. */
export type WorkerRequest = { readonly kind: 'collect'; readonly envIndex: number } | { readonly kind: 'close' };

/** From the worker. A request is answered by one chunk or by the failure that ends the worker's use. */
export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'chunk'; readonly envIndex: number; readonly chunk: Chunk }
  | { readonly kind: 'failure'; readonly error: CarriedError };
