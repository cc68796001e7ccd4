// The Gaussians of a VAE: the KL in closed form against its definition, and what gradients they pass on.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, mul, read, sum } from '@tessera/engine';
import { randomKey, randomNormal } from '@tessera/nn';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { gaussianOf, klPerUnit, reparametrise, standardNormalKl } from '../src/index.ts';
import { engines } from './toy.ts';

const finite = (min: number, max: number) => fc.float({ min, max, noNaN: true });
const gaussians = fc.array(fc.tuple(finite(-3, 3), finite(-4, 3)), { minLength: 1, maxLength: 6 });
const row = (values: readonly number[]) => ndarray('float32', [values.length], Float32Array.from(values));

describe.each(engines)('on %s', (_, engine) => {
  const state = engine.state({ none: row([0]) });

  test.prop([gaussians, fc.noShrink(fc.nat(1e6))], { numRuns: 15 })(
    'the KL is the mean of ln q - ln p over samples of q',
    (pairs, seed) => {
      const [mean, logVariance] = [row(pairs.map(([m]) => m)), row(pairs.map(([, v]) => v))];
      const kl = state.eager(() =>
        read(standardNormalKl({ mean: constant(mean), logVariance: constant(logVariance) })),
      );
      const generator = npRandom(seed);
      const count = 4000;
      for (const [i] of pairs.entries()) {
        const [m, s] = [mean.data[i]!, Math.exp(logVariance.data[i]! / 2)];
        const draws = Array.from({ length: count }, () => {
          const e = generator.standardNormal();
          const z = m + s * e;
          return -Math.log(s) - (e * e) / 2 + (z * z) / 2;
        });
        const average = draws.reduce((total, x) => total + x, 0) / count;
        const error = Math.sqrt(draws.reduce((total, x) => total + (x - average) ** 2, 0)) / count;
        expect(Math.abs(average - Number(kl.data[i]))).toBeLessThan(6 * error + 1e-4);
        expect(Number(kl.data[i])).toBeGreaterThanOrEqual(-1e-6);
      }
      // The statistic over posteriors is the same formula.
      const deviation = row([...logVariance.data].map((v) => Math.exp(v / 2)));
      const shape = [1, pairs.length];
      const statistic = klPerUnit({ mean: { ...mean, shape }, deviation: { ...deviation, shape } });
      for (const [i] of pairs.entries()) expect(statistic[i]).toBeCloseTo(Number(kl.data[i]), 4);
    },
  );

  test.prop([gaussians], { numRuns: 15 })('its gradients are mu and (s^2 - 1) / 2; 0 at the prior', (pairs) => {
    const [mean, logVariance] = [row(pairs.map(([m]) => m)), row(pairs.map(([, v]) => v))];
    const { value, slopes } = state.eager(() => {
      const [m, v] = [constant(mean), constant(logVariance)];
      const kl = standardNormalKl({ mean: m, logVariance: v });
      return { value: read(kl), slopes: gradients(sum(kl), [m, v]).map(read) };
    });
    for (const [i, [m, v]] of pairs.entries()) {
      expect(Number(slopes[0]!.data[i])).toBeCloseTo(m, 4);
      expect(Number(slopes[1]!.data[i])).toBeCloseTo((Math.exp(v) - 1) / 2, 4);
      if (m === 0 && v === 0) expect(Number(value.data[i])).toBeCloseTo(0, 6);
    }
  });

  test.prop([gaussians, fc.noShrink(fc.nat(1e6))], { numRuns: 15 })(
    'a sample passes its gradient g on as g to the mean and g s e / 2 to the log variance',
    (pairs, seed) => {
      const [mean, logVariance] = [row(pairs.map(([m]) => m)), row(pairs.map(([, v]) => v))];
      const key = randomKey(npRandom(seed));
      const weights = row(pairs.map((__, i) => i - 1.5));
      const noise = state.eager(() => read(randomNormal(constant(key), mean.shape)));
      const { z, slopes } = state.eager(() => {
        const [m, v] = [constant(mean), constant(logVariance)];
        const sample = reparametrise({ mean: m, logVariance: v }, constant(key));
        return { z: read(sample), slopes: gradients(sum(mul(sample, constant(weights))), [m, v]).map(read) };
      });
      for (const [i, [m, v]] of pairs.entries()) {
        const [s, e, g] = [Math.exp(v / 2), Number(noise.data[i]), weights.data[i]!];
        expect(Number(z.data[i])).toBeCloseTo(m + s * e, 3);
        expect(Number(slopes[0]!.data[i])).toBeCloseTo(g, 5);
        expect(Number(slopes[1]!.data[i])).toBeCloseTo((g * s * e) / 2, 3);
      }
    },
  );

  test('an encoder that goes wild is held where float32 can follow', () => {
    const encoded: NdArray<'float32'> = ndarray('float32', [1, 4], Float32Array.of(1, 2, -1e9, 1e9));
    const { mean, logVariance } = state.eager(() => {
      const gaussian = gaussianOf(constant(encoded));
      return { mean: read(gaussian.mean), logVariance: read(gaussian.logVariance) };
    });
    expect([...mean.data]).toEqual([1, 2]);
    expect([...logVariance.data]).toEqual([-20, 20]);
  });
});
