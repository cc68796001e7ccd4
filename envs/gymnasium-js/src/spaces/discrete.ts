// Finitely many whole numbers `start, ..., start + n - 1` (gymnasium/spaces/discrete.py).
import { ConfigError } from '@tessera/core';
import type { DType, IntegerDType } from '@tessera/core';
import type { Seed } from '../types.ts';
import {
  allowedBy,
  checkDistribution,
  checkNumbers,
  choiceTolerance,
  field,
  isSafeInteger,
  isString,
  sampleKind,
} from './checks.ts';
import { describe } from './describe.ts';
import { dtypeFacts } from './dtype.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

/** The dtypes of whole numbers: of Discrete and MultiDiscrete. */
export type WholeDType = Exclude<IntegerDType, 'bool'>;

export interface DiscreteOptions {
  /** The smallest element; 0 by default. */
  readonly start?: number;
  /** `int64` by default. Values are numbers whatever it is; 8 and 16 bits are drawn from a stream of their own kind. */
  readonly dtype?: WholeDType;
  readonly seed?: Seed;
}

export interface DiscreteSampleOptions extends SampleOptions {
  /** One 0 or 1 for each element: only elements marked 1 are drawn; `start` when there are none. */
  readonly mask?: ArrayLike<number> | null;
  /** One probability for each element, with sum 1. */
  readonly probability?: ArrayLike<number> | null;
}

/** The whole numbers `start, ..., start + n - 1`; a value is a JavaScript number. */
export class Discrete extends Space<number> {
  readonly shape: readonly number[] = [];
  readonly dtype: WholeDType;
  readonly n: number;
  readonly start: number;
  // Below 32 bits a draw takes a part of one word and drops the rest.
  readonly #isSmall: boolean;

  /** Throws ConfigError unless `n` is a whole number > 0, `start` a whole number and all elements fit the dtype. */
  constructor(n: number, options: DiscreteOptions = {}) {
    const { start = 0, dtype = 'int64', seed } = options;
    super();
    const { min, max } = wholeFacts('Discrete', dtype);
    if (!Number.isSafeInteger(n) || n <= 0) {
      throw new ConfigError(`Discrete: n (counts) has to be a positive whole number, actual value: ${describe(n)}.`);
    }
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(start + n)) {
      throw new ConfigError(`Discrete: start has to be a whole number within 2^53, actual value: ${describe(start)}.`);
    }
    if (start < min || start + n - 1 > max || n > max) {
      const got = `n=${n} and start=${start}`;
      throw new ConfigError(`Discrete: expected elements within the range of ${dtype}, [${min}, ${max}], got ${got}.`);
    }
    this.n = n;
    this.start = start;
    this.dtype = dtype;
    this.#isSmall = dtypeFacts(dtype).bits < 32;
    if (seed !== undefined) this.seed(seed);
  }

  /** One element, uniformly, or as `mask` or `probability` say. Throws ConfigError for a mask or probabilities that do not fit. */
  override sample(options: DiscreteSampleOptions = {}): number {
    const kind = sampleKind('Discrete', options);
    if (kind === 'mask') return this.#sampleMasked(options.mask);
    if (kind === 'probability') return this.#sampleWeighted(options.probability);
    const { n, start, dtype, npRandom } = this;
    return start + (this.#isSmall ? Number(npRandom.integersArray(0, n, 1, dtype)[0]) : npRandom.integers(n));
  }

  #sampleMasked(mask: unknown): number {
    const allowed = allowedBy('Discrete', checkNumbers('Discrete', 'mask', mask, this.n));
    return allowed.length === 0 ? this.start : this.start + allowed[this.npRandom.integers(allowed.length)]!;
  }

  #sampleWeighted(probability: unknown): number {
    const p = checkNumbers('Discrete', 'probability', probability, this.n);
    checkDistribution('Discrete', p, choiceTolerance);
    return this.start + this.npRandom.choice(this.n, { p: Array.from(p) });
  }

  override contains(x: unknown): boolean {
    if (typeof x !== 'number' && typeof x !== 'bigint') return false;
    const value = Number(x);
    return Number.isSafeInteger(value) && value >= this.start && value < this.start + this.n;
  }

  override get isNpFlattenable(): boolean {
    return true;
  }

  override seed(seed?: Seed): Seed {
    return this.seedOwn(seed);
  }

  override fromJsonable(json: unknown): number[] {
    const samples = super.fromJsonable(json);
    const odd = samples.findIndex((sample) => !Number.isSafeInteger(sample));
    if (odd < 0) return samples;
    throw new ConfigError(`Discrete.fromJsonable: expected whole numbers, got ${describe(samples[odd])} at ${odd}.`);
  }

  override equals(other: unknown): boolean {
    const { n, start, dtype } = this;
    return other instanceof Discrete && other.n === n && other.start === start && other.dtype === dtype;
  }

  override toString(): string {
    const start = this.start === 0 ? '' : `, start=${this.start}`;
    return `Discrete(${this.n}${start}${this.dtype === 'int64' ? '' : `, dtype=${this.dtype}`})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'Discrete', n: this.n, start: this.start, dtype: this.dtype };
  }

  /** The space that `toJSON` described; `int64` where it names no dtype. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON): Discrete {
    return new Discrete(field<number>(json, 'n', 'a whole number', isSafeInteger), {
      start: field<number>(json, 'start', 'a whole number', isSafeInteger),
      dtype: json['dtype'] === undefined ? 'int64' : field<WholeDType>(json, 'dtype', 'a dtype', isString),
    });
  }
}

/** Range of a dtype of whole numbers; throws ConfigError for any other. */
export function wholeFacts(
  where: string,
  dtype: unknown,
): { readonly min: number | bigint; readonly max: number | bigint } {
  const facts = dtypeFacts(dtype as DType);
  if (facts.kind === 'i' || facts.kind === 'u') return facts;
  throw new ConfigError(`${where}: invalid dtype (${String(dtype)}), must be an integer dtype.`);
}
