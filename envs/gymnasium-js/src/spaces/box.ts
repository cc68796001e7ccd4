// A product of closed intervals, bounded or not (gymnasium/spaces/box.py). Values are flat typed arrays in row-major order.
import { ConfigError, elementCount, ShapeError, typedArrayOf } from '@tessera/core';
import type { DType, TypedArrayOf } from '@tessera/core';
import type { Seed, TypedArray } from '../types.ts';
import { canCast, dtypeFacts, dtypeOf, isTypedArrayOf } from './dtype.ts';
import { formatArray, formatScalar } from './numpy-format.ts';
import { Space } from './space.ts';
import type { SpaceJSON } from './space.ts';

/** One bound for all coordinates, or one for each in row-major order. */
export type Bound = number | bigint | ArrayLike<number | bigint>;

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
  readonly dtype: D;
  readonly low: TypedArrayOf<D>;
  readonly high: TypedArrayOf<D>;
  /** 1 where a coordinate has a finite lower bound. */
  readonly boundedBelow: Uint8Array;
  /** 1 where a coordinate has a finite upper bound. */
  readonly boundedAbove: Uint8Array;
  // Every value of the dtype is inside: nothing to compare, which matters for frames of bytes.
  readonly #everything: boolean;

  /** Throws ShapeError for bounds that do not fit the shape, ConfigError for NaN, for bounds outside the dtype's range and for `low > high`. */
  constructor(options: BoxOptions<D>) {
    const { low, high, dtype = 'float32' as D, seed } = options;
    super();
    this.shape = options.shape === undefined ? inferShape(low, high) : [...options.shape];
    this.dtype = dtype;
    const { min, max, kind } = dtypeFacts(dtype);
    const count = elementCount(this.shape);
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
   * Throws ConfigError when `high - low` is beyond the largest number.
   */
  override sample(): TypedArrayOf<D> {
    const { low, high, boundedBelow, boundedAbove, npRandom } = this;
    const { kind } = dtypeFacts(this.dtype);
    const count = low.length;
    const top = kind === 'f' ? 0 : 1;
    const draws = new Float64Array(count);
    // NumPy draws class by class, so the order of these four loops is part of the stream.
    for (let i = 0; i < count; i++) {
      if (!boundedBelow[i] && !boundedAbove[i]) draws[i] = npRandom.standardNormal();
    }
    for (let i = 0; i < count; i++) {
      if (boundedBelow[i] && !boundedAbove[i]) draws[i] = npRandom.standardExponential() + Number(low[i]);
    }
    for (let i = 0; i < count; i++) {
      if (!boundedBelow[i] && boundedAbove[i]) draws[i] = -npRandom.standardExponential() + (Number(high[i]) + top);
    }
    for (let i = 0; i < count; i++) {
      if (boundedBelow[i] && boundedAbove[i]) draws[i] = this.#uniform(i, top);
    }
    return this.#cast(draws, kind === 'f');
  }

  #uniform(i: number, top: number): number {
    const low = Number(this.low[i]);
    const range = Number(this.high[i]) + top - low;
    if (!Number.isFinite(range)) {
      throw new ConfigError(
        `Box.sample: the range of coordinate ${i} exceeds the largest number. Narrow low and high.`,
      );
    }
    return low + range * this.npRandom.random();
  }

  #cast(draws: Float64Array, isReal: boolean): TypedArrayOf<D> {
    const sample = new (typedArrayOf(this.dtype))(draws.length);
    const { min, max } = dtypeFacts(this.dtype);
    for (let i = 0; i < draws.length; i++) {
      if (isReal) sample[i] = draws[i]!;
      else if (sample instanceof BigInt64Array) {
        const value = BigInt(Math.floor(draws[i]!));
        const [low, high] = [this.low[i] as bigint, this.high[i] as bigint];
        sample[i] = value < low ? low : value > high ? high : value;
      } else sample[i] = Math.min(Math.max(Math.floor(draws[i]!), min as number), max as number);
    }
    return sample;
  }

  /** Whether `x` is a typed array of a dtype that casts safely, or a plain array of numbers, of the right length and within the bounds. */
  override contains(x: unknown): boolean {
    const dtype = dtypeOf(x);
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

  /** Whether all coordinates have finite bounds, on both sides or on the one named. */
  isBounded(manner: 'both' | 'below' | 'above' = 'both'): boolean {
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
    const shape = this.shape.length === 1 ? `(${this.shape[0]},)` : `(${this.shape.join(', ')})`;
    return `Box(${this.#boundText(this.low)}, ${this.#boundText(this.high)}, ${shape}, ${this.dtype})`;
  }

  #boundText(bound: TypedArray): string {
    const values = bound as unknown as (number | bigint)[];
    const isConstant = values.length > 0 && values.every((value) => value === values[0]);
    return isConstant ? formatScalar(values[0]!, this.dtype) : formatArray(bound, this.shape, this.dtype);
  }

  override toJSON(): SpaceJSON {
    const texts = (bound: TypedArray, isBounded: Uint8Array, infinite: string): string[] =>
      Array.from(bound as ArrayLike<number | bigint>, (value, i) => (isBounded[i] ? digits(value) : infinite));
    return {
      type: 'Box',
      low: texts(this.low, this.boundedBelow, '-Infinity'),
      high: texts(this.high, this.boundedAbove, 'Infinity'),
      shape: [...this.shape],
      dtype: this.dtype,
    };
  }

  /** The space that `toJSON` described. */
  static fromJSON(json: SpaceJSON): Box<DType> {
    const isWhole = json['dtype'] === 'int64';
    const bound = (texts: readonly string[]): Bound =>
      texts.map((text) => (isWhole && !text.endsWith('Infinity') ? BigInt(text) : Number(text)));
    return new Box<DType>({
      low: bound(json['low'] as string[]),
      high: bound(json['high'] as string[]),
      shape: json['shape'] as number[],
      dtype: json['dtype'] as DType,
    });
  }
}

