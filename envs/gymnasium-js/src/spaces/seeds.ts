// Seeds of spaces of spaces: one number is spread over the parts as Gymnasium spreads it.
import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { describe } from './describe.ts';
import type { SpaceSeed } from './space.ts';

// The largest int32, excluded: what Gymnasium draws sub-seeds below.
const subSeedEnd = 2 ** 31 - 1;

/** A seed for each of `count` parts. */
export function subSeeds(generator: Generator, count: number): number[] {
  return Array.from({ length: count }, () => generator.integers(subSeedEnd));
}

/** The seeds of a list, one for each of `count` streams. Throws ConfigError for another number of them. */
export function seedList(where: string, seed: SpaceSeed, count: number): readonly SpaceSeed[] {
  if (Array.isArray(seed) && seed.length === count) return seed as readonly SpaceSeed[];
  const got = Array.isArray(seed) ? `${seed.length} seeds` : describe(seed);
  throw new ConfigError(`${where}.seed: expected a whole number or a list of ${count} seeds, got ${got}.`);
}

/** Whether this is one seed, to be spread, rather than one for each part. Throws nothing: `seed` of the space checks it. */
export function isOneSeed(seed: SpaceSeed): seed is number | bigint {
  return typeof seed === 'number' || typeof seed === 'bigint';
}
