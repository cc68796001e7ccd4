// What NumPy's `Generator.choice` draws beyond one equally likely index (numpy/random/_generator.pyx): indices by probability, and different ones.
import { ConfigError } from '../errors.ts';
import { bounded32, bounded64 } from './bounded-integers.ts';
import type { PCG64 } from './pcg64.ts';

const max32 = 0xffff_ffff;
// Up to here, and below one in fifty, different indices are found one by one; else the end of a shuffled range is taken.
const smallPopulation = 10_000;
const smallShare = 50;

/** Indices in [0, n) by their probabilities: the first whose cumulative sum is above a uniform draw. */
export class Categorical {
  readonly probabilities: Float64Array;
  readonly #cumulative: Float64Array;

  /** Throws ConfigError unless there are `n` probabilities >= 0 that sum to 1, within the tolerance that NumPy gives their dtype. */
  constructor(n: number, p: ArrayLike<number>) {
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
    this.probabilities = Float64Array.from(p);
    this.#cumulative = cumulate(this.probabilities);
  }

  /** One index. */
  draw(bits: PCG64): number {
    return indexOf(this.#cumulative, bits.nextDouble());
  }
}

/** `p.cumsum()` divided by its last value. */
function cumulate(p: Float64Array): Float64Array {
  const sums = new Float64Array(p.length);
  let sum = 0;
  for (let i = 0; i < p.length; i++) sums[i] = sum += p[i]!;
  for (let i = 0; i < p.length; i++) sums[i] = sums[i]! / sum;
  return sums;
}

/** `cumulative.searchsorted(u, side='right')`. */
function indexOf(cumulative: Float64Array, u: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Fills `out` with different indices in [0, n), each equally likely. */
export function distinct(bits: PCG64, n: number, out: Float64Array, shuffle: boolean): Float64Array {
  const size = out.length;
  if (n > smallPopulation && size > Math.floor(n / (shuffle ? smallShare : 20))) {
    const all = Float64Array.from({ length: n }, (_, i) => i);
    shuffleFrom(bits, all, Math.max(n - size, 1));
    out.set(all.subarray(n - size));
    return out;
  }
  // Floyd's algorithm: a draw that is there already stands for the end of the range it came from.
  const seen = new Set<number>();
  for (let end = n - size; end < n; end++) {
    const drawn = upTo(bits, end);
    const value = seen.has(drawn) ? end : drawn;
    seen.add(value);
    out[end - n + size] = value;
  }
  if (shuffle) shuffleFrom(bits, out, 1);
  return out;
}

/** Fills `out` with different indices by their probabilities: draws as many as are missing, keeps what is new, and forbids what it has. */
export function distinctWeighted(bits: PCG64, categorical: Categorical, out: Float64Array): Float64Array {
  const p = categorical.probabilities.slice();
  const possible = p.reduce((count, x) => count + Number(x > 0), 0);
  if (possible < out.length) {
    const got = `${possible} for size ${out.length}`;
    throw new ConfigError(`Generator.choiceArray: expected at least as many probabilities > 0 as indices, got ${got}.`);
  }
  let found = 0;
  while (found < out.length) {
    for (let i = 0; i < found; i++) p[out[i]!] = 0;
    const cumulative = cumulate(p);
    const draws = Array.from({ length: out.length - found }, () => indexOf(cumulative, bits.nextDouble()));
    for (const index of new Set(draws)) out[found++] = index;
  }
  return out;
}

/** Lemire's draws from the end, where `shuffle` masks and rejects: NumPy has both. */
function shuffleFrom(bits: PCG64, array: Float64Array, first: number): void {
  for (let i = array.length - 1; i >= first; i--) {
    const j = upTo(bits, i);
    const kept = array[j]!;
    array[j] = array[i]!;
    array[i] = kept;
  }
}

function upTo(bits: PCG64, range: number): number {
  return range <= max32 ? bounded32(bits, range) : Number(bounded64(bits, BigInt(range)));
}
