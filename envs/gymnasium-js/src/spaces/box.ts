// A product of closed intervals, bounded or not (gymnasium/spaces/box.py). Values are flat typed arrays in row-major order.
import { ConfigError, elementCount, isBigArray, typedArrayOf } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { Seed, TypedArray } from '../types.ts';
import { boundFromJson, boundTexts, castBound, checkBound, checkShape, inferShape } from './box-bounds.ts';
import type { Bound } from './box-bounds.ts';
import { field, isShape, isString } from './checks.ts';
import { describe } from './describe.ts';
import { canCast, dtypeFacts, dtypeOf, isTypedArrayOf } from './dtype.ts';
import { arraysFromJson, nestArray } from './nested.ts';
import { formatArray, formatScalar, formatTuple } from './numpy-format.ts';
import { Space } from './space.ts';
import type { SampleOptions, SpaceJSON } from './space.ts';

export type { Bound } from './box-bounds.ts';

export interface BoxOptions<D extends DType> {
  readonly low: Bound;
  readonly high: Bound;
  /** By default the length of `low` or `high` where one is an array, else `[1]`. */
  readonly shape?: readonly number[];
  /** `float32` by default. */
  readonly dtype?: D;
  readonly seed?: Seed;
}

/** The arrays `x` of one shape and dtype with `low <= x <= high` in each coordinate. */
export class Box<D extends DType = 'float32'> extends Space<TypedArrayOf<D>> {
  readonly shape: readonly number[];
  // Not inferred from: where some Space is expected, its dtype is any, and a Box without one is still of float32.
  readonly dtype: NoInfer<D>;
  readonly low: TypedArrayOf<D>;
  readonly high: TypedArrayOf<D>;
  /** 1 where a coordinate has a finite lower bound. */
  readonly boundedBelow: Uint8Array;
  /** 1 where a coordinate has a finite upper bound. */
  readonly boundedAbove: Uint8Array;
  // Every value of the dtype is inside: nothing to compare, which matters for frames of bytes.
  readonly #everything: boolean;

  /** Throws ShapeError for sizes that are no counts and for bounds that do not fit the shape, ConfigError for NaN, for bounds outside the dtype's range and for `low > high`. */
  constructor(options: BoxOptions<D>) {
    super();
    if (typeof options !== 'object' || options === null) {
      throw new ConfigError(`Box: expected an object { low, high, shape, dtype }, got ${describe(options)}.`);
    }
    const { low, high, dtype = 'float32' as D, seed } = options;
    checkBound('low', low);
    checkBound('high', high);
    this.shape = options.shape === undefined ? inferShape(low, high) : checkShape(options.shape);
    this.dtype = dtype;
    const { min, max, kind } = dtypeFacts(dtype);
    const count = elementCount(this.shape, 'Box');
    [this.low, this.boundedBelow] = castBound('low', low, dtype, count, this.shape);
    [this.high, this.boundedAbove] = castBound('high', high, dtype, count, this.shape);
    for (let i = 0; i < count; i++) {
      if (this.low[i]! > this.high[i]!) {
        const got = `low=${this.low[i]} and high=${this.high[i]} at ${i}`;
        throw new ConfigError(`Box: all low values must be less than or equal to high, got ${got}.`);
      }
    }
    const isAll = (bound: TypedArray, value: number | bigint): boolean =>
      (bound as unknown as (number | bigint)[]).every((x) => x === value);
    this.#everything = (kind === 'i' || kind === 'u') && isAll(this.low, min) && isAll(this.high, max);
    if (seed !== undefined) this.seed(seed);
  }

