// Statement 7: on a linear VAE, whose optimum is known, active units come out exact and the sum of the KL within 5 %.
import { ConfigError } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { LinearVae, linearOracle, linearVaeOptimum } from '../src/index.ts';
import { wasm } from './toy.ts';

const eigenvalues = [4, 2, 1, 0.5, 0.25, 0.11, 0.09, 0.05];

// Three active units converge in a second; `tessera study vae-vs-vqvae` does it with the eigenvalues above.
test.each([0, 1])('the linear VAE is measured as its closed form says (seed %i)', async (seed) => {
  const result = await linearOracle(wasm, {
    eigenvalues: [4, 1, 0.3, 0.05],
    variance: 0.1,
    seed,
    steps: 1000,
    batch: 128,
    measured: 1000,
  });
  expect(result.optimalActiveUnits).toBe(3);
  expect(result.activeUnits).toBe(3);
  expect(Math.abs(result.totalKl / result.optimalTotalKl - 1)).toBeLessThan(0.05);
  // The aggregated posterior is the prior there, so all of the KL is information.
  expect(Math.abs(result.mutualInformation.nats / result.totalKl - 1)).toBeLessThan(0.05);
});

test('the closed form by hand', () => {
  // python -c "import math; print([round(.5*math.log(l/.1), 3) for l in (4, 2, 1, .5, .25, .11)])"
  const { kl, activity, activeUnits } = linearVaeOptimum(eigenvalues, 0.1);
  expect(kl.map((nats) => Number(nats.toFixed(3)))).toEqual([1.844, 1.498, 1.151, 0.805, 0.458, 0.048, 0, 0]);
  expect(activity[0]).toBeCloseTo(1 - 0.1 / 4, 12);
  expect(activity.slice(6)).toEqual([0, 0]);
  expect(activeUnits).toBe(6);
});

test.prop([
  fc.array(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 6 }),
  fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
])('units are active exactly above the noise, and the optimum is that of one unit at a time', (lambdas, variance) => {
  const { kl, activity, activeUnits } = linearVaeOptimum(lambdas, variance);
  expect(activeUnits).toBe(lambdas.filter((lambda) => lambda > variance).length);
  for (const [i, lambda] of lambdas.entries()) {
    // With A = 1 - v / lambda and posterior variance v / lambda the KL is 1/2 (A + 1 - A - 1 - ln(v / lambda)).
    const posterior = 1 - activity[i]!;
    expect(kl[i]).toBeCloseTo(0.5 * (activity[i]! + posterior - 1 - Math.log(posterior)), 9);
    if (lambda <= variance) expect(kl[i]).toBe(0);
  }
});

test('a variance of 0 is an error', () => {
  expect(() => new LinearVae(wasm, { dimensions: 2, units: 2, variance: 0 })).toThrow(ConfigError);
});
