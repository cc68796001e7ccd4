// NumPy's `Generator` over PCG64: the same methods in camelCase, one draw a call, bit for bit the same stream as `numpy.random.default_rng(seed)`.
// Only `gumbel` may differ in its last bits, where V8's logarithm and NumPy's do.
import { ConfigError } from '../errors.ts';
import { isBigArray, typedArrayOf } from '../ndarray.ts';
import type { DType, TypedArrayOf } from '../ndarray.ts';
import { bounded32, bounded64, boundedSmall, interval } from './bounded-integers.ts';
import { Categorical, distinct, distinctWeighted } from './choice.ts';
import { PCG64 } from './pcg64.ts';
import type { GeneratorState } from './pcg64.ts';
import type { SeedSequence } from './seed-sequence.ts';
import { standardExponential, standardNormal } from './ziggurat.ts';

/** The dtypes that `integersArray` draws. */
export type IntegerDType = Exclude<DType, 'float64' | 'float32'>;

const max32 = 0xffff_ffff;
const limits: { readonly [D in IntegerDType]: readonly [lowest: number | bigint, highest: number | bigint] } = {
  bool: [0, 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint8: [0, 2 ** 8 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, max32],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0, 2n ** 64n - 1n],
};

/** The generator that NumPy's `default_rng(seed)` is; throws ConfigError for a seed that is no whole number >= 0. */
export function npRandom(seed: number | bigint | SeedSequence): Generator {
  return new Generator(new PCG64(seed));
}

/** Random draws from one stream of bits. Every method throws ConfigError for parameters outside its domain, before it draws. */
export class Generator {
  readonly #bits: PCG64;

  constructor(bits: PCG64) {
    this.#bits = bits;
  }

  /** Uniform in [0, 1), a multiple of `2^-53`. */
  random(): number {
    return this.#bits.nextDouble();
  }

  /** Uniform in [low, high): `low + (high - low) * random()`, which may round up to `high`. */
  uniform(low = 0, high = 1): number {
    const range = high - low;
    if (!(range >= 0 && range < Infinity)) {
      throw new ConfigError(`Generator.uniform: expected finite low <= high, got low ${low} and high ${high}.`);
    }
    return low + range * this.#bits.nextDouble();
  }

