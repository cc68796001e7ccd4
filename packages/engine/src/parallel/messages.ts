// What the two sides of data parallelism say to each other.
import type { NamedArrays } from '../record/tree.ts';

/** What a worker starts with. */
export interface CrewWorkerData {
  /** Address of the module that makes the step. */
  readonly module: string;
  readonly options: unknown;
  readonly index: number;
  readonly workers: number;
}

/** To a worker. */
export type CrewRequest =
  /** Memory that all workers share: a row of gradients for each, and two counters. */
  | { readonly kind: 'memory'; readonly gradients: SharedArrayBuffer; readonly control: SharedArrayBuffer }
  /** `weights`: the share of the batch's rows that each worker has. */
  | { readonly kind: 'step'; readonly part: NamedArrays; readonly weights: readonly number[] }
  | { readonly kind: 'state' };

/** From a worker. */
export type CrewReply =
  | { readonly kind: 'ready'; readonly numbers: number }
  | { readonly kind: 'done'; readonly metrics: Readonly<Record<string, number>> }
  | { readonly kind: 'state'; readonly state: NamedArrays }
  /** `mine`: whether it is this worker that failed, or one that it waited for. */
  | { readonly kind: 'failure'; readonly message: string; readonly mine: boolean };

/** Places of the counters. */
export const arrived = 0;
export const failed = 1;
