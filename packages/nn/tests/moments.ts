// Moments of random starting values.
import type { NdArray } from '@tessera/core';
import { expect } from 'vitest';

/** Mean, deviation and largest size of a sample. */
export function moments({ data }: NdArray<'float32'>): { mean: number; deviation: number; largest: number } {
  const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
  const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
  return { mean, deviation: Math.sqrt(variance), largest: data.reduce((most, x) => Math.max(most, Math.abs(x)), 0) };
}

/** Mean and deviation of a sample within six of their own standard errors; `kurtosis` is that of the distribution. */
export function expectMoments(array: NdArray<'float32'>, deviation: number, kurtosis: number): void {
  const n = array.data.length;
  const sample = moments(array);
  expect(Math.abs(sample.mean)).toBeLessThan((6 * deviation) / Math.sqrt(n));
  expect(Math.abs(sample.deviation / deviation - 1)).toBeLessThan(6 * Math.sqrt((kurtosis - 1) / (4 * n)));
}

/** Kurtosis of the normal and of the uniform distribution. */
export const gaussian = 3;
export const flat = 9 / 5;
