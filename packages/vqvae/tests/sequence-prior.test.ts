// The autoregressive prior: it sees only what came before, its likelihood is a likelihood, and it learns what follows what.
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, read } from '@tessera/engine';
import { fc, test } from '@fast-check/vitest';
import { expect, onTestFinished } from 'vitest';
import { SequencePrior, drawLogit, mixtureHead } from '../src/index.ts';
import { wasm } from './toy.ts';

const sizes = { length: 3, width: 8, blocks: 1, heads: 2 };

/** Sequences of three numbers in which each is minus the one before, and the first is 1 or -1, all with a little noise. */
function alternating(count: number, seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const x = ndarray('float32', [count, 3, 1]);
  for (let n = 0; n < count; n++) {
    const first = generator.integers(2) === 0 ? 1 : -1;
    for (let t = 0; t < 3; t++) x.data[n * 3 + t] = first * (-1) ** t + 0.3 * generator.standardNormal();
  }
  return x;
}

test('learns, and its samples follow what it learned', () => {
  const prior = new SequencePrior(wasm, mixtureHead({ dimensions: 1, components: 2 }), sizes);
  onTestFinished(() => prior.dispose());
  for (let step = 0; step < 300; step++) prior.trainStep(alternating(64, step), { learningRate: 1e-2 });
  const nats = prior.nll(alternating(64, 999));
  const mean = nats.reduce((sum, value) => sum + value, 0) / nats.length;
  // The entropy: ln 2 for the first sign, and three Gaussians of deviation 0.3. Without a look back each sign would cost as much.
  const entropy = Math.LN2 + 3 * (0.5 * Math.log(2 * Math.PI * Math.E) + Math.log(0.3));
  expect(mean).toBeGreaterThan(entropy - 0.3);
  expect(mean).toBeLessThan(entropy + Math.LN2);
  const drawn = prior.sample(200, npRandom(0), { batch: 64 });
  expect(drawn.shape).toEqual([200, 3, 1]);
  let [alternate, positive] = [0, 0];
  for (let n = 0; n < 200; n++) {
    const [a, b, c] = [0, 1, 2].map((t) => Number(drawn.data[n * 3 + t])) as [number, number, number];
    if (a * b < 0 && b * c < 0) alternate++;
    if (a > 0) positive++;
  }
  expect(alternate).toBeGreaterThan(150);
  expect(positive).toBeGreaterThan(60);
  expect(positive).toBeLessThan(140);
  expect(prior.sample(200, npRandom(0), { batch: 64 })).toEqual(drawn);
});

test('an element changes the likelihood of those after it, and never of those before', () => {
  // With one element left to predict, nll of the sequence is that of its parts: change the last, and the sum of the others stays.
  const prior = new SequencePrior(wasm, mixtureHead({ dimensions: 2 }), { ...sizes, length: 2 });
  const one = new SequencePrior(wasm, mixtureHead({ dimensions: 2 }), { ...sizes, length: 1 });
  onTestFinished(() => [prior, one].forEach((p) => p.dispose()));
  const x = (last: number) => ndarray('float32', [1, 2, 2], Float32Array.of(0.3, -0.2, last, 0.5));
  const [a, b] = [prior.nll(x(0))[0]!, prior.nll(x(2))[0]!];
  expect(a).not.toBe(b);
  const first = one.nll(ndarray('float32', [2, 1, 2], Float32Array.of(0.3, -0.2, 0.3, -0.2)));
  expect(first[0]).toBe(first[1]);
});

test.prop([fc.integer({ min: 1, max: 3 }), fc.noShrink(fc.nat(1e6))], { numRuns: 10 })(
  'the density of a mixture is the sum of its components',
  (components, seed) => {
    const generator = npRandom(seed);
    const dimensions = 2;
    const head = mixtureHead({ dimensions, components });
    const predictions = ndarray('float32', [1, 1, head.outputs]);
    const x = ndarray('float32', [1, 1, dimensions]);
    for (const { data } of [predictions, x]) data.forEach((_, i) => (data[i] = generator.standardNormal() / 2));
    const state = wasm.state({ x });
    const nll = state.eager(() => read(head.nll(constant(predictions), constant(x))));
    state.dispose();
    const p = [...predictions.data];
    const weights = p.slice(0, components).map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let density = 0;
    for (let k = 0; k < components; k++) {
      let part = weights[k]! / total;
      for (let d = 0; d < dimensions; d++) {
        const [mean, s] = [
          p[components + k * dimensions + d]!,
          Math.exp(p[components * (1 + dimensions) + k * dimensions + d]!),
        ];
        part *= Math.exp(-(((x.data[d]! - mean) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
      }
      density += part;
    }
    expect(Number(nll.data[0])).toBeCloseTo(-Math.log(density), 3);
  },
);

test('logits are drawn in proportion to their exponentials', () => {
  const generator = npRandom(0);
  const counts = [0, 0, 0];
  for (let i = 0; i < 4000; i++) counts[drawLogit(Float32Array.of(Math.log(1), -Infinity, Math.log(3)), generator)]!++;
  expect(counts[1]).toBe(0);
  expect(Math.abs(counts[2]! / 4000 - 0.75)).toBeLessThan(0.05);
  expect(() => mixtureHead({ dimensions: 0 })).toThrow(ConfigError);
});
