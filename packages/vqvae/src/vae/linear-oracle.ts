// The instruments for collapse, checked where the truth is known: a linear VAE trained on Gaussian data, measured as any VAE is, beside its closed form.
import { Generators, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { learningRateAt, orthogonal } from '@tessera/nn';
import { activeUnits, klPerUnit, mutualInformation } from './latent-statistics.ts';
import type { MutualInformation } from './latent-statistics.ts';
import { LinearVae, linearVaeOptimum } from './linear-vae.ts';

/** What is trained, and on what. */
export interface LinearOracleOptions {
  /** Eigenvalues of the covariance of the data; there are as many units. */
  readonly eigenvalues: readonly number[];
  /** Of the decoder's noise. */
  readonly variance: number;
  readonly seed: number;
  readonly steps: number;
  /** Default 256. */
  readonly batch?: number;
  /** Vectors that are measured; default 2048. */
  readonly measured?: number;
}

/** Measured values beside those of the optimum. KL in nats, largest unit first. */
export interface LinearOracleResult {
  readonly kl: readonly number[];
  readonly optimalKl: readonly number[];
  readonly totalKl: number;
  readonly optimalTotalKl: number;
  readonly activeUnits: number;
  readonly optimalActiveUnits: number;
  /** At the optimum `optimalTotalKl`, for there the aggregated posterior is the prior. */
  readonly mutualInformation: MutualInformation;
}

/** Trains a linear VAE on vectors of a randomly rotated Gaussian and measures it on fresh ones. `onStep` is called after each step, and may throw to stop. */
export async function linearOracle(
  engine: Engine,
  { eigenvalues, variance, seed, steps, batch = 256, measured = 2048 }: LinearOracleOptions,
  onStep?: () => Promise<void> | void,
): Promise<LinearOracleResult> {
  const generators = new Generators(seed);
  const dimensions = eigenvalues.length;
  const rotation = orthogonal(generators.get('rotation'), [dimensions, dimensions], 1);
  const vae = new LinearVae(engine, { dimensions, units: dimensions, variance, seed });
  const data = generators.get('data');
  const schedule = { peak: 0.03, warmup: 0, decay: 'cosine', end: 0 } as const;
  try {
    for (let step = 0; step < steps; step++) {
      const learningRate = learningRateAt(schedule, { step, progress: step / steps });
      vae.trainStep(draw(data, { eigenvalues, rotation, rows: batch }), { learningRate });
      await onStep?.();
    }
    const posteriors = vae.posterior(draw(generators.get('measure'), { eigenvalues, rotation, rows: measured }));
    const kl = [...klPerUnit(posteriors)].toSorted((a, b) => b - a);
    const optimum = linearVaeOptimum(eigenvalues, variance);
    const optimalKl = optimum.kl.toSorted((a, b) => b - a);
    const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
    return {
      kl,
      optimalKl,
      totalKl: total(kl),
      optimalTotalKl: total(optimalKl),
      activeUnits: activeUnits(posteriors),
      optimalActiveUnits: optimum.activeUnits,
      mutualInformation: mutualInformation(posteriors, generators.get('information')),
    };
  } finally {
    vae.dispose();
  }
}

// Rows of N(0, R^T diag(eigenvalues) R).
function draw(
  generator: Generator,
  {
    eigenvalues,
    rotation,
    rows,
  }: { readonly eigenvalues: readonly number[]; readonly rotation: NdArray<'float32'>; readonly rows: number },
): NdArray<'float32'> {
  const dimensions = eigenvalues.length;
  const x = ndarray('float32', [rows, dimensions]);
  for (let row = 0; row < rows; row++) {
    for (const [i, lambda] of eigenvalues.entries()) {
      const along = Math.sqrt(lambda) * generator.standardNormal();
      for (let d = 0; d < dimensions; d++) x.data[row * dimensions + d]! += along * rotation.data[i * dimensions + d]!;
    }
  }
  return x;
}
