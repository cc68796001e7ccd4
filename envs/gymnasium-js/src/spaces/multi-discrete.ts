// Several whole numbers at once, each with its own range, like the buttons of a game pad (gymnasium/spaces/multi_discrete.py).
import { ConfigError, isBigArray, ShapeError } from '@tessera/core';
import type { TypedArrayOf } from '@tessera/core';
import type { Seed, TypedArray } from '../types.ts';
import {
  allocate,
  allowedBy,
  checkDistribution,
  checkNumbers,
  field,
  isclose,
  isShape,
  isString,
  sampleKind,
} from './checks.ts';
import { describe } from './describe.ts';
import { Discrete, wholeFacts } from './discrete.ts';
import type { WholeDType } from './discrete.ts';
import { canCast, dtypeOf } from './dtype.ts';
import { arraysFromJson, nestArray } from './nested.ts';
import { formatArray } from './numpy-format.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

/** Whole numbers in a typed array, a flat array, or arrays in arrays whose nesting is the shape. */
export type WholeNumbers = ArrayLike<number | bigint> | readonly WholeNumbers[];

/** One mask or one list of probabilities for each number, nested as the shape is. */
export type NestedMasks = readonly (ArrayLike<number> | NestedMasks)[];

export interface MultiDiscreteOptions<D extends WholeDType> {
  /** The smallest value of each number; 0 by default. */
  readonly start?: WholeNumbers;
  /** For a flat `nvec`; by default its length or its nesting. */
  readonly shape?: readonly number[];
  /** `int32` by default: Gymnasium's `int64` would make values of bigints. */
  readonly dtype?: D;
  readonly seed?: Seed;
}

export interface MultiDiscreteSampleOptions extends SampleOptions {
  /** For each number one 0 or 1 for each of its values; the smallest value when all are 0. */
  readonly mask?: NestedMasks | null;
  /** For each number one probability for each of its values, with sum 1. */
  readonly probability?: NestedMasks | null;
}

/** Arrays of whole numbers `x` with `start <= x < start + nvec`; a value is a flat typed array. */
export class MultiDiscrete<D extends WholeDType = 'int32'> extends Space<TypedArrayOf<D>> {
  readonly shape: readonly number[];
  // Not inferred from: where some Space is expected, its dtype is any, and a Box without one is still of float32.
  readonly dtype: NoInfer<D>;
  /** How many values each number has. */
  readonly nvec: TypedArrayOf<D>;
  readonly start: TypedArrayOf<D>;

  /** Throws ShapeError when `start` or `shape` do not fit `nvec`, ConfigError for counts that are not positive or beyond the dtype. */
  constructor(nvec: WholeNumbers, options: MultiDiscreteOptions<D> = {}) {
    const { start, dtype = 'int32' as D, seed } = options;
    super();
    const { min, max } = wholeFacts('MultiDiscrete', dtype);
    const counts = flattenNested('nvec', nvec);
    const starts = start === undefined ? undefined : flattenNested('start', start);
    this.shape = options.shape === undefined ? counts.shape : [...options.shape];
    const size = this.shape.reduce((product, n) => product * n, 1);
    if (size !== counts.values.length) {
      const got = `${counts.values.length} counts for shape [${this.shape.join(', ')}]`;
      throw new ShapeError(`MultiDiscrete: nvec (counts) should fit the shape, got ${got}.`);
    }
    const isSame = counts.shape.join() === starts?.shape.join() || starts?.shape.join() === this.shape.join();
    if (starts !== undefined && !isSame) {
      const got = `start has [${starts.shape.join(', ')}] and nvec has [${counts.shape.join(', ')}]`;
      throw new ShapeError(`MultiDiscrete: start and nvec (counts) should have the same shape, ${got}.`);
    }
    this.dtype = dtype;
    this.nvec = allocate('MultiDiscrete', dtype, size);
    this.start = allocate('MultiDiscrete', dtype, size);
    for (let i = 0; i < size; i++) {
      const [n, first] = [counts.values[i]!, starts?.values[i] ?? 0n];
      if (n <= 0n) throw new ConfigError(`MultiDiscrete: nvec (counts) have to be positive, got ${n} at ${i}.`);
      if (first < min || first + n - 1n > max || n > max) {
        const got = `nvec=${n} and start=${first} at ${i}`;
        throw new ConfigError(
          `MultiDiscrete: expected values within the range of ${dtype}, [${min}, ${max}], got ${got}.`,
        );
      }
      put(this.nvec, i, n);
      put(this.start, i, first);
    }
    if (seed !== undefined) this.seed(seed);
  }

