// Laws 39 and 40: a frozen table through a learned map, and draws from a distribution over codes.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, gradients, mul, read, sum } from '@tessera/engine';
import { VQVAE, gumbelChoice, klToUniform } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { engines, row } from './samples.ts';
import { quantizerOf, rowsOf, run, slopes, vectors } from './run.ts';
import { runs } from './runs.ts';

const isZero = ({ data }: NdArray<'float32'>) => data.every((x) => x === 0);

/** `softmax`, in float64. */
function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const weights = logits.map((logit) => Math.exp(logit - top));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

describe.each(engines)('39: simvq on %s', (_, engine) => {
  test.prop([vectors(3), fc.noShrink(fc.nat(1e6))], runs)('only the map is trained', (z, seed) => {
    const quantizer = quantizerOf({ kind: 'simvq', vocabulary: 5, codeDim: 3 });
    expect(quantizer.trainable).toEqual(['transform']);
    const state = { ...quantizer.init(npRandom(seed)), transform: floats([3, 3], seed) };
    const slope = slopes(engine, quantizer, { z, state, of: 'loss' });
    expect(isZero(slope['table']!)).toBe(true);
    const { losses, quantized, decoded } = run(engine, quantizer, { z, state });
    expect(decoded).toEqual(quantized);
    if (losses['codebook']! > 1e-6) expect(isZero(slope['transform']!)).toBe(false);
    const through = slopes(engine, quantizer, { z, state, weights: floats(z.shape, seed + 1) });
    expect(through['z']).toEqual(floats(z.shape, seed + 1));
    expect(isZero(through['transform']!) && isZero(through['table']!)).toBe(true);
  });

  test('one step moves every code and leaves the table as it is', () => {
    const vqvae = new VQVAE(engine, {
      frameShape: [4, 4, 1],
      tokenShape: [2, 2],
      channels: 4,
      quantizer: { kind: 'simvq', vocabulary: 9, codeDim: 3 },
    });
    const { data } = floats([4, 4, 4, 1], 3);
    const frames = ndarray(
      'float32',
      [4, 4, 4, 1],
      data.map((x) => 1 / (1 + Math.exp(-x))),
    );
    const codes = () =>
      vqvae.embed(
        ndarray(
          'int32',
          [3, 2, 2],
          Int32Array.from({ length: 12 }, (_unused, k) => k % 9),
        ),
      );
    const [before, table] = [codes(), vqvae.parameters().quantizer['table']];
    vqvae.trainStep(frames);
    const after = codes();
    for (let k = 0; k < 9; k++) {
      const at = (array: NdArray<'float32'>) => [...array.data.subarray(3 * k, 3 * k + 3)];
      expect(at(after)).not.toEqual(at(before));
    }
    expect(vqvae.parameters().quantizer['table']).toEqual(table);
    vqvae.dispose();
  });
});

const logitsOf = (rows: number, classes: number, seed: number) => {
  const { data, shape } = floats([rows, classes], seed);
  return ndarray(
    'float32',
    shape,
    data.map((x) => 3 * x),
  );
};

