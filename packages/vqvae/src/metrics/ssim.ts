// Structural similarity (Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity").
import { ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { greyOf } from './grey.ts';
import type { GreyPictures } from './grey.ts';

const size = 11;
const sigma = 1.5;
const [c1, c2] = [0.01 ** 2, 0.03 ** 2];

const taps = (() => {
  const weights = Array.from({ length: size }, (_, i) => Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
})();

/**
 * The mean structural similarity of frames and decoded frames, both float32 [N, H, W, C] in [0, 1]: of each frame, averaged; 1 for equal ones. Grey, Gaussian window
 * 11 x 11 of deviation 1.5, `k1 = 0.01`, `k2 = 0.03`, no padding. Throws ShapeError for frames below 11 pixels, and when shapes differ.
 */
export function ssim(frames: NdArray<'float32'>, decoded: NdArray<'float32'>): number {
  const [x, y] = [greyOf('ssim', frames), greyOf('ssim', decoded)];
  if (String(frames.shape) !== String(decoded.shape) || x.height < size || x.width < size) {
    throw new ShapeError(
      `ssim: expected frames of one shape, at least ${size} x ${size} pixels, got [${frames.shape.join(', ')}] and [${decoded.shape.join(', ')}].`,
    );
  }
  const product = (a: GreyPictures, b: GreyPictures) => blur({ ...a, data: a.data.map((v, i) => v * b.data[i]!) });
  const [mx, my, xx, yy, xy] = [blur(x), blur(y), product(x, x), product(y, y), product(x, y)];
  let total = 0;
  for (let i = 0; i < mx.length; i++) {
    const [a, b] = [mx[i]!, my[i]!];
    // Rounding can leave variances a crumb below 0.
    const [vx, vy, cov] = [Math.max(0, xx[i]! - a * a), Math.max(0, yy[i]! - b * b), xy[i]! - a * b];
    total += ((2 * a * b + c1) * (2 * cov + c2)) / ((a * a + b * b + c1) * (vx + vy + c2));
  }
  return total / mx.length;
}

// The window's weighted means at every place where it fits.
function blur({ count, height, width, data }: GreyPictures): Float64Array {
  const [rows, columns] = [height - size + 1, width - size + 1];
  const across = new Float64Array(count * height * columns);
  for (let i = 0; i < across.length; i++) {
    const from = Math.floor(i / columns) * width + (i % columns);
    for (let t = 0; t < size; t++) across[i]! += taps[t]! * data[from + t]!;
  }
  const out = new Float64Array(count * rows * columns);
  for (let i = 0; i < out.length; i++) {
    const [frame, place] = [Math.floor(i / (rows * columns)), i % (rows * columns)];
    for (let t = 0; t < size; t++) out[i]! += taps[t]! * across[frame * height * columns + place + t * columns]!;
  }
  return out;
}
