// Finitely many whole numbers `start, ..., start + n - 1` (gymnasium/spaces/discrete.py).
import { ConfigError } from '@tessera/core';
import type { DType } from '@tessera/core';
import type { Seed } from '../types.ts';
import { Space } from './space.ts';
import type { SpaceJSON } from './space.ts';

export interface DiscreteOptions {
  /** The smallest element; 0 by default. */
  readonly start?: number;
  readonly seed?: Seed;
}

export interface DiscreteSampleOptions {
  /** One 0 or 1 for each element: only elements marked 1 are drawn; `start` when there are none. */
  readonly mask?: ArrayLike<number>;
  /** One probability for each element, with sum 1. */
  readonly probability?: ArrayLike<number>;
}

/** The whole numbers `start, ..., start + n - 1`; a value is a JavaScript number. */
export class Discrete extends Space<number> {
  readonly shape: readonly number[] = [];
  readonly dtype: DType = 'int64';
  readonly n: number;
  readonly start: number;

  /** Throws ConfigError unless `n` is a whole number > 0 and `start` a whole number. */
  constructor(n: number, options: DiscreteOptions = {}) {
    const { start = 0, seed } = options;
    super();
    if (!Number.isSafeInteger(n) || n <= 0) {
      throw new ConfigError(`Discrete: n (counts) has to be a positive whole number, actual value: ${String(n)}.`);
    }
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(start + n)) {
      throw new ConfigError(`Discrete: start has to be a whole number within 2^53, actual value: ${String(start)}.`);
    }
    this.n = n;
    this.start = start;
    if (seed !== undefined) this.seed(seed);
  }

  /** One element, uniformly, or as `mask` or `probability` say. Throws ConfigError for a mask or probabilities that do not fit. */
  override sample(options: DiscreteSampleOptions = {}): number {
    const { mask, probability } = options;
    if (mask !== undefined && probability !== undefined) {
      throw new ConfigError('Discrete.sample: only one of mask or probability can be provided, got both.');
    }
    if (mask !== undefined) return this.#sampleMasked(mask);
    if (probability !== undefined) return this.#sampleWeighted(probability);
    return this.start + this.npRandom.integers(this.n);
  }

  #sampleMasked(mask: ArrayLike<number>): number {
    this.#checkLength('mask', mask);
    const valid: number[] = [];
    for (let i = 0; i < this.n; i++) {
      if (mask[i] !== 0 && mask[i] !== 1) {
        throw new ConfigError(`Discrete.sample: all values of the mask should be 0 or 1, got ${mask[i]} at ${i}.`);
      }
      if (mask[i] === 1) valid.push(i);
    }
    if (valid.length === 0) return this.start;
    return this.start + valid[this.npRandom.integers(valid.length)]!;
  }

  #sampleWeighted(probability: ArrayLike<number>): number {
    this.#checkLength('probability', probability);
    const weights = Array.from(probability);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const odd = weights.findIndex((weight) => !(weight >= 0 && weight <= 1));
    if (odd >= 0) {
      const got = `got ${weights[odd]} at ${odd}`;
      throw new ConfigError(`Discrete.sample: all probabilities should be between 0 and 1, ${got}.`);
    }
    // NumPy's own tolerance in Generator.choice.
    if (Math.abs(sum - 1) > 1.5e-8) {
      throw new ConfigError(`Discrete.sample: the sum of the probabilities should be 1, got ${sum}.`);
    }
    return this.start + this.npRandom.choice(this.n, { p: weights });
  }

  #checkLength(what: string, values: ArrayLike<number>): void {
    if (values.length !== this.n) {
      throw new ConfigError(`Discrete.sample: expected a ${what} of ${this.n} values, got ${values.length}.`);
    }
  }

  override contains(x: unknown): boolean {
    if (typeof x !== 'number' && typeof x !== 'bigint') return false;
    const value = Number(x);
    return Number.isSafeInteger(value) && value >= this.start && value < this.start + this.n;
  }

  override equals(other: unknown): boolean {
    return other instanceof Discrete && other.n === this.n && other.start === this.start;
  }

  override toString(): string {
    return this.start === 0 ? `Discrete(${this.n})` : `Discrete(${this.n}, start=${this.start})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Discrete', n: this.n, start: this.start };
  }

  /** The space that `toJSON` described. */
  static fromJSON(json: SpaceJSON): Discrete {
    return new Discrete(json['n'] as number, { start: json['start'] as number });
  }
}
