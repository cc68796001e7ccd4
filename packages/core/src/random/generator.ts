// NumPy's `Generator` over PCG64: the same methods in camelCase, one draw a call, bit for bit the same stream as `numpy.random.default_rng(seed)`.
// Only `gumbel` may differ in its last bits, where V8's logarithm and NumPy's do.
import { ConfigError } from '../errors.ts';
import { typedArrayOf } from '../ndarray.ts';
import type { DType, TypedArrayOf } from '../ndarray.ts';
import { bounded32, bounded64, boundedSmall, interval } from './bounded-integers.ts';
import { PCG64 } from './pcg64.ts';
import type { GeneratorState } from './pcg64.ts';
import type { SeedSequence } from './seed-sequence.ts';
import { standardExponential, standardNormal } from './ziggurat.ts';

/** The dtypes that `integersArray` draws. */
export type IntegerDType = Exclude<DType, 'float64' | 'float32'>;

const max32 = 0xffff_ffff;
// int64 is bounded by what a JavaScript number holds exactly.
const limits: { readonly [D in IntegerDType]: readonly [lowest: number, highest: number] } = {
  bool: [0, 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint8: [0, 2 ** 8 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, max32],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
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
   * 32-bit draw and drop what is left over at the end of the call.
   */
  integersArray<D extends IntegerDType>(low: number, high: number, size: number, dtype: D): TypedArrayOf<D> {
    if (!Object.hasOwn(limits, dtype)) {
      throw new ConfigError(
        `Generator.integersArray: expected a dtype out of ${Object.keys(limits).join(', ')}, got ${JSON.stringify(dtype)}.`,
      );
    }
    const [lowest, highest] = limits[dtype];
    const whole = Number.isSafeInteger(low) && Number.isSafeInteger(high);
    if (!(whole && low < high && low >= lowest && high - 1 <= highest))
      throw boundsError('integersArray', low, high, dtype);
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new ConfigError(
        `Generator.integersArray: expected a size that is a whole number >= 0, got ${String(size)}.`,
      );
    }
    const out = new (typedArrayOf(dtype))(size);
    const draw = this.#integerSource(low, high, dtype);
    if (out instanceof BigInt64Array) for (let i = 0; i < size; i++) out[i] = BigInt(draw());
    else for (let i = 0; i < size; i++) out[i] = draw();
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
    if (!Number.isSafeInteger(n) || n < 1)
      throw new ConfigError(`Generator.choice: expected a whole number n >= 1, got ${String(n)}.`);
    if (p === undefined) return this.integers(n);
    const total = totalProbability(n, p);
    const u = this.#bits.nextDouble();
    let sum = 0;
    for (let i = 0; i < n; i++) {
      sum += p[i]!;
      if (sum / total > u) return i;
    }
    return n - 1;
  }

  /** The numbers 0 to n - 1 in random order. */
  permutation(n: number): number[] {
    if (!Number.isSafeInteger(n) || n < 0 || n > max32) {
      throw new ConfigError(`Generator.permutation: expected a whole number n in [0, 2^32), got ${String(n)}.`);
    }
    const order = Array.from({ length: n }, (_, i) => i);
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

  // The range may be beyond 2^53 although both bounds are not.
  #wideInteger(low: number, high: number): number {
    return Number(BigInt(low) + bounded64(this.#bits, BigInt(high) - 1n - BigInt(low)));
  }
}

/** The sum of the probabilities, left to right as NumPy's cumulative sum. */
function totalProbability(n: number, p: ArrayLike<number>): number {
  if (p.length !== n) throw new ConfigError(`Generator.choice: expected ${n} probabilities, got ${p.length}.`);
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (!(p[i]! >= 0)) throw new ConfigError(`Generator.choice: expected probabilities >= 0, got p[${i}] = ${p[i]}.`);
    total += p[i]!;
  }
  const tolerance = p instanceof Float32Array ? 2 ** -11.5 : 2 ** -26;
  if (!(Math.abs(total - 1) <= tolerance)) {
    throw new ConfigError(
      `Generator.choice: expected probabilities that sum to 1, got ${total}. Divide them by their sum.`,
    );
  }
  return total;
}

function checkScale(method: string, scale: number): void {
  if (!(scale >= 0) || Object.is(scale, -0)) {
    throw new ConfigError(
      `Generator.${method}: expected a scale >= 0, got ${Object.is(scale, -0) ? '-0' : String(scale)}.`,
    );
  }
}

function boundsError(method: string, low: number, high: number, dtype?: IntegerDType): ConfigError {
  const within = dtype === undefined ? 'within +-(2^53 - 1)' : `that fit ${dtype} ([${limits[dtype].join(', ')}])`;
  return new ConfigError(
    `Generator.${method}: expected whole numbers low < high ${within}, high itself excluded, got low ${String(low)} and high ${String(high)}.`,
  );
}
