// Normal noise inside a program: the distribution, its reproducibility, and that no gradient meets it.
import { npRandom } from '@tessera/core';
import { i32 } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { randomKey, randomNormal } from '../src/index.ts';
import { engines, expectClose } from './backends.ts';
import { expectMoments, gaussian, moments } from './moments.ts';

const count = 20_000;
const programs = engines.map(([name, engine]) => {
  const program = engine.program('noise', { key: i32(2) }, ({ key }) => ({
    x: randomNormal(key, [count]),
    y: randomNormal(key, [count]),
  }));
  return [name, program] as const;
});

/** The distribution function of the standard normal, by a series that converges everywhere. */
function normalCdf(z: number): number {
  let [sum, term] = [z, z];
  for (let i = 1; Math.abs(term) > 1e-16; i++) sum += term *= (z * z) / (2 * i + 1);
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

describe.each(programs)('randomNormal on %s', (_, program) => {
  test.prop([fc.noShrink(fc.nat(1e6))], { numRuns: 3 })('follows the normal distribution', (seed) => {
    const { x, y } = program.run({ key: randomKey(npRandom(seed)) });
    for (const sample of [x, y]) {
      expectMoments(sample as never, 1, gaussian);
      // Kolmogorov and Smirnov: beyond 2.5 / sqrt(n) once in 10^5 samples.
      const sorted = Float64Array.from(sample.data as Float32Array).toSorted();
      const distances = sorted.map((z, i) => Math.abs((i + 0.5) / count - normalCdf(z)));
      expect(Math.max(...distances)).toBeLessThan(2.5 / Math.sqrt(count));
      expect(moments(sample as never).largest).toBeLessThan(5.65);
    }
    // Two calls of one program are two streams.
    const [xs, ys] = [x.data as Float32Array, y.data as Float32Array];
    const product = xs.reduce((total, value, i) => total + value * ys[i]!, 0);
    expect(Math.abs(product)).toBeLessThan(6 * Math.sqrt(count));
  });

  test('is a function of the key, on every backend', () => {
    const key = randomKey(npRandom(3));
    const { x } = program.run({ key });
    expect(program.run({ key }).x).toEqual(x);
    expectClose(x, programs[0]![1].run({ key }).x as never);
    expect(program.run({ key: randomKey(npRandom(4)) }).x).not.toEqual(x);
  });
});
