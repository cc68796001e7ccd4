// What the latents of a VAE carry: divergence by unit, active units, mutual information. Every function takes posteriors of a fixed set of frames.
import { ShapeError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';

/** Diagonal Gaussian posteriors of N frames: means and deviations, float32 [N, ...] of one shape; a unit is one of the places behind N. */
export interface Posteriors {
  readonly mean: NdArray<'float32'>;
  readonly deviation: NdArray<'float32'>;
}

/** `1/2 (mu^2 + s^2 - 1 - ln s^2)` of each unit in nats, mean over the frames. Their sum is the rate. */
export function klPerUnit(posteriors: Posteriors): Float64Array {
  const { rows, units, mean, deviation } = checked('klPerUnit', posteriors);
  const kl = new Float64Array(units);
  for (let i = 0; i < mean.length; i++) {
    const [m, s] = [mean[i]!, deviation[i]!];
    kl[i % units]! += (m * m + s * s - 1 - 2 * Math.log(s)) / (2 * rows);
  }
  return kl;
}

/** `A_u = Var_x(E_q[z_u])`: the variance over frames of each unit's posterior mean, with n - 1 (Burda et al. 2016, arXiv 1509.00519, section 5.2). */
export function unitActivity(posteriors: Posteriors): Float64Array {
  const { rows, units, mean } = checked('unitActivity', posteriors);
  const centre = new Float64Array(units);
  for (let i = 0; i < mean.length; i++) centre[i % units]! += mean[i]! / rows;
  const activity = new Float64Array(units);
  for (let i = 0; i < mean.length; i++) {
    activity[i % units]! += (mean[i]! - centre[i % units]!) ** 2 / Math.max(1, rows - 1);
  }
  return activity;
}

/** The number of units whose activity is above `threshold`, 0.01 in the literature. */
export function activeUnits(
  posteriors: Posteriors,
  { threshold = 0.01 }: { readonly threshold?: number } = {},
): number {
  return unitActivity(posteriors).reduce((count, activity) => count + (activity > threshold ? 1 : 0), 0);
}

/** An estimate of a mutual information and what bounds it. */
export interface MutualInformation {
  /** Nats. */
  readonly nats: number;
  /** `ln N`: N frames show no more. An estimate near it says "at least". */
  readonly ceiling: number;
}

/**
 * `I(x; z) = E KL(q(z|x) || p) - KL(q(z) || p) = E ln q(z|x) - E ln q(z)` with the aggregated posterior `q(z) = mean_j q(z|x_j)` of these frames and one sample of
 * each (He et al. 2019, arXiv 1901.05534, section 4.1), on which both terms are taken, so that their noise cancels. Costs N^2 times the units.
 */
export function mutualInformation(posteriors: Posteriors, generator: Generator): MutualInformation {
  const { rows, units, mean, deviation } = checked('mutualInformation', posteriors);
  const logNormalisers = new Float64Array(rows);
  for (let i = 0; i < mean.length; i++) logNormalisers[Math.floor(i / units)]! += Math.log(deviation[i]!);
  const precision = Float64Array.from(deviation, (s) => 1 / s);
  const logs = new Float64Array(rows);
  const z = new Float64Array(units);
  let information = 0;
  for (let row = 0; row < rows; row++) {
    for (let u = 0; u < units; u++) {
      z[u] = mean[row * units + u]! + deviation[row * units + u]! * generator.standardNormal();
    }
    let largest = -Infinity;
    for (let j = 0; j < rows; j++) {
      let squares = 0;
      for (let u = 0, i = j * units; u < units; u++, i++) squares += ((z[u]! - mean[i]!) * precision[i]!) ** 2;
      logs[j] = -squares / 2 - logNormalisers[j]!;
      largest = Math.max(largest, logs[j]!);
    }
    const aggregated = largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / rows);
    // The constants -u/2 ln(2 pi) of both terms cancel.
    information += (logs[row]! - aggregated) / rows;
  }
  return { nats: information, ceiling: Math.log(rows) };
}

function checked(
  where: string,
  { mean, deviation }: Posteriors,
): { rows: number; units: number; mean: Float32Array; deviation: Float32Array } {
  const [rows = 0] = mean.shape;
  if (String(mean.shape) !== String(deviation.shape) || rows === 0) {
    throw new ShapeError(
      `${where}: expected means and deviations of one shape [N, ...] with N >= 1, got [${mean.shape.join(', ')}] and [${deviation.shape.join(', ')}].`,
    );
  }
  return { rows, units: mean.data.length / rows, mean: mean.data, deviation: deviation.data };
}
