// Learning rates as functions of progress.
import { ConfigError, didYouMean } from '@tessera/core';

/** How the learning rate changes over a run. */
export interface ScheduleOptions {
  /** The highest rate. */
  readonly peak: number;
  /** Updates of linear warm-up from 0. Default 0. */
  readonly warmup?: number;
  /** `constant`, or down to `end` by a straight line or half a cosine. Default constant. */
  readonly decay?: 'constant' | 'linear' | 'cosine';
  /** The rate at the end, as a share of the peak. Default 0. */
  readonly end?: number;
}

/**
 * The learning rate of an update: `step` counts the updates made, `progress` in [0, 1] is the share of the run that is done.
 *
 * Throws ConfigError for a peak below 0, an end outside [0, 1], a negative warm-up, an unknown decay and a progress that is no number.
 */
export function learningRateAt(
  { peak, warmup = 0, decay = 'constant', end = 0 }: ScheduleOptions,
  { step, progress }: { readonly step: number; readonly progress: number },
): number {
  if (!(peak >= 0 && Number.isFinite(peak) && end >= 0 && end <= 1)) {
    throw new ConfigError(`schedule: expected a peak >= 0 and an end in [0, 1], got ${peak} and ${end}.`);
  }
  if (!(warmup >= 0)) throw new ConfigError(`schedule: expected a warm-up of at least 0 updates, got ${warmup}.`);
  if (Number.isNaN(progress)) throw new ConfigError('schedule: expected a progress in [0, 1], got NaN.');
  const warm = warmup > 0 ? Math.min(1, (step + 1) / warmup) : 1;
  const done = Math.min(1, Math.max(0, progress));
  const shares = { constant: 1, linear: 1 - done, cosine: (1 + Math.cos(Math.PI * done)) / 2 };
  const left: number | undefined = shares[decay];
  if (left === undefined) {
    const known = Object.keys(shares);
    throw new ConfigError(
      `schedule: expected a decay out of ${known.join(', ')}, got '${decay}'.${didYouMean(decay, known)}`,
    );
  }
  return peak * warm * (decay === 'constant' ? 1 : end + (1 - end) * left);
}
