// Vectors and codebooks that have broken quantizers before: duplicate and zero rows, huge common offsets, tiny scales, single rows, single columns, -0;
// and the distances between them in float64, which are the truth of the laws.
import { fc } from '@fast-check/vitest';
import { createEngine } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Engines by name. */
export const engines: readonly (readonly [string, Engine])[] = [
  ['cpu', await createEngine({ backend: 'cpu' })],
  ['wasm', await createEngine({ backend: 'wasm' })],
];

/** Vectors z [N, D] and codes [K, D]. */
export interface Sample {
  readonly z: NdArray<'float32'>;
  readonly codebook: NdArray<'float32'>;
}

/** How a sample is drawn. */
export interface Recipe {
  readonly rows: number;
  readonly codes: number;
  readonly width: number;
  readonly seed: number;
  readonly offset: number;
  readonly scale: number;
  /** Numbers out of -1, -0, 0, 1 instead of normal ones, so that distances tie. */
  readonly ties: boolean;
  /** Copies some codes to later rows and sets others to zero. */
  readonly repeated: boolean;
  /** Vectors: around codes (the share is the noise), or of their own. */
  readonly noise: number | undefined;
}

/** The sample of a recipe. */
export function sampleOf({ rows, codes, width, seed, offset, scale, ties, repeated, noise }: Recipe): Sample {
  const generator = npRandom(seed);
  const number = () => (ties ? [-1, -0, 0, 1][generator.integers(4)]! * scale : offset + scale * generator.normal());
  const codebook = ndarray('float32', [codes, width]);
  codebook.data.forEach((_, i) => (codebook.data[i] = number()));
  if (repeated) {
    for (let k = 1; k < codes; k++) {
      const from = generator.integers(2 * k);
      if (from < k) codebook.data.copyWithin(k * width, from * width, (from + 1) * width);
      else if (generator.random() < 0.2) codebook.data.fill(0, k * width, (k + 1) * width);
    }
  }
  const z = ndarray('float32', [rows, width]);
  for (let i = 0; i < rows; i++) {
    const code = generator.integers(codes);
    for (let d = 0; d < width; d++) {
      z.data[i * width + d] =
        noise === undefined ? number() : codebook.data[code * width + d]! + noise * scale * generator.normal();
    }
  }
  return { z, codebook };
}

/** Hostile samples; `minCodes` is 2 where a quantizer asks for a choice, `minRows` 1 where a law needs a vector. */
export function samples({
  minCodes = 1,
  minRows = 0,
}: { minCodes?: number; minRows?: number } = {}): fc.Arbitrary<Sample> {
  return fc
    .record({
      rows: fc.constantFrom(...[0, 1, 2, 5, 9].filter((rows) => rows >= minRows)),
      codes: fc.constantFrom(...[1, 2, 3, 8, 17, 33].filter((codes) => codes >= minCodes)),
      width: fc.constantFrom(1, 2, 3, 4, 16),
      seed: fc.noShrink(fc.nat(1e6)),
      offset: fc.constantFrom(0, 1e3, -1e3),
      scale: fc.constantFrom(1, 1e-6, 1e3),
      ties: fc.boolean(),
      repeated: fc.boolean(),
      noise: fc.constantFrom(undefined, 0, 0.5),
    })
    .map(sampleOf);
}

/** Samples where numbers are near 1 and every vector has one clearly nearest code. */
export const clearSamples: fc.Arbitrary<Sample> = fc
  .record({
    rows: fc.constantFrom(1, 2, 5, 9),
    codes: fc.constantFrom(2, 3, 8),
    width: fc.constantFrom(1, 2, 4, 16),
    seed: fc.noShrink(fc.nat(1e6)),
  })
  .map((sizes) => sampleOf({ ...sizes, offset: 0, scale: 1, ties: false, repeated: false, noise: 0.1 }))
  .filter((sample) => voronoiGap(sample) > 0.05);

/** Row `i` of an array of rows. */
export function row({ data, shape }: NdArray<'float32'>, i: number): Float32Array {
  return data.subarray(i * shape[1]!, (i + 1) * shape[1]!);
}

/** The squared distance in float64. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d]! - b[d]!) ** 2;
  return sum;
}

/** The mean code in float64. */
export function centre({ shape, data }: NdArray<'float32'>): Float64Array {
  const [codes, width] = shape as [number, number];
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / codes;
  return mean;
}

/**
 * By how much the squared distance of a chosen code may exceed the least: `tau = 4 (D + 2) u (|z - mu| + max |e - mu|)^2`, u = 2^-24, mu the mean code.
 * It is what rounding allows a comparison of `|e|^2 / 2 - z.e` in float32 after both sides were moved by mu.
 */
export function regretBounds({ z, codebook }: Sample): number[] {
  const [rows, width] = z.shape as [number, number];
  const mean = centre(codebook);
  let farthest = 0;
  for (let k = 0; k < codebook.shape[0]!; k++) {
    farthest = Math.max(farthest, Math.sqrt(distance(row(codebook, k), mean)));
  }
  return Array.from(
    { length: rows },
    (_, i) => 4 * (width + 2) * 2 ** -24 * (Math.sqrt(distance(row(z, i), mean)) + farthest) ** 2,
  );
}

/** Squared distances of vector `i` to all codes. */
export function distancesOf({ z, codebook }: Sample, i: number): number[] {
  return Array.from({ length: codebook.shape[0]! }, (_, k) => distance(row(z, i), row(codebook, k)));
}

/** Whether two rows hold the same numbers; -0 is 0. */
export function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a.every((x, d) => x === b[d]);
}

/** The least distance by which some vector could move before its code changes. */
export function voronoiGap(sample: Sample): number {
  let gap = Infinity;
  for (let i = 0; i < sample.z.shape[0]!; i++) {
    const [first, second] = distancesOf(sample, i)
      .map(Math.sqrt)
      .sort((a, b) => a - b);
    gap = Math.min(gap, (second ?? Infinity) - first!);
  }
  return gap;
}

/** The rows of an array in another order, or some of them. */
export function take(array: NdArray<'float32'>, rows: readonly number[]): NdArray<'float32'> {
  const out = ndarray('float32', [rows.length, array.shape[1]!]);
  for (const [i, from] of rows.entries()) out.data.set(row(array, from), i * array.shape[1]!);
  return out;
}