  /**
   * One value, each coordinate by its kind of interval: `[a, b]` uniform, `[a, inf)` `a + exponential`, `(-inf, b]` `b - exponential`,
   * `(-inf, inf)` normal; whole numbers are rounded down.
   *
   * Throws ConfigError when `high - low` is beyond the largest number, and for a mask or probabilities, which a Box does not take.
   */
  override sample(options: SampleOptions = {}): TypedArrayOf<D> {
    for (const [name, text] of [
      ['mask', 'a mask'],
      ['probability', 'a probability mask'],
    ] as const) {
      const given = options[name];
      if (given === undefined || given === null) continue;
      throw new ConfigError(`Box.sample cannot be provided ${text}, actual value: ${describe(given)}.`);
    }
    const { low, high, boundedBelow, boundedAbove, npRandom } = this;
    const { kind } = dtypeFacts(this.dtype);
    const count = low.length;
    const isReal = kind === 'f';
    const draws = new Float64Array(count);
    // NumPy draws class by class, so the order of these four loops is part of the stream.
    for (let i = 0; i < count; i++) {
      if (!boundedBelow[i] && !boundedAbove[i]) draws[i] = npRandom.standardNormal();
    }
    for (let i = 0; i < count; i++) {
      if (boundedBelow[i] && !boundedAbove[i]) draws[i] = npRandom.standardExponential() + Number(low[i]);
    }
    for (let i = 0; i < count; i++) {
      if (!boundedBelow[i] && boundedAbove[i]) draws[i] = -npRandom.standardExponential() + above(high[i]!, isReal);
    }
    for (let i = 0; i < count; i++) {
      if (boundedBelow[i] && boundedAbove[i]) draws[i] = this.#uniform(i, isReal);
    }
    return this.#cast(draws, isReal);
  }

