// The ways to choose starting codes among vectors: copies of some, k-means (Lloyd 1982), or k-means++ seeding, which is in `seeding.ts`.
import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import type { QuantizerConfig } from '../config.ts';
import { kMeansPlusPlus } from './seeding.ts';
import type { Vectors } from './seeding.ts';

/** Codes [count, width] with the number of vectors that each stands for, at least 1. */
export interface StartingCodes {
  readonly codes: Float32Array;
  readonly counts: ArrayLike<number>;
}

// What the recipe of lucidrains/vector-quantize-pytorch takes.
const lloydRounds = 10;

/** Starting codes for `count` codes by a method; undefined where they are to stay as they were initialised. Throws ConfigError when there are no vectors. */
export function startingCodes(
  method: QuantizerConfig['initialisation'],
  generator: Generator,
  vectors: Vectors,
  count: number,
): StartingCodes | undefined {
  if (method === 'uniform') return undefined;
  if (method === 'kmeans++') {
    return { codes: kMeansPlusPlus(generator, vectors, count), counts: new Float32Array(count).fill(1) };
  }
  let start: StartingCodes = { codes: anyVectors(generator, vectors, count), counts: new Float32Array(count).fill(1) };
  if (method === 'kmeans') for (let i = 0; i < lloydRounds; i++) start = lloydRound(vectors, start.codes);
  return start;
}

/** `count` rows of `vectors`, each row at most once more often than any other. Throws ConfigError when there are none. */
export function anyVectors(generator: Generator, { data, width }: Vectors, count: number): Float32Array {
  const rows = data.length / width;
  if (!(rows >= 1)) throw new ConfigError('anyVectors: expected at least one vector, got none.');
  const chosen = new Float32Array(count * width);
  let order: number[] = [];
  for (let code = 0; code < count; code++) {
    if (order.length === 0) order = Array.from(generator.permutation(rows), Number);
    const row = order.pop()!;
    chosen.set(data.subarray(row * width, (row + 1) * width), code * width);
  }
  return chosen;
}

/** One round of k-means: each code becomes the mean of the vectors nearest to it, the first of equals; a code without vectors stays and counts as 1. */
export function lloydRound({ data, width }: Vectors, codes: Float32Array): StartingCodes {
  const count = codes.length / width;
  const sums = new Float64Array(codes.length);
  const counts = new Float32Array(count);
  for (let row = 0; row < data.length / width; row++) {
    let [nearest, least] = [0, Infinity];
    for (let code = 0; code < count; code++) {
      let distance = 0;
      for (let d = 0; d < width && distance < least; d++) {
        distance += (data[row * width + d]! - codes[code * width + d]!) ** 2;
      }
      if (distance < least) [nearest, least] = [code, distance];
    }
    counts[nearest]!++;
    for (let d = 0; d < width; d++) sums[nearest * width + d]! += data[row * width + d]!;
  }
  const means = codes.map((x, i) => {
    const members = counts[Math.floor(i / width)]!;
    return members === 0 ? x : sums[i]! / members;
  });
  return { codes: means, counts: counts.map((members) => Math.max(1, members)) };
}
