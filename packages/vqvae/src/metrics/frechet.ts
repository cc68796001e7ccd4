// How far two sets of frames are from each other as distributions, by Gaussians of features. The usual features are those of a trained network (Heusel et al. 2017, arXiv
// 1706.08500); these are a fixed random one's, so distances compare with each other and with no published number.
import { ShapeError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { symmetricEigen } from './symmetric-eigen.ts';

const [size, first, second] = [4, 16, 32];

/**
 * Features float32 [N, 32] of frames float32 [N, H, W, C]: two layers of random 4 x 4 convolutions without padding, strides 2 and 4, with ReLU, the mean over places. Always
 * the same kernels for the same C. Throws ShapeError for frames of less than 10 pixels a side, and for none.
 */
export function randomFeatures({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 4 || data.length === 0 || Math.min(height, width) < 2 * size + 2) {
    throw new ShapeError(
      `randomFeatures: expected frames [N, H, W, C] of at least 10 x 10 pixels, got [${shape.join(', ')}].`,
    );
  }
  const generator = npRandom(0);
  const kernel = (inputs: number, outputs: number) =>
    Float64Array.from(
      { length: size * size * inputs * outputs },
      () => Math.sqrt(2 / (size * size * inputs)) * generator.standardNormal(),
    );
  const kernels = [kernel(channels, first), kernel(first, second)] as const;
  const out = ndarray('float32', [count, second]);
  const pixels = height * width * channels;
  for (let n = 0; n < count; n++) {
    const frame = { height, width, channels, data: data.subarray(n * pixels, (n + 1) * pixels) };
    const low = convolve(frame, { kernel: kernels[0], outputs: first, stride: 2 });
    const high = convolve(low, { kernel: kernels[1], outputs: second, stride: 4 });
    const places = high.height * high.width;
    for (let i = 0; i < high.data.length; i++) out.data[n * second + (i % second)]! += high.data[i]! / places;
  }
  return out;
}

interface Maps {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: ArrayLike<number>;
}

function convolve(
  { height, width, channels, data }: Maps,
  { kernel, outputs, stride }: { readonly kernel: Float64Array; readonly outputs: number; readonly stride: number },
): Maps {
  const [rows, columns] = [height, width].map((length) => Math.floor((length - size) / stride) + 1) as [number, number];
  const out = new Float64Array(rows * columns * outputs);
  const run = size * channels;
  for (let place = 0; place < rows * columns; place++) {
    const [top, left] = [Math.floor(place / columns) * stride, (place % columns) * stride];
    for (let y = 0; y < size; y++) {
      const from = ((top + y) * width + left) * channels;
      for (let i = 0; i < run; i++) {
        const value = data[from + i]!;
        const weights = (y * run + i) * outputs;
        for (let k = 0; k < outputs; k++) out[place * outputs + k]! += value * kernel[weights + k]!;
      }
    }
  }
  for (let i = 0; i < out.length; i++) out[i] = Math.max(0, out[i]!);
  return { height: rows, width: columns, channels: outputs, data: out };
}

/**
 * `|m_1 - m_2|^2 + tr(S_1 + S_2 - 2 (S_1 S_2)^(1/2))` of the means and covariances (n - 1) of two sets of features, float32 [N, D] and [M, D]; 0 for equal ones. Small samples
 * make it larger: compare sets of one size. Throws ShapeError for other shapes and for sets of less than two.
 */
export function frechetDistance(a: NdArray<'float32'>, b: NdArray<'float32'>): number {
  const width = a.shape[1] ?? 0;
  if (![a, b].every(({ shape }) => shape.length === 2 && shape[0]! >= 2 && shape[1] === width && width >= 1)) {
    throw new ShapeError(
      `frechetDistance: expected features [N, D] and [M, D] with N, M >= 2, got [${a.shape.join(', ')}] and [${b.shape.join(', ')}].`,
    );
  }
  const [p, q] = [moments(a), moments(b)];
  // tr (S_1 S_2)^(1/2) = tr (R S_2 R)^(1/2) with R^2 = S_1, which is symmetric.
  const root = rootOf(p.covariance, width);
  const product = multiply(multiply(root, q.covariance, width), root, width);
  const shared = symmetricEigen(product, width).values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  let distance = -2 * shared;
  for (let d = 0; d < width; d++) {
    distance += (p.mean[d]! - q.mean[d]!) ** 2 + p.covariance[d * width + d]! + q.covariance[d * width + d]!;
  }
  return Math.max(0, distance);
}

function moments({ shape, data }: NdArray<'float32'>): {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
} {
  const [count, width] = shape as [number, number];
  const mean = new Float64Array(width);
  for (let i = 0; i < data.length; i++) mean[i % width]! += data[i]! / count;
  const covariance = new Float64Array(width * width);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < width; i++) {
      const off = data[n * width + i]! - mean[i]!;
      for (let j = 0; j < width; j++)
        covariance[i * width + j]! += (off * (data[n * width + j]! - mean[j]!)) / (count - 1);
    }
  }
  return { mean, covariance };
}

function rootOf(matrix: Float64Array, width: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, width);
  const root = new Float64Array(width * width);
  for (let k = 0; k < width; k++) {
    const scale = Math.sqrt(Math.max(0, values[k]!));
    for (let i = 0; i < root.length; i++)
      root[i]! += scale * vectors[Math.floor(i / width) * width + k]! * vectors[(i % width) * width + k]!;
  }
  return root;
}

function multiply(a: Float64Array, b: Float64Array, width: number): Float64Array {
  const out = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    for (let k = 0; k < width; k++) {
      for (let j = 0; j < width; j++) out[i * width + j]! += a[i * width + k]! * b[k * width + j]!;
    }
  }
  return out;
}
