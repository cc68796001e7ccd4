// Laws 5, 7, 13 and 27 of vq and ema under every combination of their options, and vectors of any rank.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { constant, read } from '@tessera/engine';
import { quantizeAnyRank } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { bits, pass, quantizerFor, stateFor } from './quantizing.ts';
import { runs } from './runs.ts';
import { engines, samples, take } from './samples.ts';

const options = fc.record({
  kind: fc.constantFrom('vq' as const, 'ema' as const),
  distance: fc.constantFrom('euclidean' as const, 'cosine' as const),
  projection: fc.constantFrom(0, 0, 1, 2),
  gradient: fc.constantFrom('straight-through' as const, 'rotation' as const, 'none' as const),
});
const seeds = fc.noShrink(fc.nat(1e6));

describe.each(engines)('%s', (_, engine) => {
  test.prop([samples({ minCodes: 2 }), options, seeds], runs)(
    '5 and 27: decoding the tokens gives what quantizing gave, bit for bit, and nothing else has changed',
    (sample, settings, seed) => {
      const quantizer = quantizerFor(sample, settings);
      const state = stateFor(quantizer, sample, seed);
      const before = Object.values(state).map(bits);
      const once = pass(engine, quantizer, state, sample);
      expect(bits(once.decoded!)).toEqual(bits(once.quantized));
      expect(once.decoded!.shape).toEqual(sample.z.shape);
      expect(once.tokens.data.every((token) => token >= 0 && token < quantizer.slots[0]!)).toBe(true);
      expect(Object.values(state).map(bits)).toEqual(before);
      expect(pass(engine, quantizer, state, sample)).toEqual(once);
    },
  );

  test.prop([samples({ minCodes: 2, minRows: 1 }), options, seeds], runs)(
    '7: rows do not see each other: any order, any cut, one alone',
    (sample, settings, seed) => {
      const quantizer = quantizerFor(sample, settings);
      const state = stateFor(quantizer, sample, seed);
      const { tokens, quantized } = pass(engine, quantizer, state, sample);
      const rows = sample.z.shape[0]!;
      const from = Array.from(npRandom(seed).permutation(rows), Number);
      const cut = seed % (rows + 1);
      for (const part of [from.slice(0, cut), from.slice(cut), [seed % rows]]) {
        const some = pass(engine, quantizer, state, { z: take(sample.z, part) });
        expect([...some.tokens.data]).toEqual(part.map((i) => tokens.data[i]));
        expect(bits(some.quantized)).toEqual(bits(take(quantized, part)));
      }
    },
  );

  test.prop([samples({ minCodes: 2 }), options, seeds], runs)(
    '13: gradients of what comes after reach the vectors by the estimator, and the codes never',
    (sample, settings, seed) => {
      const { z } = sample;
      const quantizer = quantizerFor(sample, { ...settings, commitment: 0 });
      const state = stateFor(quantizer, sample, seed);
      const weights = floats(z.shape, seed);
      const [without, through] = [
        pass(engine, quantizer, state, { z }),
        pass(engine, quantizer, state, { z, weights }),
      ];
      expect(through.stateSlopes['codebook']).toEqual(without.stateSlopes['codebook']);
      if (settings.gradient === 'none') {
        expect(through.slope).toEqual(without.slope);
      } else if (
        settings.gradient === 'straight-through' &&
        settings.distance === 'euclidean' &&
        !settings.projection
      ) {
        expect([...through.slope.data]).toEqual([...weights.data]);
      }
      expect(through.slope.data.every(Number.isFinite)).toBe(true);
    },
  );

  test.prop(
    [
      samples({ minCodes: 2 }).filter(({ z }) => z.shape[0] === 0 || z.shape[0] === 1 || z.shape[0]! % 2 === 1),
      options,
      fc.constantFrom<((rows: number) => number[])[]>(
        () => [],
        (rows) => [rows],
        (rows) => [1, rows],
        (rows) => [rows, 1, 1],
        (rows) => [1, 1, rows, 1],
      ),
      fc.boolean(),
      seeds,
    ],
    runs,
  )('sequences, images and videos are their vectors in a row', (sample, settings, gridOf, withMask, seed) => {
    const quantizer = quantizerFor(sample, settings);
    const state = stateFor(quantizer, sample, seed);
    const [all, width] = sample.z.shape as [number, number];
    const grid = gridOf(all);
    const rows = grid.reduce((product, length) => product * length, 1);
    if (rows > all) return; // a single vector asked of none
    const z = take(sample.z, [...Array(rows).keys()]);
    const mask = ndarray(
      'float32',
      [rows],
      Float32Array.from({ length: rows }, (__, i) => (i + seed) % 2),
    );
    const flat = pass(engine, quantizer, state, { z, ...(withMask && { mask }) });
    const shaped = (array: NdArray, shape: readonly number[]) => constant({ ...array, shape } as NdArray);
    const { tokens, quantized, loss } = engine.eager(() => {
      const traced = Object.fromEntries(Object.entries(state).map(([name, array]) => [name, constant(array)]));
      const out = quantizeAnyRank(quantizer, traced, shaped(z, [...grid, width]), {
        mask: withMask ? shaped(mask, grid) : undefined,
      });
      return { tokens: read(out.tokens), quantized: read(out.quantized), loss: read(out.loss) };
    });
    expect([tokens.shape, tokens.dtype]).toEqual([grid, 'int32']);
    expect(quantized.shape).toEqual([...grid, width]);
    expect(tokens.data).toEqual(flat.tokens.data);
    expect(quantized.data).toEqual(flat.quantized.data);
    expect(loss.data[0]).toBe(flat.loss);
  });
});

test('a mask of another shape, and no vectors at all, are errors', () => {
  const [[, engine]] = engines as [(typeof engines)[number]];
  const sample = { z: floats([2, 3], 1), codebook: floats([4, 3], 2) };
  const quantizer = quantizerFor(sample, {});
  const apply = (x: NdArray, mask?: NdArray) =>
    engine.eager(() => {
      const state = { codebook: constant(sample.codebook) };
      quantizeAnyRank(quantizer, state, constant(x), { mask: mask && constant(mask) });
    });
  expect(() => apply(floats([2, 5, 3], 1), floats([10], 1))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: quantizeAnyRank: expected a mask of shape [2, 5] for [2, 5, 3], got [10].]`,
  );
  expect(() => apply(floats([], 1))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: quantizeAnyRank: expected vectors [..., D], got a scalar.]`,
  );
});
