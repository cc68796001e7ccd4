// Generators from seeds as gymnasium/utils/seeding.py makes them: NumPy's `Generator(PCG64(SeedSequence(seed)))`, bit for bit.
import { ConfigError, npRandom as numpyGenerator } from '@tessera/core';
import type { Generator } from '@tessera/core';
import type { Seed } from './types.ts';

/** A generator and the seed that makes it again. */
export interface SeededGenerator {
  readonly generator: Generator;
  readonly seed: Seed;
}

/**
 * NumPy's PCG64 stream of `seed`; without a seed, one of 128 random bits from the operating system.
 *
 * Throws ConfigError when the seed is not a whole number >= 0.
 */
export function npRandom(seed?: Seed): SeededGenerator {
  const checked = seed === undefined ? entropy() : checkSeed(seed);
  return { generator: numpyGenerator(checked), seed: checked };
}

/** Returns the seed when it is one; throws ConfigError otherwise. */
export function checkSeed(seed: unknown): Seed {
  if (typeof seed !== 'bigint' && !(typeof seed === 'number' && Number.isInteger(seed))) {
    const got = typeof seed === 'number' ? String(seed) : typeof seed;
    throw new ConfigError(`Seed must be a whole number or a bigint, actual: ${got}. Pass for example seed: 0.`);
  }
  if (seed < 0) {
    throw new ConfigError(`Seed must be greater or equal to zero, actual value: ${seed}.`);
  }
  if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
    throw new ConfigError(`Seed ${seed} is beyond 2^53, where numbers lose digits. Pass it as a bigint.`);
  }
  return seed;
}

function entropy(): bigint {
  return globalThis.crypto.getRandomValues(new BigUint64Array(2)).reduce((all, word) => (all << 64n) | word, 0n);
}
