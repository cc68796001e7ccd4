// Codes, numbers and entropies of lucidrains/vector-quantize-pytorch 1.32.0 on the same vectors: golden/make.py.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ndarray } from '@tessera/core';
import { fsqCodes } from '@tessera/vqvae';
import { engines } from './samples.ts';
import { decode, quantizerOf, run } from './run.ts';

interface Peer {
  readonly z: readonly number[];
  readonly codes: readonly number[];
  readonly tokens: readonly number[];
}

const peer = JSON.parse(readFileSync(new URL('golden/peer.json', import.meta.url), 'utf8')) as {
  readonly fsq: readonly (Peer & { readonly levels: readonly number[]; readonly table: readonly number[] })[];
  readonly lfq: readonly (Peer & {
    readonly bits: number;
    readonly spherical: boolean;
    readonly temperature: number;
    readonly perVector: number;
    readonly ofMean: number;
    readonly commitment: number;
  })[];
  readonly residual: readonly (Peer & {
    readonly stages: number;
    readonly vocabulary: number;
    readonly codeDim: number;
    readonly codebooks: readonly number[];
  })[];
};

const array = (values: readonly number[], width: number) =>
  ndarray('float32', [values.length / width, width], Float32Array.from(values));

function expectNear(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, x] of expected.entries()) expect(Math.abs(actual[i]! - x)).toBeLessThanOrEqual(tolerance);
}

describe.each(engines)('%s', (_, engine) => {
  test.each(peer.fsq)('fsq of levels $levels', ({ levels, z, codes, tokens, table }) => {
    const quantizer = quantizerOf({ kind: 'fsq', levels });
    const out = run(engine, quantizer, { z: array(z, levels.length) });
    expect([...out.tokens.data]).toEqual(tokens);
    expectNear(out.quantized.data, codes, 1e-7);
    expectNear(fsqCodes(levels).data, table, 1e-7);
  });

  test.each(peer.lfq)('lfq of $bits bits, spherical: $spherical', (golden) => {
    const { bits, spherical, temperature, z, codes, tokens } = golden;
    const quantizer = quantizerOf({ kind: 'lfq', bits, spherical, temperature });
    const out = run(engine, quantizer, { z: array(z, bits) });
    expect([...out.tokens.data]).toEqual(tokens);
    expectNear(out.quantized.data, codes, 1e-6);
    expect(out.losses['commitment']).toBeCloseTo(golden.commitment, 5);
    // The package counts probabilities below 1e-5 as 1e-5 inside of logarithms.
    expect(out.losses['entropy']).toBeCloseTo(golden.perVector - golden.ofMean, 3);
  });

  test.each(peer.residual)('residual of $stages stages of $vocabulary codes', (golden) => {
    const { stages, vocabulary, codeDim, codebooks, z, codes, tokens } = golden;
    const quantizer = quantizerOf({ kind: 'residual', stage: 'vq', stages, vocabulary, codeDim });
    const size = vocabulary * codeDim;
    const state = Object.fromEntries(
      Array.from({ length: stages }, (_unused, s) => [
        `${s}/codebook`,
        array(codebooks.slice(s * size, (s + 1) * size), codeDim),
      ]),
    );
    const out = run(engine, quantizer, { z: array(z, codeDim), state });
    expect([...out.tokens.data]).toEqual(tokens);
    expectNear(out.quantized.data, codes, 1e-6);
    expect(decode(engine, quantizer, { tokens: out.tokens, state })).toEqual(out.quantized);
  });
});
