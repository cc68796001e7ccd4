// Law 29: a masked vector is as if it were not there, whatever its numbers. Law 30: what counts of codes say. Law 31: a state that was written and read.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { NonFiniteError, decodeSafetensors, encodeSafetensors, ndarray, npRandom } from '@tessera/core';
import type { QuantizerState } from '@tessera/vqvae';
import { codeUsage, countCodes } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { bits, pass, quantizerFor, stateFor } from './quantizing.ts';
import type { Floats } from './quantizing.ts';
import { runs } from './runs.ts';
import { engines, row, sameNumbers, samples, take } from './samples.ts';

const seeds = fc.noShrink(fc.nat(1e6));
const options = fc.record({
  kind: fc.constantFrom('vq' as const, 'ema' as const),
  distance: fc.constantFrom('euclidean' as const, 'cosine' as const),
  projection: fc.constantFrom(0, 2),
  gradient: fc.constantFrom('straight-through' as const, 'rotation' as const),
});

/** Differences are roundings of sums in another order. */
function expectClose(actual: Floats, expected: Floats): void {
  expect(actual.shape).toEqual(expected.shape);
  const size = Math.max(0, ...expected.data.map(Math.abs));
  for (const [i, x] of actual.data.entries()) {
    expect(Math.abs(x - expected.data[i]!)).toBeLessThanOrEqual(1e-5 * size + 1e-30);
  }
}

describe.each(engines)('%s', (_, engine) => {
  test.prop([samples({ minCodes: 2 }), options, seeds, fc.constantFrom(7, NaN, Infinity)], runs)(
    '29: losses, gradients, updates and counts are those of the vectors that are left',
    (sample, settings, seed, hidden) => {
      const [rows, width] = sample.z.shape as [number, number];
      const generator = npRandom(seed);
      const kept = [...Array(rows).keys()].filter(() => generator.random() < 0.6);
      const mask = ndarray('float32', [rows]);
      for (const i of kept) mask.data[i] = 1;
      const z = ndarray(
        'float32',
        [rows, width],
        sample.z.data.map((x, i) => (mask.data[Math.floor(i / width)] === 1 ? x : hidden)),
      );
      const weights = floats([rows, width], seed);
      const quantizer = quantizerFor(sample, settings);
      const state = stateFor(quantizer, sample, seed);
      const all = pass(engine, quantizer, state, { z, mask, weights });
      const left = pass(engine, quantizer, state, { z: take(z, kept), weights: take(weights, kept) });

      expect(take(all.quantized, kept)).toEqual(left.quantized);
      expect(kept.map((i) => all.tokens.data[i])).toEqual([...left.tokens.data]);
      for (const i of [...Array(rows).keys()].filter((k) => !kept.includes(k))) {
        expect(all.tokens.data[i]).toBe(-1);
        for (const array of [all.quantized, all.slope]) expect(row(array, i).every((x) => x === 0)).toBe(true);
      }
      expect(all.counts).toEqual(left.counts);
      for (const [name, loss] of Object.entries(left.losses)) {
        expect(Math.abs(all.losses[name]! - loss)).toBeLessThanOrEqual(1e-5 * loss);
      }
      expectClose(take(all.slope, kept), left.slope);
      for (const [name, slope] of Object.entries(left.stateSlopes)) expectClose(all.stateSlopes[name]!, slope);
      for (const [name, array] of Object.entries(left.next)) expectClose(all.next[name]!, array);
    },
  );

  test.prop([samples({ minCodes: 2 }), options, seeds], runs)(
    '29: with all masked, nothing happens',
    (sample, settings, seed) => {
      const [rows, width] = sample.z.shape as [number, number];
      const quantizer = quantizerFor(sample, settings);
      const state = stateFor(quantizer, sample, seed);
      const z = ndarray('float32', [rows, width], new Float32Array(rows * width).fill(NaN));
      const out = pass(engine, quantizer, state, { z, mask: ndarray('float32', [rows]) });
      expect(out.loss).toBe(0);
      for (const [name, array] of Object.entries(state))
        expect(sameNumbers(out.next[name]!.data, array.data)).toBe(true);
      for (const slope of [out.slope, ...Object.values(out.stateSlopes)])
        expect(slope.data.every((x) => x === 0)).toBe(true);
    },
  );

  test.prop([samples({ minCodes: 2, minRows: 1 }), options, seeds, fc.constantFrom(NaN, Infinity, -Infinity)], runs)(
    '29: a number that is none is an error where it is not masked',
    (sample, settings, seed, value) => {
      const quantizer = quantizerFor(sample, settings);
      const state = stateFor(quantizer, sample, seed);
      const { z } = sample;
      const broken = ndarray('float32', z.shape, z.data.with(seed % z.data.length, value));
      expect(() => pass(engine, quantizer, state, { z: broken })).toThrow(NonFiniteError);
    },
  );

  test.prop([samples({ minCodes: 2 }), options, seeds], runs)(
    '30: counts are how often each token occurs; 31: a saved state goes on with the same bits',
    (sample, settings, seed) => {
      const quantizer = quantizerFor(sample, settings);
      const first = pass(engine, quantizer, stateFor(quantizer, sample, seed), sample);
      expect([...first.counts.data]).toEqual([...countCodes(first.tokens.data, quantizer.slots[0]!)]);
      const bytes = encodeSafetensors(first.next);
      const again = decodeSafetensors(bytes, { source: 'the test' }).tensors as QuantizerState;
      expect(again).toEqual(first.next);
      const [went, goes] = [first.next, again].map((state) => pass(engine, quantizer, state, sample));
      expect(goes).toEqual(went);
      for (const [name, array] of Object.entries(went!.next)) expect(bits(goes!.next[name]!)).toEqual(bits(array));
    },
  );
});

test.prop([fc.array(fc.nat(11), { maxLength: 40 }), seeds], runs)(
  '30: 1 <= perplexity <= codes in use <= min(K, N), whatever the codes are called',
  (tokens, seed) => {
    const counts = countCodes(tokens, 12);
    const { perplexity, usage } = codeUsage(counts);
    const used = Math.round(usage * 12);
    expect(used).toBe(new Set(tokens).size);
    expect(perplexity).toBeGreaterThanOrEqual(1 - 1e-12);
    expect(perplexity).toBeLessThanOrEqual(Math.max(1, used) * (1 + 2e-6));
    const names = Array.from(npRandom(seed).permutation(12), Number);
    const renamed = countCodes(
      tokens.map((token) => names[token]!),
      12,
    );
    expect(codeUsage(renamed).perplexity).toBeCloseTo(perplexity, 12);
  },
);

test.prop([fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 9 })], runs)(
  '30: m codes used alike are m',
  (used, each) => {
    const tokens = Array.from({ length: used * each }, (_, i) => i % used);
    expect(codeUsage(countCodes(tokens, used + 3)).perplexity / used).toBeCloseTo(1, 9);
  },
);
