// What every kind of quantizer promises: laws 4, 5, 7, 29 of the interface, whatever is behind it.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { NonFiniteError, ndarray, npRandom } from '@tessera/core';
import type { QuantizerConfig } from '@tessera/vqvae';
import { engines } from './samples.ts';
import { quantizerOf, rowsOf, run, slopes, vectors } from './run.ts';
import { runs } from './runs.ts';

const kinds: readonly Partial<QuantizerConfig>[] = [
  { kind: 'residual', vocabulary: 5, codeDim: 4, stages: 3 },
  { kind: 'residual', vocabulary: 5, codeDim: 4, stages: 2, stage: 'vq', zeroCode: true, gradient: 'rotation' },
  { kind: 'product', vocabulary: 5, codeDim: 4 },
  { kind: 'grouped-residual', vocabulary: 3, codeDim: 4, stages: 2 },
  { kind: 'fsq', levels: [2, 3, 4, 5] },
  { kind: 'lfq', bits: 4 },
  { kind: 'lfq', bits: 4, spherical: true, entropyBits: 2 },
  { kind: 'simvq', vocabulary: 5, codeDim: 4 },
  { kind: 'gumbel', vocabulary: 5, codeDim: 4 },
];

const anyKind = fc.constantFrom(...kinds.map(quantizerOf));

describe.each(engines)('%s', (_, engine) => {
  test.prop([anyKind, vectors(4), fc.noShrink(fc.nat(1e6))], runs)(
    '5: codes are what tokens decode to',
    (quantizer, z, seed) => {
      const count = quantizer.slots.length;
      const state = quantizer.init(npRandom(seed));
      const { tokens, quantized, decoded, statistics } = run(engine, quantizer, { z, state });
      const rows = z.shape[0]!;
      expect(tokens.shape).toEqual(count === 1 ? [rows] : [rows, count]);
      expect(decoded).toEqual(quantized);
      for (const [i, token] of tokens.data.entries()) {
        expect(token).toBeGreaterThanOrEqual(0);
        expect(token).toBeLessThan(quantizer.slots[i % count]!);
      }
      const { shape, data } = statistics['counts']!;
      expect(shape).toEqual(count === 1 ? quantizer.slots : [count, quantizer.slots[0]]);
      expect(data.reduce((a, b) => a + b, 0)).toBe(rows * count);
    },
  );

  test.prop([anyKind, vectors(4), fc.nat(511), fc.constantFrom(NaN, Infinity, 5)], runs)(
    '29: masked vectors are as if they were not there',
    (quantizer, z, bits, hidden) => {
      const state = quantizer.init(npRandom(1));
      const mask = Array.from({ length: z.shape[0]! }, (_unused, i) => (bits >> i) & 1);
      const kept = rowsOf(z, (i) => mask[i] === 1);
      const given = ndarray(
        'float32',
        z.shape,
        z.data.map((x, i) => (mask[Math.floor(i / 4)] === 1 ? x : hidden)),
      );
      const compact = ndarray('float32', [kept.length, 4], Float32Array.from(kept.flat()));
      const [whole, alone] = [
        run(engine, quantizer, { z: given, state, mask }),
        run(engine, quantizer, { z: compact, state }),
      ];
      expect(rowsOf(whole.tokens, (i) => mask[i] === 1)).toEqual(rowsOf(alone.tokens, () => true));
      expect(rowsOf(whole.quantized, (i) => mask[i] === 1)).toEqual(rowsOf(alone.quantized, () => true));
      expect(
        rowsOf(whole.tokens, (i) => mask[i] === 0)
          .flat()
          .every((token) => token === -1),
      ).toBe(true);
      expect(
        rowsOf(whole.quantized, (i) => mask[i] === 0)
          .flat()
          .every((x) => x + 0 === 0),
      ).toBe(true);
      const near = (a: number, b: number) =>
        expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-5 * (1e-6 + Math.abs(b)) + 1e-6);
      near(whole.loss, alone.loss);
      for (const [name, value] of Object.entries(alone.losses)) near(whole.losses[name]!, value);
      expect(whole.statistics['counts']).toEqual(alone.statistics['counts']);
      for (const [name, { data }] of Object.entries(alone.update)) {
        for (const [i, x] of data.entries()) near(whole.update[name]!.data[i]!, x);
      }
      const slope = slopes(engine, quantizer, { z: given, state, mask, of: 'loss' })['z']!;
      expect(
        rowsOf(slope, (i) => mask[i] === 0)
          .flat()
          .every((x) => x === 0),
      ).toBe(true);
      const expected = slopes(engine, quantizer, { z: compact, state, of: 'loss' })['z']!;
      for (const [i, x] of rowsOf(slope, (j) => mask[j] === 1)
        .flat()
        .entries()) {
        expect(Math.abs(x - expected.data[i]!)).toBeLessThanOrEqual(1e-4 * Math.abs(expected.data[i]!) + 1e-7);
      }
    },
  );

  test.prop([anyKind, vectors(4), vectors(4)], runs)('7: each vector is quantized by itself', (quantizer, a, b) => {
    const state = quantizer.init(npRandom(2));
    const both = ndarray('float32', [a.shape[0]! + b.shape[0]!, 4], Float32Array.from([...a.data, ...b.data]));
    const [joined, first, second] = [both, a, b].map((z) => run(engine, quantizer, { z, state }));
    expect([...joined!.tokens.data]).toEqual([...first!.tokens.data, ...second!.tokens.data]);
  });

  test.prop([anyKind, fc.constantFrom(NaN, Infinity, -Infinity), fc.nat(7)], runs)(
    'numbers that are none are an error, never a code',
    (quantizer, value, at) => {
      const z = ndarray('float32', [2, 4], new Float32Array(8).fill(0.5).with(at, value));
      expect(() => run(engine, quantizer, { z })).toThrow(NonFiniteError);
    },
  );
});
