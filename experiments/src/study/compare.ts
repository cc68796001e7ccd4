// Numbers of several seeds and of models at several rates, made to compare.

/** Mean, smallest and largest of the seeds. */
export interface Spread {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** The spread of numbers; those that are none are left out. NaN of an empty list. */
export function spreadOf(values: readonly (number | null)[]): Spread {
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  if (known.length === 0) return { mean: NaN, low: NaN, high: NaN, count: 0 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return { mean, low: Math.min(...known), high: Math.max(...known), count: known.length };
}

/**
 * The value of a model family at a rate: a straight line between the two neighbours in log rate, and in log value where both are positive. NaN beyond the measured rates:
 * nothing is extrapolated.
 */
export function atRate(points: readonly { readonly rate: number; readonly value: number }[], rate: number): number {
  const sorted = points
    .filter((point) => point.rate > 0 && Number.isFinite(point.value))
    .toSorted((a, b) => a.rate - b.rate);
  const exact = sorted.filter((point) => Math.abs(point.rate / rate - 1) < 1e-9);
  if (exact.length > 0) return exact.reduce((sum, { value }) => sum + value, 0) / exact.length;
  const above = sorted.findIndex((point) => point.rate > rate);
  if (above <= 0) return NaN;
  const [a, b] = [sorted[above - 1]!, sorted[above]!];
  const share = Math.log(rate / a.rate) / Math.log(b.rate / a.rate);
  if (a.value > 0 && b.value > 0) return a.value * (b.value / a.value) ** share;
  return a.value + share * (b.value - a.value);
}

/** Which of two spreads is lower: only where the ranges of the seeds do not overlap is there a difference. */
export function lower(a: Spread, b: Spread): 'first' | 'second' | 'neither' | 'unknown' {
  if (a.count === 0 || b.count === 0) return 'unknown';
  if (a.high < b.low) return 'first';
  return b.high < a.low ? 'second' : 'neither';
}
