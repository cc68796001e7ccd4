// What a WorkerCollector and its thread say to each other.
import type { CarriedError } from '@tessera/rollouts/node';
import type { PlayedRound, RoundOrder } from './play-round.ts';

/** `workerData` of a round worker. */
export interface RoundWorkerData {
  /** Address of a module that exports `createPlayer(options)`. */
  readonly module: string;
  readonly options: unknown;
}

/** To the worker: play a round, or close everything and end. */
export type RoundRequest = { readonly kind: 'play'; readonly order: RoundOrder } | { readonly kind: 'close' };

/** From the worker: a round for each that was asked for, or the failure that ends its use. */
export type RoundReply =
  { readonly kind: 'round'; readonly round: PlayedRound } | { readonly kind: 'failure'; readonly error: CarriedError };