  /** One value, each number uniform or as `mask` or `probability` say. Throws ConfigError for masks that do not fit. */
  override sample(options: MultiDiscreteSampleOptions = {}): TypedArrayOf<D> {
    const kind = sampleKind('MultiDiscrete', options);
    const { nvec, start, npRandom } = this;
    const sample = allocate('MultiDiscrete', this.dtype, nvec.length);
    if (kind === undefined) {
      // A fraction of the count, not `integers`: the streams differ.
      for (let i = 0; i < nvec.length; i++) add(sample, i, Math.trunc(npRandom.random() * Number(nvec[i])), start[i]!);
      return sample;
    }
    // All masks are checked before the first draw.
    const draws = flattenMasks(options[kind], this.shape).map((mask, i) => this.#draw(kind, mask, Number(nvec[i])));
    draws.forEach((draw, i) => add(sample, i, draw(), start[i]!));
    return sample;
  }

  #draw(kind: 'mask' | 'probability', given: unknown, n: number): () => number {
    const numbers = checkNumbers('MultiDiscrete', kind, given, n);
    if (kind === 'mask') {
      const allowed = allowedBy('MultiDiscrete', numbers);
      return () => (allowed.length === 0 ? 0 : allowed[this.npRandom.integers(allowed.length)]!);
    }
    const sum = checkDistribution('MultiDiscrete', numbers, isclose);
    const p = Array.from(numbers, (x) => x / sum);
    return () => this.npRandom.choice(n, { p });
  }

