// How sharp frames are: the variance of the Laplacian, and the share of energy at high frequencies.
import type { NdArray } from '@tessera/core';
import { greyOf } from './grey.ts';

/** The variance over pixels of `[[0, 1, 0], [1, -4, 1], [0, 1, 0]]` applied to each grey frame without padding. Frames are float32 [N, H, W, C]. */
export function laplacianVariance(frames: NdArray<'float32'>): Float64Array {
  const { count, height, width, data } = greyOf('laplacianVariance', frames);
  const pixels = Math.max(1, (height - 2) * (width - 2));
  return Float64Array.from({ length: count }, (_, frame) => {
    let [sum, squares] = [0, 0];
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1; x < width - 1; x++) {
        const i = (frame * height + y) * width + x;
        const value = data[i - width]! + data[i - 1]! - 4 * data[i]! + data[i + 1]! + data[i + width]!;
        sum += value;
        squares += value * value;
      }
    }
    return Math.max(0, squares / pixels - (sum / pixels) ** 2);
  });
}

/** Sharpness of frames beside that of real ones. */
export interface SharpnessRatio {
  /** The mean over frames of the Laplacian's variance, over the same of the real ones. */
  readonly mean: number;
  /** The same of the least sharp frame (Tolstikhin et al. 2018, arXiv 1711.01558). */
  readonly min: number;
}

/** How sharp `frames` are beside `real` ones, which need not be as many: 1 is as sharp, less is blurred. */
export function sharpnessRatio(frames: NdArray<'float32'>, real: NdArray<'float32'>): SharpnessRatio {
  const [own, other] = [laplacianVariance(frames), laplacianVariance(real)];
  return { mean: average(own) / average(other), min: Math.min(...own) / Math.min(...other) };
}

/**
 * The energy of grey frames by frequency: entry r is the mean over frames of `|DFT|^2` over all frequencies whose length, in cycles over the longer side, rounds to r.
 * The mean brightness, r = 0, is entry 0. Costs `H W (H + W)` a frame.
 */
export function radialSpectrum(frames: NdArray<'float32'>): Float64Array {
  const spectrum = new Map<number, number>();
  const longer = Math.max(frames.shape[1]!, frames.shape[2]!);
  const energies = meanEnergies('radialSpectrum', frames);
  for (const { frequency, energy } of energies) {
    const radius = Math.round(frequency * longer);
    spectrum.set(radius, (spectrum.get(radius) ?? 0) + energy);
  }
  return Float64Array.from({ length: Math.max(...spectrum.keys()) + 1 }, (_, r) => spectrum.get(r) ?? 0);
}

/** The share of the energy of grey frames, without their mean brightness, at more than a quarter cycle a pixel (`|f| > N / 4`). NaN for frames of one colour. */
export function highFrequencyShare(frames: NdArray<'float32'>): number {
  let [high, all] = [0, 0];
  for (const { frequency, energy } of meanEnergies('highFrequencyShare', frames)) {
    if (frequency === 0) continue;
    all += energy;
    // 1e-9: frequencies exactly at the border are below it, however they were rounded.
    if (frequency > 0.25 + 1e-9) high += energy;
  }
  return high / all;
}

function average(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total / values.length;
}

// |DFT|^2 of each frequency in cycles a pixel, mean over the frames.
function meanEnergies(where: string, frames: NdArray<'float32'>): { frequency: number; energy: number }[] {
  const { count, height, width, data } = greyOf(where, frames);
  const [alongRows, alongColumns] = [waves(width), waves(height)];
  const energy = new Float64Array(height * width);
  const [re, im] = [new Float64Array(height * width), new Float64Array(height * width)];
  for (let frame = 0; frame < count; frame++) {
    for (let y = 0; y < height; y++) {
      for (let u = 0; u < width; u++) {
        let [a, b] = [0, 0];
        for (let x = 0; x < width; x++) {
          const value = data[(frame * height + y) * width + x]!;
          a += value * alongRows.cos[(u * x) % width]!;
          b -= value * alongRows.sin[(u * x) % width]!;
        }
        re[y * width + u] = a;
        im[y * width + u] = b;
      }
    }
    for (let v = 0; v < height; v++) {
      for (let u = 0; u < width; u++) {
        let [a, b] = [0, 0];
        for (let y = 0; y < height; y++) {
          const [c, s] = [alongColumns.cos[(v * y) % height]!, alongColumns.sin[(v * y) % height]!];
          a += re[y * width + u]! * c + im[y * width + u]! * s;
          b += im[y * width + u]! * c - re[y * width + u]! * s;
        }
        energy[v * width + u]! += (a * a + b * b) / count;
      }
    }
  }
  const cycles = (k: number, length: number) => Math.min(k, length - k) / length;
  return [...energy].map((value, i) => ({
    energy: value,
    frequency: Math.hypot(cycles(i % width, width), cycles(Math.floor(i / width), height)),
  }));
}

function waves(length: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  const angle = (_: unknown, i: number) => (2 * Math.PI * i) / length;
  return {
    cos: Float64Array.from({ length }, (_, i) => Math.cos(angle(_, i))),
    sin: Float64Array.from({ length }, (_, i) => Math.sin(angle(_, i))),
  };
}
