// Law 34: codes that are signs, and entropies over all of them without a table.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, read } from '@tessera/engine';
import { lfqCodes, lfqEntropies } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { distance, engines, row } from './samples.ts';
import { decode, quantizerOf, rowsOf, run, vectors } from './run.ts';
import { runs } from './runs.ts';

/** `-sum p ln p`. */
const entropyOf = (p: readonly number[]) => p.reduce((total, x) => total - (x > 0 ? x * Math.log(x) : 0), 0);

/** The soft assignment of each vector to all codes, by the definition, in float64. */
function assignments(z: NdArray<'float32'>, scale: number, temperature: number): number[][] {
  const bits = z.shape[1]!;
  const codes = Array.from({ length: 2 ** bits }, (_, token) =>
    Array.from({ length: bits }, (_unused, d) => ((token >> (bits - 1 - d)) & 1 ? scale : -scale)),
  );
  return rowsOf(z, () => true).map((x) => {
    const logits = codes.map((code) => (2 * code.reduce((total, c, d) => total + c * x[d]!, 0)) / temperature);
    const top = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - top));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  });
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const meanOf = (rows: readonly number[][]) => rows[0]!.map((_, k) => mean(rows.map((p) => p[k]!)));

describe.each(engines)('%s', (_, engine) => {
  test.prop([fc.integer({ min: 1, max: 12 }).chain((bits) => vectors(bits)), fc.boolean()], runs)(
    '34: the code is the sign, that of 0 is -1, and the number its bits, the first the highest',
    (z, spherical) => {
      const bits = z.shape[1]!;
      const quantizer = quantizerOf({ kind: 'lfq', bits, spherical });
      const { tokens, quantized } = run(engine, quantizer, { z });
      const scale = Math.fround(spherical ? 1 / Math.sqrt(bits) : 1);
      expect([...quantized.data]).toEqual([...z.data].map((x) => (x > 0 ? scale : -scale)));
      const numbers = rowsOf(z, () => true).map((x) => parseInt(x.map((value) => (value > 0 ? 1 : 0)).join(''), 2));
      expect([...tokens.data]).toEqual(numbers);
    },
  );

  test.prop([fc.integer({ min: 1, max: 10 }).chain((bits) => vectors(bits))], runs)(
    '34: it is the nearest of all corners, the lowest of those that tie',
    (z) => {
      const bits = z.shape[1]!;
      const corners = lfqCodes(bits, 1);
      const { tokens } = run(engine, quantizerOf({ kind: 'lfq', bits }), { z });
      for (const [i, token] of tokens.data.entries()) {
        const distances = Array.from({ length: 2 ** bits }, (_unused, k) => distance(row(z, i), row(corners, k)));
        const least = Math.min(...distances);
        // In float64 tiny numbers vanish beside 1: then several corners tie that are not equally near.
        expect(distances[token]).toBe(least);
        if (z.data.every((x) => x === 0 || Math.abs(x) >= 1e-3)) expect(token).toBe(distances.indexOf(least));
      }
    },
  );

  const soft = fc.record({
    bits: fc.integer({ min: 1, max: 7 }),
    rows: fc.integer({ min: 1, max: 6 }),
    seed: fc.noShrink(fc.nat(1e6)),
    scale: fc.constantFrom(1, 0.5),
    temperature: fc.constantFrom(0.01, 0.3, 1, 10),
    group: fc.integer({ min: 1, max: 8 }),
  });

  test.prop([soft], runs)('34: entropies are those of the softmax over all codes', (recipe) => {
    const { bits, rows, seed, scale, temperature, group } = recipe;
    const z = floats([rows, bits], seed);
    const { perVector, ofMean } = engine.eager(() => {
      const out = lfqEntropies(constant(z), { scale, temperature, group });
      return { perVector: Number(read(out.perVector).data[0]), ofMean: Number(read(out.ofMean).data[0]) };
    });
    const p = assignments(z, scale, temperature);
    expect(perVector).toBeCloseTo(mean(p.map(entropyOf)), 4);
    const exact = entropyOf(meanOf(p));
    if (group >= bits) expect(ofMean).toBeCloseTo(exact, 4);
    // The sum over groups is that of the marginals, and never less than the whole.
    let marginals = 0;
    for (let first = 0; first < bits; first += group) {
      const width = Math.min(group, bits - first);
      const grouped = meanOf(p).reduce<number[]>((sums, x, token) => {
        const part = (token >> (bits - first - width)) & (2 ** width - 1);
        sums[part] = (sums[part] ?? 0) + x;
        return sums;
      }, []);
      marginals += entropyOf(grouped);
    }
    expect(ofMean).toBeCloseTo(marginals, 4);
    expect(ofMean).toBeGreaterThanOrEqual(exact - 1e-4);
    expect(perVector).toBeGreaterThanOrEqual(0);
    expect(perVector).toBeLessThanOrEqual(ofMean + 1e-5);
    expect(ofMean).toBeLessThanOrEqual(bits * Math.LN2 + 1e-5);
  });

  test.prop([fc.integer({ min: 1, max: 9 }).chain((bits) => vectors(bits)), fc.boolean()], runs)(
    '34: the entropy loss lies in [-d ln 2, 0]: below 0 is right',
    (z, spherical) => {
      const bits = z.shape[1]!;
      const { losses, loss } = run(engine, quantizerOf({ kind: 'lfq', bits, spherical, commitment: 0.5 }), { z });
      expect(losses['entropy']).toBeGreaterThanOrEqual(-bits * Math.LN2 - 1e-5);
      expect(losses['entropy']).toBeLessThanOrEqual(1e-5);
      const expected = 0.5 * losses['commitment']! + 0.1 * losses['entropy']!;
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(expected)));
    },
  );
});

const wasm = engines.find(([name]) => name === 'wasm')![1];

test.each([1, 2, 5, 12, 16])('34: number, code and back is the identity for all codes of %i bits', (bits) => {
  for (const spherical of [false, true]) {
    const quantizer = quantizerOf({ kind: 'lfq', bits, spherical });
    const all = ndarray(
      'int32',
      [2 ** bits],
      Int32Array.from({ length: 2 ** bits }, (_unused, k) => k),
    );
    const codes = decode(wasm, quantizer, { tokens: all });
    expect(new Set(rowsOf(codes, () => true).map(String)).size).toBe(2 ** bits);
    // The entropies of so many vectors are another law's business.
    const light = quantizerOf({ kind: 'lfq', bits, spherical, entropyBits: 1 });
    expect(run(wasm, light, { z: codes }).tokens).toEqual(all);
  }
});