// String() would lose the sign of -0.
const digits = (value: number | bigint): string => (Object.is(value, -0) ? '-0' : String(value));
const isScalar = (bound: Bound): bound is number | bigint => typeof bound === 'number' || typeof bound === 'bigint';

function inferShape(low: Bound, high: Bound): number[] {
  if (!isScalar(low) && !isScalar(high) && low.length !== high.length) {
    throw new ShapeError(`Box: low and high don't match, low has ${low.length} values and high has ${high.length}.`);
  }
  if (!isScalar(low)) return [low.length];
  return isScalar(high) ? [1] : [high.length];
}

function castBound<D extends DType>(
  which: 'low' | 'high',
  bound: Bound,
  dtype: D,
  count: number,
  shape: readonly number[],
): [values: TypedArrayOf<D>, isBounded: Uint8Array] {
  if (!isScalar(bound) && bound.length !== count) {
    const got = `${which} has ${bound.length} values, shape=[${shape.join(', ')}]`;
    throw new ShapeError(`Box: ${which} doesn't match the provided shape, ${got}.`);
  }
  const { kind, min, max } = dtypeFacts(dtype);
  const infinite = which === 'low' ? -Infinity : Infinity;
  const values = new (typedArrayOf(dtype))(count);
  const isBounded = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const value = isScalar(bound) ? bound : bound[i]!;
    if (Number.isNaN(Number(value))) {
      throw new ConfigError(`Box: no ${which} value can be NaN, got ${String(value)} at ${i}.`);
    }
    if (value === infinite) {
      if (kind === 'u' || kind === 'b') {
        throw new ConfigError(`Box: ${dtype} doesn't support ${which}=${value}. Give a finite bound.`);
      }
      assign(values, i, kind === 'f' ? value : which === 'low' ? min : max);
    } else if (!(value >= min && value <= max) && !(kind === 'f' && Math.abs(Number(value)) === Infinity)) {
      const range = `[${min}, ${max}]`;
      throw new ConfigError(`Box: ${which} is out of the range of ${dtype}, ${which}=${value}, range ${range}.`);
    } else {
      if (kind !== 'f' && typeof value === 'number' && !Number.isInteger(value)) {
        throw new ConfigError(`Box: expected whole numbers for ${dtype}, got ${which}=${value}.`);
      }
      assign(values, i, value);
      isBounded[i] = 1;
    }
  }
  return [values, isBounded];
}

function assign(values: TypedArray, i: number, value: number | bigint): void {
  if (values instanceof BigInt64Array) values[i] = BigInt(value);
  else values[i] = Number(value);
}

function allClose(a: TypedArray, b: TypedArray): boolean {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])];
    // An infinite bound is close to itself alone: the tolerance of 1e-5 of infinity would take in everything.
    if (x !== y && !(Number.isFinite(y) && Math.abs(x - y) <= 1e-8 + 1e-5 * Math.abs(y))) return false;
  }
  return true;
}
