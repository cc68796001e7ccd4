// Where a run of training stands: plain numbers that decide, together with the settings, what is done next.
import { z } from 'zod';

/** Where a run stands. Plain JSON. */
export interface TrainerCounters {
  readonly envSteps: number;
  readonly round: number;
  /** Items of this round that are done. */
  readonly item: number;
  /** Items of all rounds that are done. */
  readonly itemsDone: number;
  /** Environment steps before this round. */
  readonly roundStart: number;
  /** Number of the first chunk of this round. */
  readonly roundFirstChunk: number;
  readonly tokenizerUpdates: number;
  readonly imaginedSteps: number;
  /** Environment steps at which imagination began; null while the world model is not good enough. */
  readonly imaginationSince: number | null;
  /** Environment steps from which the tokenizer is frozen because its codes had come to rest; null while they have not. */
  readonly tokenizerRestsSince: number | null;
}

const count = z.int().min(0);

/** Checks counters that come from a file. */
export const countersSchema: z.ZodType<TrainerCounters> = z.strictObject({
  envSteps: count,
  round: count,
  item: count,
  itemsDone: count,
  roundStart: count,
  roundFirstChunk: count,
  tokenizerUpdates: count,
  imaginedSteps: count,
  imaginationSince: count.nullable(),
  tokenizerRestsSince: count.nullable(),
});

/** The beginning of a run. */
export const firstCounters: TrainerCounters = {
  envSteps: 0,
  round: 0,
  item: 0,
  itemsDone: 0,
  roundStart: 0,
  roundFirstChunk: 0,
  tokenizerUpdates: 0,
  imaginedSteps: 0,
  imaginationSince: null,
  tokenizerRestsSince: null,
};