  /** A whole number in [low, high), or in [0, low) when `high` is left out, as NumPy draws int64; the bounds lie within `+-(2^53 - 1)`. */
  integers(low: number, high?: number): number {
    const first = high === undefined ? 0 : low;
    const end = high ?? low;
    if (!(Number.isSafeInteger(first) && Number.isSafeInteger(end) && first < end))
      throw boundsError('integers', first, end);
    const range = end - 1 - first;
    return range <= max32 ? first + bounded32(this.#bits, range) : this.#wideInteger(first, end);
  }

  /**
   * `size` whole numbers in [low, high) as NumPy's `integers(low, high, size, dtype)` draws them: dtypes of 8 and 16 bits (and bool) take several from one
   * 32-bit draw and drop what is left over at the end of the call. Bounds of int64 and uint64 beyond `+-(2^53 - 1)` are bigints.
   */
  integersArray<D extends IntegerDType>(
    low: number | bigint,
    high: number | bigint,
    size: number,
    dtype: D,
  ): TypedArrayOf<D> {
    if (!Object.hasOwn(limits, dtype)) {
      throw new ConfigError(
        `Generator.integersArray: expected a dtype out of ${Object.keys(limits).join(', ')}, got ${JSON.stringify(dtype)}.`,
      );
    }
    const [lowest, highest] = limits[dtype];
    const whole = isWhole(low) && isWhole(high);
    if (!(whole && low < high && low >= lowest && BigInt(high) - 1n <= highest))
      throw boundsError('integersArray', low, high, dtype);
    const out = allocate('integersArray', dtype, size);
    if (isBigArray(out)) this.#fillWide(out, BigInt(low), BigInt(high));
    else {
      const draw = this.#integerSource(Number(low), Number(high), dtype);
      for (let i = 0; i < size; i++) out[i] = draw();
    }
    return out;
  }

  /** Normal of mean `loc` and standard deviation `scale >= 0`. */
  normal(loc = 0, scale = 1): number {
    checkScale('normal', scale);
    return loc + scale * standardNormal(this.#bits);
  }

  /** Normal of mean 0 and standard deviation 1. */
  standardNormal(): number {
    return standardNormal(this.#bits);
  }

  /** Exponential of mean 1. */
  standardExponential(): number {
    return standardExponential(this.#bits);
  }

  /** Exponential of mean `scale >= 0`. */
  exponential(scale = 1): number {
    checkScale('exponential', scale);
    return scale * standardExponential(this.#bits);
  }

  /** The number of trials up to the first success, each of probability `p` in (0, 1]; at least 1. */
  geometric(p: number): number {
    if (!(p > 0 && p <= 1))
      throw new ConfigError(`Generator.geometric: expected a probability in (0, 1], got ${String(p)}.`);
    // NumPy's own border between searching the sum and inverting it.
    if (p < 1 / 3) return Math.ceil(-standardExponential(this.#bits) / Math.log1p(-p));
    const u = this.#bits.nextDouble();
    let trials = 1;
    let sum = p;
    let product = p;
    while (u > sum) {
      product *= 1 - p;
      sum += product;
      trials++;
    }
    return trials;
  }

  /** Gumbel of mode `loc` and scale `scale >= 0`: `loc - scale * log(-log(1 - random()))`. */
  gumbel(loc = 0, scale = 1): number {
    checkScale('gumbel', scale);
    for (;;) {
      const u = 1 - this.#bits.nextDouble();
      if (u < 1) return loc - scale * Math.log(-Math.log(u));
    }
  }

  /** An index in [0, n): each equally likely, or index i with probability `p[i]`, where `p` sums to 1 within `1.5e-8` (`3.5e-4` for a Float32Array). */
  choice(n: number, options: { p?: ArrayLike<number> } = {}): number {
    const { p } = options;
    checkPopulation('choice', n);
    return p === undefined ? this.integers(n) : new Categorical(n, p).draw(this.#bits);
  }

  /**
   * `size` indices in [0, n) as NumPy's `choice(n, size, replace, p, shuffle=shuffle)` draws them: independent ones, or different ones when `replace` is
   * false, whose order is random unless `shuffle` is false.
   */
  choiceArray(
    n: number,
    size: number,
    options: { p?: ArrayLike<number>; replace?: boolean; shuffle?: boolean } = {},
  ): Float64Array {
    const { p, replace = true, shuffle = true } = options;
    if (n !== 0 || size !== 0) checkPopulation('choiceArray', n);
    const out = allocate('choiceArray', 'float64', size);
    if (size === 0) return out;
    if (replace) {
      const categorical = p === undefined ? undefined : new Categorical(n, p);
      for (let i = 0; i < size; i++) out[i] = categorical?.draw(this.#bits) ?? this.integers(n);
      return out;
    }
    if (size > n) {
      throw new ConfigError(
        `Generator.choiceArray: expected at most ${n} different indices, got size ${size}. Pass a smaller size, or replace: true.`,
      );
    }
    return p === undefined
      ? distinct(this.#bits, n, out, shuffle)
      : distinctWeighted(this.#bits, new Categorical(n, p), out);
  }

  /** The numbers 0 to n - 1, or the elements of an array, in random order. The array stays as it is. */
  permutation(n: number): number[];
  permutation<T>(array: readonly T[]): T[];
  permutation<T>(of: number | readonly T[]): (number | T)[] {
    if (Array.isArray(of)) {
      const copy = [...(of as readonly T[])];
      this.shuffle(copy);
      return copy;
    }
    if (!Number.isSafeInteger(of) || (of as number) < 0 || (of as number) > max32) {
      throw new ConfigError(`Generator.permutation: expected a whole number n in [0, 2^32), got ${String(of)}.`);
    }
    const order = Array.from({ length: of as number }, (_, i) => i);
    this.shuffle(order);
    return order;
  }

  /** Shuffles an array in place. */
  shuffle<T>(array: { readonly length: number; [index: number]: T }): void {
    for (let i = array.length - 1; i > 0; i--) {
      const j = interval(this.#bits, i);
      const kept = array[i]!;
      array[i] = array[j]!;
      array[j] = kept;
    }
  }

  /** `count` generators whose streams are independent of this one and of each other; drawing nothing, each call gives new ones. */
  spawn(count: number): Generator[] {
    return this.#bits.seedSequence.spawn(count).map((sequence) => new Generator(new PCG64(sequence)));
  }

  /** A generator of its own at the same position. */
  clone(): Generator {
    return new Generator(this.#bits.clone());
  }

  /** The exact position in the stream, as plain JSON. */
  getState(): GeneratorState {
    return this.#bits.getState();
  }

  /** Goes to a position that `getState` gave; throws FormatError, and moves nothing, when it is not one. */
  setState(state: GeneratorState): void {
    this.#bits.setState(state);
  }

  #integerSource(low: number, high: number, dtype: IntegerDType): () => number {
    const bits = this.#bits;
    const range = high - 1 - low;
    const { BYTES_PER_ELEMENT: bytes } = typedArrayOf(dtype);
    if (bytes <= 2) {
      const draw = boundedSmall(bits, range, dtype === 'bool' ? 1 : bytes === 1 ? 8 : 16);
      return () => low + draw();
    }
    return range <= max32 ? () => low + bounded32(bits, range) : () => this.#wideInteger(low, high);
  }

  #fillWide(out: BigInt64Array | BigUint64Array, low: bigint, high: bigint): void {
    const range = high - 1n - low;
    const narrow = range <= max32 ? Number(range) : undefined;
    for (let i = 0; i < out.length; i++) {
      out[i] = low + (narrow === undefined ? bounded64(this.#bits, range) : BigInt(bounded32(this.#bits, narrow)));
    }
  }

  // The range may be beyond 2^53 although both bounds are not.
  #wideInteger(low: number, high: number): number {
    return Number(BigInt(low) + bounded64(this.#bits, BigInt(high) - 1n - BigInt(low)));
  }
}

function checkPopulation(method: string, n: number): void {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new ConfigError(`Generator.${method}: expected a whole number n >= 1, got ${String(n)}.`);
}

const isWhole = (value: unknown): boolean => typeof value === 'bigint' || Number.isSafeInteger(value);

function allocate<D extends DType>(method: string, dtype: D, size: number): TypedArrayOf<D> {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new ConfigError(`Generator.${method}: expected a size that is a whole number >= 0, got ${String(size)}.`);
  }
  try {
    return new (typedArrayOf(dtype))(size);
  } catch (cause) {
    throw new ConfigError(`Generator.${method}: no memory for ${size} values.`, { cause });
  }
}

function checkScale(method: string, scale: number): void {
  if (!(scale >= 0) || Object.is(scale, -0)) {
    throw new ConfigError(
      `Generator.${method}: expected a scale >= 0, got ${Object.is(scale, -0) ? '-0' : String(scale)}.`,
    );
  }
}

function boundsError(method: string, low: number | bigint, high: number | bigint, dtype?: IntegerDType): ConfigError {
  const within = dtype === undefined ? 'within +-(2^53 - 1)' : `that fit ${dtype} ([${limits[dtype].join(', ')}])`;
  return new ConfigError(
    `Generator.${method}: expected whole numbers low < high ${within}, high itself excluded, got low ${String(low)} and high ${String(high)}.`,
  );
}
