// Mean and variance of a stream (RunningMeanStd of gymnasium/wrappers/utils.py; the update is that of Chan, Golub and LeVeque 1979).
import type { EnvState } from '../types.ts';

/**
 * How NumPy's arrays of statistics are kept: in double precision; in single, rounded after each operation; or begun in single and, because
 * of samples in double, gone on in double. That is what NormalizeObservation does for observations of a dtype other than float32.
 */
export type RunningPrecision = 'float64' | 'float32' | 'float32 first';

const double = (value: number): number => value;

/** Per coordinate: starts at mean 0, variance 1 and a count of `1e-4`. */
export class RunningMeanStd {
  readonly mean: Float64Array;
  readonly variance: Float64Array;
  count = 1e-4;
  readonly #precision: RunningPrecision;

  constructor(size: number, precision: RunningPrecision = 'float64') {
    this.mean = new Float64Array(size);
    this.variance = new Float64Array(size).fill(1);
    this.#precision = precision;
  }

  /** Takes in one sample of all coordinates. */
  update(sample: ArrayLike<number>): void {
    const { mean, variance, count } = this;
    const round = this.#precision === 'float32' ? Math.fround : double;
    const total = count + 1;
    const isSingle = this.#precision === 'float32' || (this.#precision === 'float32 first' && count < 1);
    const roundPrior = isSingle ? Math.fround : double;
    for (let i = 0; i < mean.length; i++) {
      const delta = round(sample[i]! - mean[i]!);
      const spread = round(round(round(delta * delta) * round(count)) / round(total));
      mean[i] = round(mean[i]! + round(delta / round(total)));
      // A single sample has no variance of its own.
      const prior = roundPrior(variance[i]! * roundPrior(count));
      variance[i] = round(round(prior + spread) / round(total));
    }
    this.count = total;
  }

  /** `(sample - mean) / sqrt(variance + epsilon)` as float32. */
  normalize(sample: ArrayLike<number>, epsilon: number): Float32Array {
    const round = this.#precision === 'float32' ? Math.fround : double;
    return Float32Array.from(sample, (value, i) => {
      const deviation = round(Math.sqrt(round(this.variance[i]! + round(epsilon))));
      return round(value - this.mean[i]!) / deviation;
    });
  }

  getState(): EnvState {
    return { mean: this.mean.slice(), variance: this.variance.slice(), count: this.count };
  }

  setState(state: EnvState): void {
    this.mean.set(state['mean'] as Float64Array);
    this.variance.set(state['variance'] as Float64Array);
    this.count = state['count'] as number;
  }
}