  #uniform(i: number, isReal: boolean): number {
    const low = Number(this.low[i]);
    const range = above(this.high[i]!, isReal) - low;
    if (!Number.isFinite(range)) {
      throw new ConfigError(
        `Box.sample: the range of coordinate ${i} exceeds the largest number. Narrow low and high.`,
      );
    }
    return low + range * this.npRandom.random();
  }

  #cast(draws: Float64Array, isReal: boolean): TypedArrayOf<D> {
    const sample = new (typedArrayOf(this.dtype))(draws.length);
    const { min, max, kind } = dtypeFacts(this.dtype);
    // Gymnasium keeps signed samples two away from the ends of their dtype; never outside the space, though.
    const margin = kind === 'i' ? 2 : 0;
    for (let i = 0; i < draws.length; i++) {
      if (isReal) sample[i] = draws[i]!;
      else if (isBigArray(sample)) {
        const wide = BigInt(margin);
        const value = clamp(BigInt(Math.floor(draws[i]!)), (min as bigint) + wide, (max as bigint) - wide);
        sample[i] = clamp(value, this.low[i] as bigint, this.high[i] as bigint);
      } else {
        const value = clamp(Math.floor(draws[i]!), (min as number) + margin, (max as number) - margin);
        sample[i] = clamp(value, this.low[i] as number, this.high[i] as number);
      }
    }
    return sample;
  }

  /**
   * Whether `x` is a typed array of a dtype that casts safely, or a plain array of numbers, of the right length and within the bounds;
   * for the shape `[]` also a number.
   */
  override contains(x: unknown): boolean {
    const dtype = dtypeOf(x);
    if (typeof x === 'number' && this.shape.length === 0) return this.#containsList([x]);
    if (dtype === undefined) return Array.isArray(x) && this.#containsList(x);
    const values = x as TypedArray;
    if (values.length !== this.low.length) return false;
    if (!isTypedArrayOf(x, this.dtype) && !canCast(dtype, this.dtype)) return false;
    return (this.#everything && dtype === this.dtype) || this.#within(values);
  }

  #containsList(x: readonly unknown[]): boolean {
    const isReal = dtypeFacts(this.dtype).kind === 'f';
    const fits = x.every((value) => (isReal ? typeof value === 'number' : Number.isInteger(value)));
    return fits && x.length === this.low.length && this.#within(x as readonly number[]);
  }

  #within(values: ArrayLike<number> | ArrayLike<bigint>): boolean {
    const { low, high } = this;
    for (let i = 0; i < low.length; i++) {
      const value = values[i]!;
      if (!(value >= low[i]! && value <= high[i]!)) return false;
    }
    return true;
  }

  override get isNpFlattenable(): boolean {
    return true;
  }

  override seed(seed?: Seed): Seed {
    return this.seedOwn(seed);
  }

  /** Each sample as arrays in arrays; infinities, NaN and whole numbers beyond 2^53 as text. */
  override toJsonable(samples: readonly TypedArrayOf<D>[]): unknown[] {
    return samples.map((sample) => nestArray(sample, this.shape, this.dtype));
  }

  override fromJsonable(json: unknown): TypedArrayOf<D>[] {
    return arraysFromJson('Box', json, this.shape, this.dtype);
  }

  /** Whether all coordinates have finite bounds, on both sides or on the one named. Throws ConfigError for another word. */
  isBounded(manner: 'both' | 'below' | 'above' = 'both'): boolean {
    if (!['both', 'below', 'above'].includes(manner)) {
      throw new ConfigError(
        `Box.isBounded: manner is not in {'below', 'above', 'both'}, actual value: ${describe(manner)}.`,
      );
    }
    const below = this.boundedBelow.every(Boolean);
    const above = this.boundedAbove.every(Boolean);
    return manner === 'below' ? below : manner === 'above' ? above : below && above;
  }

  /** Equal shape and dtype, and bounds that `np.allclose` calls close. */
  override equals(other: unknown): boolean {
    return (
      other instanceof Box &&
      other.dtype === this.dtype &&
      String(other.shape) === String(this.shape) &&
      allClose(this.low, other.low) &&
      allClose(this.high, other.high)
    );
  }

  override toString(): string {
    return `Box(${this.#boundText(this.low)}, ${this.#boundText(this.high)}, ${formatTuple(this.shape)}, ${this.dtype})`;
  }

  #boundText(bound: TypedArray): string {
    const values = bound as unknown as (number | bigint)[];
    const isConstant = values.length > 0 && values.every((value) => value === values[0]);
    return isConstant ? formatScalar(values[0]!, this.dtype) : formatArray(bound, this.shape, this.dtype);
  }

  /** Bounds are text, one for all coordinates where they agree. */
  override toJSON(): SpaceJSON {
    return {
      type: 'Box',
      low: boundTexts(this.low, this.boundedBelow, '-Infinity'),
      high: boundTexts(this.high, this.boundedAbove, 'Infinity'),
      shape: [...this.shape],
      dtype: this.dtype,
    };
  }

  /** The space that `toJSON` described. Throws ConfigError, ShapeError or DTypeError for JSON that describes none. */
  static fromJSON(json: SpaceJSON): Box<DType> {
    const dtype = field<DType>(json, 'dtype', 'a dtype', isString);
    const shape = field<number[]>(json, 'shape', 'an array of whole numbers >= 0', isShape);
    return new Box<DType>({
      low: boundFromJson(json, 'low', dtype),
      high: boundFromJson(json, 'high', dtype),
      shape,
      dtype,
    });
  }
}

/** The end of the half-open interval that is drawn from: whole numbers up to and with `high`. */
function above(high: number | bigint, isReal: boolean): number {
  return typeof high === 'bigint' ? Number(high + 1n) : isReal ? high : high + 1;
}

function clamp<T extends number | bigint>(value: T, low: T, high: T): T {
  return value < low ? low : value > high ? high : value;
}

function allClose(a: TypedArray, b: TypedArray): boolean {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    // An infinite bound is close to itself alone: the tolerance of 1e-5 of infinity would take in everything.
    if (x !== y && !(Number.isFinite(y) && Math.abs(x - y) <= 1e-8 + 1e-5 * Math.abs(y))) return false;
  }
  return true;
}
