// NumPy's SeedSequence: mixes a seed of any size and a spawn key into a pool of four 32-bit words, so that neighbouring seeds and children give unrelated streams.
// After M. E. O'Neill's seed_seq (https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html) and numpy/random/bit_generator.pyx.
import { ConfigError } from '../errors.ts';

const poolSize = 4;
const initA = 0x43b0d7e5;
const multA = 0x931e8875;
const initB = 0x8b51f9dd;
const multB = 0x58f38ded;
const mixLeft = 0xca01f9dd;
const mixRight = 0x4973f715;

/** A seed that can be split: `generateState` gives the words that start a generator, `spawn` gives children independent of it and of each other. */
export class SeedSequence {
  readonly entropy: number | bigint;
  readonly spawnKey: readonly (number | bigint)[];
  #childrenSpawned = 0;
  readonly #pool: Uint32Array;

  /**
   * `entropy` and each word of `spawnKey` are whole numbers >= 0, bigint above `2^53 - 1`; `childrenSpawned` says with which child `spawn` goes
   * on. Throws ConfigError otherwise.
   */
  constructor(
    entropy: number | bigint,
    options: { spawnKey?: readonly (number | bigint)[]; childrenSpawned?: number } = {},
  ) {
    const { spawnKey = [], childrenSpawned = 0 } = options;
    this.entropy = entropy;
    this.spawnKey = [...spawnKey];
    this.#childrenSpawned = checkCount('SeedSequence', childrenSpawned);
    const words = wordsOf(entropy, 'seed');
    const keyWords = this.spawnKey.flatMap((key) => wordsOf(key, 'spawn key'));
    // A short seed is padded first, so that (seed, key) never equals another seed without a key.
    while (keyWords.length > 0 && words.length < poolSize) words.push(0);
    this.#pool = mixPool([...words, ...keyWords]);
  }

  /** How many children `spawn` has given so far. */
  get childrenSpawned(): number {
    return this.#childrenSpawned;
  }

  /** The next `count` 32-bit words that start a bit generator; the same at each call. */
  generateState(count: number): Uint32Array {
    const state = new Uint32Array(count);
    let hash = initB;
    for (let i = 0; i < count; i++) {
      let value = this.#pool[i % poolSize]! ^ hash;
      hash = Math.imul(hash, multB);
      value = Math.imul(value, hash);
      state[i] = value ^ (value >>> 16);
    }
    return state;
  }

  /** `count` new children; the i-th child ever spawned has the spawn key `[...spawnKey, i]`. Throws ConfigError for a count that is no whole number >= 0. */
  spawn(count: number): SeedSequence[] {
    checkCount('SeedSequence.spawn', count);
    const first = this.#childrenSpawned;
    this.#childrenSpawned += count;
    return Array.from({ length: count }, (_, i) => this.#child(first + i));
  }

  /** The same sequence with a count of children of its own. */
  clone(): SeedSequence {
    return new SeedSequence(this.entropy, { spawnKey: this.spawnKey, childrenSpawned: this.#childrenSpawned });
  }

  #child(index: number): SeedSequence {
    return new SeedSequence(this.entropy, { spawnKey: [...this.spawnKey, index] });
  }
}

function checkCount(where: string, count: number): number {
  if (Number.isSafeInteger(count) && count >= 0) return count;
  throw new ConfigError(`${where}: expected a whole number of children >= 0, got ${String(count)}.`);
}

/** The little-endian 32-bit words of a whole number >= 0; `[0]` for 0. */
function wordsOf(value: number | bigint, what: string): number[] {
  const fits = typeof value === 'bigint' ? value >= 0n : Number.isSafeInteger(value) && value >= 0;
  if (!fits) {
    const got = typeof value === 'string' ? JSON.stringify(value) : String(value);
    throw new ConfigError(
      `SeedSequence: expected the ${what} to be a whole number >= 0 (a bigint above 2^53 - 1), got ${got}.`,
    );
  }
  const words: number[] = [];
  let rest = BigInt(value);
  do {
    words.push(Number(rest & 0xffff_ffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return words;
}

function mixPool(entropy: readonly number[]): Uint32Array {
  let hash = initA;
  const hashMix = (word: number): number => {
    let value = word ^ hash;
    hash = Math.imul(hash, multA);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  };
  const mix = (x: number, y: number): number => {
    const value = Math.imul(mixLeft, x) - Math.imul(mixRight, y);
    return value ^ (value >>> 16);
  };
  const pool = new Uint32Array(poolSize);
  for (let i = 0; i < poolSize; i++) pool[i] = hashMix(entropy[i] ?? 0);
  for (let source = 0; source < poolSize; source++) {
    for (let target = 0; target < poolSize; target++) {
      if (source !== target) pool[target] = mix(pool[target]!, hashMix(pool[source]!));
    }
  }
  for (const word of entropy.slice(poolSize)) {
    for (let target = 0; target < poolSize; target++) pool[target] = mix(pool[target]!, hashMix(word));
  }
  return pool;
}