  /** Whether `x` is a typed array of a dtype that casts safely, or a flat array of whole numbers, of the right length and in range. */
  override contains(x: unknown): boolean {
    const dtype = dtypeOf(x);
    if (dtype === undefined ? !Array.isArray(x) : !canCast(dtype, this.dtype)) return false;
    const values = x as ArrayLike<unknown>;
    if (values.length !== this.nvec.length) return false;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value !== 'bigint' && !Number.isInteger(value)) return false;
      // Differences of bigints are exact, also beyond 2^53.
      const [first, n] = [this.start[i]!, this.nvec[i]!];
      const offset = typeof first === 'bigint' ? BigInt(value as number) - first : Number(value) - Number(first);
      if (!(offset >= 0 && offset < n)) return false;
    }
    return true;
  }

  /** The space of the number at this index: along the first axis, so that a space of several axes gives one of fewer. It draws on from here. */
  at(index: number): Discrete | MultiDiscrete<D> {
    const [rows = 0, ...inner] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new ConfigError(`MultiDiscrete.at: expected an index in [0, ${rows}), got ${describe(index)}.`);
    }
    const size = this.nvec.length / rows;
    const part = (values: TypedArray): TypedArray => values.subarray(index * size, (index + 1) * size) as TypedArray;
    const { dtype } = this;
    const space =
      inner.length === 0
        ? new Discrete(Number(this.nvec[index]), { start: Number(this.start[index]), dtype })
        : new MultiDiscrete<D>(part(this.nvec), { start: part(this.start), shape: inner, dtype });
    space.npRandom = this.npRandom.clone();
    return space;
  }

  override get isNpFlattenable(): boolean {
    return true;
  }

  override seed(seed?: Seed): Seed {
    return this.seedOwn(seed);
  }

  override toJsonable(samples: readonly TypedArrayOf<D>[]): unknown[] {
    return samples.map((sample) => nestArray(sample, this.shape));
  }

  override fromJsonable(json: unknown): TypedArrayOf<D>[] {
    return arraysFromJson('MultiDiscrete', json, this.shape, this.dtype);
  }

  override equals(other: unknown): boolean {
    return (
      other instanceof MultiDiscrete &&
      other.dtype === this.dtype &&
      other.shape.join() === this.shape.join() &&
      (other as MultiDiscrete<WholeDType>).nvec.join() === this.nvec.join() &&
      (other as MultiDiscrete<WholeDType>).start.join() === this.start.join()
    );
  }

  override toString(): string {
    const nvec = formatArray(this.nvec, this.shape, this.dtype);
    const isShifted = (this.start as unknown as (number | bigint)[]).some((value) => Number(value) !== 0);
    return isShifted
      ? `MultiDiscrete(${nvec}, start=${formatArray(this.start, this.shape, this.dtype)})`
      : `MultiDiscrete(${nvec})`;
  }

  /** Counts and starts are text, as they may be beyond 2^53. */
  override toJSON(): SpaceJSON {
    const texts = (values: TypedArray): string[] => Array.from(values as ArrayLike<number | bigint>, String);
    const { shape, dtype } = this;
    return { type: 'MultiDiscrete', nvec: texts(this.nvec), start: texts(this.start), shape: [...shape], dtype };
  }

  /** The space that `toJSON` described. Throws ConfigError or ShapeError for JSON that describes none. */
  static fromJSON(json: SpaceJSON): MultiDiscrete<WholeDType> {
    const areWhole = (value: unknown): boolean =>
      Array.isArray(value) && value.every((text) => typeof text === 'string' && /^-?\d{1,20}$/.test(text));
    const numbers = (name: string): bigint[] =>
      field<string[]>(json, name, 'an array of whole numbers as text', areWhole).map(BigInt);
    const shape = field<number[]>(json, 'shape', 'an array of whole numbers >= 0', isShape);
    const dtype = field<WholeDType>(json, 'dtype', 'a dtype', isString);
    return new MultiDiscrete<WholeDType>(numbers('nvec'), { start: numbers('start'), shape, dtype });
  }
}

function put(values: TypedArray, i: number, value: bigint): void {
  values[i] = (isBigArray(values) ? value : Number(value)) as never;
}

function add(values: TypedArray, i: number, offset: number, start: number | bigint): void {
  values[i] = (typeof start === 'bigint' ? BigInt(offset) + start : offset + start) as never;
}

function flattenNested(what: string, numbers: WholeNumbers): { values: bigint[]; shape: number[] } {
  const values: bigint[] = [];
  const shape: number[] = [];
  const visit = (part: unknown, axis: number): void => {
    if (!Array.isArray(part) && dtypeOf(part) === undefined) {
      const isWhole = typeof part === 'bigint' || Number.isSafeInteger(part);
      if (!isWhole || (axis !== shape.length && values.length > 0)) throw oddNumbers(what, part);
      if (axis === 0) throw oddNumbers(what, part);
      values.push(BigInt(part as number));
      return;
    }
    const { length } = part as ArrayLike<unknown>;
    if (axis === shape.length && values.length === 0) shape.push(length);
    if (shape[axis] !== length || axis > 31) throw oddNumbers(what, part);
    for (let i = 0; i < length; i++) visit((part as ArrayLike<unknown>)[i], axis + 1);
  };
  visit(numbers, 0);
  return { values, shape };
}

function oddNumbers(what: string, got: unknown): ConfigError {
  return new ConfigError(
    `MultiDiscrete: expected ${what} to be whole numbers in an array or in arrays of equal lengths, got ${describe(got)}.`,
  );
}

function flattenMasks(masks: unknown, shape: readonly number[]): unknown[] {
  let level: unknown[] = [masks];
  for (const size of shape) {
    level = level.flatMap((part) => {
      if (Array.isArray(part) && part.length === size) return part as unknown[];
      const expected = `one mask or one list of probabilities for each of ${size} numbers`;
      throw new ConfigError(`MultiDiscrete.sample: expected ${expected}, got ${describe(part)}.`);
    });
  }
  return level;
}
