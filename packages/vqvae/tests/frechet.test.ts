// The Fréchet distance against closed forms, one golden number, and the features that it looks at.
import { ShapeError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { frechetDistance, randomFeatures } from '../src/index.ts';
import { symmetricEigen } from '../src/metrics/symmetric-eigen.ts';
import { noise } from './toy.ts';

const seeds = fc.noShrink(fc.nat(1e6));

function gaussian(rows: number, width: number, seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  return ndarray(
    'float32',
    [rows, width],
    Float32Array.from({ length: rows * width }, () => generator.standardNormal()),
  );
}

function changed(x: NdArray<'float32'>, value: (x: number, column: number) => number): NdArray<'float32'> {
  return ndarray(
    'float32',
    x.shape,
    x.data.map((entry, i) => value(entry, i % x.shape[1]!)),
  );
}

const traceOf = ({ shape, data }: NdArray<'float32'>): number => {
  const [rows, width] = shape as [number, number];
  let total = 0;
  for (let d = 0; d < width; d++) {
    const column = Array.from({ length: rows }, (_, n) => data[n * width + d]!);
    const mean = column.reduce((sum, x) => sum + x, 0) / rows;
    total += column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (rows - 1);
  }
  return total;
};

test.prop([fc.integer({ min: 1, max: 12 }), fc.constantFrom(0, 1e-6, 1, 1e6), seeds])(
  'eigenvectors are orthonormal and make up the matrix, however large or singular it is',
  (width, scale, seed) => {
    const generator = npRandom(seed);
    const matrix = new Float64Array(width * width);
    for (let i = 0; i < width; i++) {
      // Every other time a row like its neighbour: an eigenvalue of 0 or a double one.
      for (let j = 0; j <= i; j++) matrix[i * width + j] = seed % 2 === 0 ? scale : scale * generator.standardNormal();
      for (let j = 0; j < i; j++) matrix[j * width + i] = matrix[i * width + j]!;
    }
    const { values, vectors } = symmetricEigen(matrix, width);
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) {
        let [entry, product] = [0, 0];
        for (let k = 0; k < width; k++) {
          entry += values[k]! * vectors[i * width + k]! * vectors[j * width + k]!;
          product += vectors[k * width + i]! * vectors[k * width + j]!;
        }
        expect(Math.abs(entry - matrix[i * width + j]!)).toBeLessThanOrEqual(1e-12 * scale);
        expect(product).toBeCloseTo(i === j ? 1 : 0, 12);
      }
    }
  },
);

describe('frechetDistance', () => {
  test.prop([fc.integer({ min: 1, max: 6 }), fc.double({ min: -3, max: 3, noNaN: true }), seeds], { numRuns: 30 })(
    'of a set moved by t is |t|^2, of one s times as wide (s - 1)^2 of its variance',
    (width, t, seed) => {
      const x = gaussian(20, width, seed);
      expect(frechetDistance(x, x)).toBeLessThan(1e-6);
      expect(
        frechetDistance(
          x,
          changed(x, (value, column) => value + t * (column + 1)),
        ),
      ).toBeCloseTo(t * t * Array.from({ length: width }, (_, d) => (d + 1) ** 2).reduce((a, b) => a + b, 0), 3);
      const centred = [x, changed(x, (value) => -value)];
      const both = ndarray('float32', [40, width], Float32Array.from(centred.flatMap(({ data }) => [...data])));
      const scale = 1 + Math.abs(t);
      expect(
        frechetDistance(
          both,
          changed(both, (value) => scale * value),
        ),
      ).toBeCloseTo((scale - 1) ** 2 * traceOf(both), 3);
    },
  );

  test.prop([seeds], { numRuns: 20 })('is symmetric', (seed) => {
    const [a, b] = [gaussian(9, 4, seed), changed(gaussian(14, 4, seed + 1), (x, d) => 1 + x * (d + 1))];
    expect(frechetDistance(a, b)).toBeCloseTo(frechetDistance(b, a), 6);
  });

  test('agrees with an independent implementation', () => {
    // python - <<'E'
    // import numpy as np
    // a = (np.arange(60) * 37 % 101 / 101).reshape(20, 3); b = (np.arange(75) ** 2 * 53 % 97 / 48).reshape(25, 3)
    // s, t = np.cov(a.T), np.cov(b.T)
    // root = np.sqrt(np.linalg.eigvals(s @ t).real.clip(0)).sum()
    // print(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s) + np.trace(t) - 2 * root)
    // E
    const a = ndarray(
      'float32',
      [20, 3],
      Float32Array.from({ length: 60 }, (_, i) => ((i * 37) % 101) / 101),
    );
    const b = ndarray(
      'float32',
      [25, 3],
      Float32Array.from({ length: 75 }, (_, i) => ((i * i * 53) % 97) / 48),
    );
    expect(frechetDistance(a, b)).toBeCloseTo(1.0976422785723443, 6);
  });

  test('features of two widths, and a set of one, are errors', () => {
    expect(() => frechetDistance(gaussian(3, 2, 0), gaussian(3, 3, 0))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: frechetDistance: expected features [N, D] and [M, D] with N, M >= 2, got [3, 2] and [3, 3].]`,
    );
    expect(() => frechetDistance(gaussian(1, 2, 0), gaussian(3, 2, 0))).toThrow(ShapeError);
  });
});

describe('randomFeatures', () => {
  test.prop([seeds], { numRuns: 5 })('are of one frame, the same every time, and grow with its contrast', (seed) => {
    const frames = noise(3, seed, [12, 14, 3]);
    const features = randomFeatures(frames);
    expect(features.shape).toEqual([3, 32]);
    expect(randomFeatures(frames)).toEqual(features);
    const size = frames.data.length / 3;
    const second = ndarray('float32', [1, 12, 14, 3], frames.data.slice(size, 2 * size));
    expect(randomFeatures(second).data).toEqual(features.data.slice(32, 64));
    // Without biases and with ReLU: homogeneous.
    const half = randomFeatures(
      ndarray(
        'float32',
        frames.shape,
        frames.data.map((x) => x / 2),
      ),
    );
    for (const [i, value] of features.data.entries()) expect(half.data[i]).toBeCloseTo(value / 2, 5);
  });

  test('tell blurred frames from sharp ones, and the more the more they are blurred', () => {
    const sharp = noise(200, 0, [12, 12, 1]);
    const mixed = (share: number) =>
      randomFeatures(
        ndarray(
          'float32',
          sharp.shape,
          sharp.data.map((x) => share * x + (1 - share) * 0.5),
        ),
      );
    const reference = randomFeatures(noise(200, 1, [12, 12, 1]));
    const distances = [1, 0.7, 0.3].map((share) => frechetDistance(mixed(share), reference));
    expect(distances[1]).toBeGreaterThan(2 * distances[0]!);
    expect(distances[2]).toBeGreaterThan(2 * distances[1]!);
  });

  test('frames below the kernels are errors', () => {
    expect(() => randomFeatures(noise(1, 0, [9, 12, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: randomFeatures: expected frames [N, H, W, C] of at least 10 x 10 pixels, got [1, 9, 12, 1].]`,
    );
  });
});
