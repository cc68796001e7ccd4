// Arrays of zeros and ones (gymnasium/spaces/multi_binary.py).
import { ConfigError, elementCount } from '@tessera/core';
import type { DType } from '@tessera/core';
import type { Seed } from '../types.ts';
import { checkNumbers, field, isShape, sampleKind, sumOfProbabilities } from './checks.ts';
import { describe } from './describe.ts';
import { dtypeOf } from './dtype.ts';
import { arraysFromJson, nestArray } from './nested.ts';
import { formatTuple } from './numpy-format.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

export interface MultiBinarySampleOptions extends SampleOptions {
  /** One value for each element: 0 and 1 are taken as they are, 2 is drawn. */
  readonly mask?: ArrayLike<number> | null;
  /** The probability of a 1 for each element. */
  readonly probability?: ArrayLike<number> | null;
}

/** Arrays of 0 and 1 of one shape; a value is a flat Int8Array. */
export class MultiBinary extends Space<Int8Array> {
  readonly shape: readonly number[];
  readonly dtype: DType = 'int8';
  /** What the constructor was given. */
  readonly n: number | readonly number[];
  readonly #size: number;

  /** Of `n` elements, or of a shape. Throws ConfigError unless all sizes are whole numbers > 0. */
  constructor(n: number | readonly number[], options: { readonly seed?: Seed } = {}) {
    super();
    const shape: readonly unknown[] = Array.isArray(n) ? n : [n];
    if (!shape.every((size) => Number.isSafeInteger(size) && (size as number) > 0)) {
      const got = Array.isArray(n) ? `[${n.map(describe).join(', ')}]` : describe(n);
      throw new ConfigError(`MultiBinary: n (counts) have to be positive whole numbers, actual value: ${got}.`);
    }
    this.shape = [...shape] as number[];
    this.n = Array.isArray(n) ? this.shape : (n as number);
    this.#size = elementCount(this.shape, 'MultiBinary');
    if (options.seed !== undefined) this.seed(options.seed);
  }

  /** One value of fair coins, or as `mask` or `probability` say. Throws ConfigError for a mask that does not fit. */
  override sample(options: MultiBinarySampleOptions = {}): Int8Array {
    const kind = sampleKind('MultiBinary', options);
    if (kind === 'probability') return this.#weighted(options.probability);
    if (kind === undefined) return this.npRandom.integersArray(0, 2, this.#size, 'int8');
    const mask = checkNumbers('MultiBinary', 'mask', options.mask, this.#size);
    for (let i = 0; i < mask.length; i++) {
      if (mask[i] !== 0 && mask[i] !== 1 && mask[i] !== 2) {
        const got = `got ${String(mask[i])} at ${i}`;
        throw new ConfigError(`MultiBinary.sample: all values of the mask should be 0, 1 or 2, ${got}.`);
      }
    }
    // Also what the mask decides is drawn first, as in Gymnasium.
    return this.npRandom.integersArray(0, 2, this.#size, 'int8').map((drawn, i) => (mask[i] === 2 ? drawn : mask[i]!));
  }

  #weighted(given: unknown): Int8Array {
    const p = checkNumbers('MultiBinary', 'probability', given, this.#size);
    sumOfProbabilities('MultiBinary', p);
    return Int8Array.from({ length: this.#size }, (_, i) => Number(this.npRandom.random() <= p[i]!));
  }

  /** Whether `x` is a typed or plain flat array of the right length with nothing but 0 and 1 in it. */
  override contains(x: unknown): boolean {
    if (!Array.isArray(x) && dtypeOf(x) === undefined) return false;
    const values = x as ArrayLike<unknown>;
    if (values.length !== this.#size) return false;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value !== 0 && value !== 1 && value !== 0n && value !== 1n) return false;
    }
    return true;
  }

  override get isNpFlattenable(): boolean {
    return true;
  }

  override seed(seed?: Seed): Seed {
    return this.seedOwn(seed);
  }

  override toJsonable(samples: readonly Int8Array[]): unknown[] {
    return samples.map((sample) => nestArray(sample, this.shape));
  }

  override fromJsonable(json: unknown): Int8Array[] {
    return arraysFromJson('MultiBinary', json, this.shape, 'int8');
  }

  /** As in Gymnasium, `n` and the shape `[n]` are two spaces. */
  override equals(other: unknown): boolean {
    return other instanceof MultiBinary && other.toString() === this.toString();
  }

  override toString(): string {
    return `MultiBinary(${typeof this.n === 'number' ? this.n : formatTuple(this.n)})`;
  }

  override toJSON(): SpaceJSON {
    return { type: 'MultiBinary', n: typeof this.n === 'number' ? this.n : [...this.n] };
  }

  /** The space that `toJSON` described. Throws ConfigError for JSON that describes none. */
  static fromJSON(json: SpaceJSON): MultiBinary {
    const isSize = (value: unknown): boolean => Number.isSafeInteger(value) || isShape(value);
    return new MultiBinary(field<number | number[]>(json, 'n', 'a whole number or a shape', isSize));
  }
}
