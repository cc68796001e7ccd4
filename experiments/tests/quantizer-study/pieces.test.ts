// Pieces of the study of quantizers: equal rates, codes of places, the table and its picture.
import { ndarray } from '@tessera/core';
import { createQuantizer, vqvaeConfig } from '@tessera/vqvae';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { quantizerKinds } from '../../src/quantizer-study/kinds.ts';
import { quantizerChart, quantizerTable } from '../../src/quantizer-study/report.ts';
import { jointCodes } from '../../src/quantizer-study/unit.ts';
import type { QuantizerUnit } from '../../src/quantizer-study/unit.ts';
import { slug } from '../../src/study/run-units.ts';

describe('kinds', () => {
  const kinds = (bits: number) => quantizerKinds({ bits, codeDim: 16 });

  test.each([4, 8, 12])('have 2^%i codes for a place, each in its own way', (bits) => {
    for (const { name, quantizer } of kinds(bits)) {
      if (quantizer === undefined) continue;
      const { slots } = createQuantizer(vqvaeConfig({ quantizer }).quantizer);
      expect([name, slots.reduce((product, vocabulary) => product * vocabulary, 1)]).toEqual([name, 2 ** bits]);
    }
  });

  test('are all that the factory knows, with files of their own', () => {
    const known = new Set(kinds(8).map(({ quantizer }) => quantizer?.kind));
    for (const kind of ['vq', 'ema', 'residual', 'product', 'grouped-residual', 'fsq', 'lfq', 'simvq', 'gumbel'])
      expect(known).toContain(kind);
    expect(new Set(kinds(8).map(({ name }) => slug(name))).size).toBe(kinds(8).length);
    expect(kinds(8).find(({ quantizer }) => quantizer?.kind === 'fsq')!.quantizer!.levels).toEqual([8, 8, 4]);
  });
});

describe('codes of places', () => {
  const tables = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  test.prop([tables, fc.infiniteStream(fc.nat())])(
    'are different where any token is, and below the product',
    (slots, numbers) => {
      const vocabulary = slots.reduce((sum, size) => sum + size, 0);
      const spec = { tokenShape: [2, 3 * slots.length], slots, vocabulary };
      const tokens = ndarray('int32', [4, ...spec.tokenShape]);
      const own = (i: number) => slots.slice(0, i % slots.length).reduce((sum, size) => sum + size, 0);
      for (let i = 0; i < tokens.data.length; i++)
        tokens.data[i] = own(i) + ((numbers.next().value as number) % slots[i % slots.length]!);
      const codes = jointCodes(tokens, spec);
      expect(codes.shape).toEqual([4, 2, 3]);
      const seen = new Map<number, string>();
      const product = slots.reduce((all, size) => all * size, 1);
      for (const [place, code] of codes.data.entries()) {
        expect(code).toBeLessThan(product);
        const key = String(tokens.data.slice(place * slots.length, (place + 1) * slots.length));
        expect(seen.get(code) ?? key).toBe(key);
        seen.set(code, key);
      }
      expect(new Set(seen.values()).size).toBe(seen.size);
    },
  );

  test('a token in a slot that is not its own is a defect', () => {
    const spec = { tokenShape: [1, 2], slots: [2, 3], vocabulary: 5 };
    expect(() => jointCodes(ndarray('int32', [1, 1, 2], Int32Array.of(2, 3)), spec)).toThrowErrorMatchingInlineSnapshot(
      `[InternalError: internal: jointCodes: a token of slot 0 is not its own.]`,
    );
  });
});

function unit(kind: string, seed: number, changes: Partial<QuantizerUnit> = {}): QuantizerUnit {
  return {
    part: 'quantizer',
    kind,
    seed,
    rateBits: 200,
    psnr: 40,
    nmse: 0.01,
    ballRecall: 1,
    usage: 0.2,
    usageCeiling: 0.25,
    perplexity: 4,
    perplexityCeiling: 5,
    tokenUsage: 0.2,
    churn: 0,
    noiseChurn: 0.5,
    trainSeconds: 2,
    cpuSeconds: 3,
    parameters: 100,
    picture: 'x.png',
    ...changes,
  };
}

describe('the table', () => {
  test('has means with their ranges over the seeds, and ceilings; where all seeds agree there is no range', () => {
    const units = [unit('vq', 0, { psnr: 30 }), unit('ema', 0), unit('vq', 1, { psnr: 40, ballRecall: NaN })];
    expect(quantizerTable(units)).toMatchInlineSnapshot(`
      "| quantizer | bits a frame | PSNR, dB | NMSE | ball recall, % | usage, % (ceiling) | perplexity (ceiling) | churn, % | noise churn, % | training, s | CPU, s |
      | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
      | vq | 200 | 35.0 [30.0, 40.0] | 0.01 | 100 | 20 (25) | 4 (5) | 0 | 50 | 2 | 3 |
      | ema | 200 | 40.0 | 0.01 | 100 | 20 (25) | 4 (5) | 0 | 50 | 2 | 3 |"
    `);
  });
});

test('the picture names every kind once, with a bar and a number in each panel', () => {
  const units = ['a & b', 'c'].flatMap((kind) => [0, 1].map((seed) => unit(kind, seed, { psnr: 30 + seed, churn: 0 })));
  const svg = quantizerChart(units, 'A < B');
  expect(svg).toContain('A &lt; B');
  expect(svg.match(/>a &amp; b</g)).toHaveLength(1);
  expect(svg.match(/fill="#7fb2c4"/g)).toHaveLength(2 * 4);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