describe.each(engines)('40: gumbel on %s', (_, engine) => {
  const shapes = fc.record({
    rows: fc.integer({ min: 1, max: 6 }),
    classes: fc.integer({ min: 1, max: 9 }),
    seed: fc.noShrink(fc.nat(1e6)),
    drawn: fc.boolean(),
    temperature: fc.constantFrom(1e-3, 0.5, 1, 4),
  });

  test.prop([shapes], runs)(
    'a choice is one 1 a row; without noise the largest, which the softmax tends to',
    (recipe) => {
      const { rows, classes, seed, drawn, temperature } = recipe;
      const logits = logitsOf(rows, classes, seed);
      const random = drawn ? ndarray('int32', [2], Int32Array.of(seed, 5)) : undefined;
      const weights = floats(logits.shape, seed + 1);
      const { tokens, oneHot, slope } = engine.eager(() => {
        const x = constant(logits);
        const out = gumbelChoice(x, { temperature, random: random && constant(random) });
        const [dx] = gradients(sum(mul(constant(weights), out.oneHot)), [x]);
        return {
          tokens: read(out.tokens) as NdArray<'int32'>,
          oneHot: read(out.oneHot) as NdArray<'float32'>,
          slope: read(dx!) as NdArray<'float32'>,
        };
      });
      for (const [i, choice] of rowsOf(oneHot, () => true).entries()) {
        const token = tokens.data[i]!;
        expect(choice).toEqual(choice.map((_unused, k) => (k === token ? 1 : 0)));
        if (drawn) continue;
        const x = [...row(logits, i)];
        expect(token).toBe(x.indexOf(Math.max(...x)));
        // The gradient is that of the softmax: p_k (w_k - sum p w) / temperature.
        const p = softmax(x.map((value) => value / temperature));
        const w = [...row(weights, i)];
        const mean = p.reduce((total, share, k) => total + share * w[k]!, 0);
        // Roundings of x / temperature move a share p by p (1 - p) times as much, and by it the mean; those of the weights remain where all is one share.
        const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));
        const rounding = 4 * 2 ** -23;
        const moved = (rounding * (1 + largest(x))) / temperature;
        const meanMoved = p.reduce((total, q, k) => total + q * (1 - q) * Math.abs(w[k]! - mean), 0);
        for (const [k, share] of p.entries()) {
          const off = w[k]! - mean;
          const bound = share * (moved * ((1 - share) * Math.abs(off) + meanMoved) + rounding * largest(w));
          expect(Math.abs(row(slope, i)[k]! - (share * off) / temperature)).toBeLessThanOrEqual(
            bound / temperature + 1e-6,
          );
        }
      }
    },
  );

  test('draws come with the probabilities of the softmax', () => {
    const x = [0.3, -1, 1.2, 0];
    const p = softmax(x);
    const rows = 4000;
    const logits = ndarray(
      'float32',
      [rows, 4],
      Float32Array.from({ length: 4 * rows }, (_unused, i) => x[i % 4]!),
    );
    const tokens = engine.eager(() => {
      const random = constant(ndarray('int32', [2], Int32Array.of(1, 2)));
      return read(gumbelChoice(constant(logits), { temperature: 1, random }).tokens).data as Int32Array;
    });
    for (const [k, share] of p.entries()) {
      const hits = tokens.filter((token) => token === k).length;
      expect(Math.abs(hits - rows * share)).toBeLessThan(5 * Math.sqrt(rows * share));
    }
  });

  test.prop([shapes, fc.constantFrom(0, 1e-3, 1, 100)], runs)('the divergence lies in [0, ln K]', (recipe, scale) => {
    const { rows, classes, seed } = recipe;
    const { data, shape } = floats([rows, classes], seed);
    const logits = ndarray(
      'float32',
      shape,
      data.map((x) => scale * x),
    );
    const kl = engine.eager(() => Number(read(klToUniform(constant(logits))).data[0]));
    const truth = rowsOf(logits, () => true).map((x) =>
      softmax(x).reduce((total, p) => total + (p > 0 ? p * Math.log(p * classes) : 0), 0),
    );
    expect(kl).toBeCloseTo(truth.reduce((a, b) => a + b, 0) / rows, 4);
    expect(kl).toBeGreaterThanOrEqual(-1e-6);
    expect(kl).toBeLessThanOrEqual(Math.log(classes) + 1e-5);
    if (scale === 0) expect(kl).toBeCloseTo(0, 6);
  });

  test.prop([vectors(3), fc.noShrink(fc.nat(1e6)), fc.boolean()], runs)(
    'the quantizer gives codes exactly, and to each code the gradient of the vectors that chose it',
    (z, seed, drawn) => {
      const quantizer = quantizerOf({ kind: 'gumbel', vocabulary: 5, codeDim: 3 });
      expect(quantizer.random).toBe(true);
      const state = quantizer.init(npRandom(seed));
      const given = { z, state, ...(drawn && { key: [seed, 3] as const }) };
      const { tokens, quantized, decoded, losses, loss } = run(engine, quantizer, given);
      expect(decoded).toEqual(quantized);
      expect(rowsOf(quantized, () => true)).toEqual([...tokens.data].map((k) => [...row(state['codebook']!, k)]));
      expect(loss).toBeCloseTo(5e-4 * losses['kl']!, 8);
      const weights = floats(z.shape, seed + 1);
      const slope = slopes(engine, quantizer, { ...given, weights })['codebook']!;
      const expected = new Float64Array(15);
      for (const [i, k] of tokens.data.entries()) {
        for (let d = 0; d < 3; d++) expected[3 * k + d]! += weights.data[3 * i + d]!;
      }
      for (const [i, value] of expected.entries()) expect(slope.data[i]).toBeCloseTo(value, 4);
    },
  );
});
