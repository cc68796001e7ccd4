// What a model of tokens learns with: distances whose nearest code is the token, and codes that the tokens choose.
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { argMax, f32, gather, neg, sub } from '@tessera/engine';
import type { Traced } from '@tessera/engine';
import { codeTable } from '../src/index.ts';
import type { QuantizerConfig, VqvaeParameters } from '../src/index.ts';
import { jointPass } from '../src/joint-training.ts';
import { relativeDistances } from '../src/quantizers/distances.ts';
import { cpu, noise, tiny, tokenizer } from './toy.ts';

const kinds: readonly (Partial<QuantizerConfig> & Pick<QuantizerConfig, 'kind'>)[] = [
  { kind: 'vq', vocabulary: 8 },
  { kind: 'vq', vocabulary: 8, distance: 'cosine', gradient: 'rotation' },
  { kind: 'ema', vocabulary: 8, projection: 2 },
  { kind: 'simvq', vocabulary: 16 },
  { kind: 'fsq', vocabulary: 40 },
  { kind: 'lfq', bits: 4 },
  { kind: 'lfq', bits: 4, spherical: true },
];

function pass(quantizer: Partial<QuantizerConfig>, seed: number) {
  const { quantizer: _, ...options } = tiny();
  const vqvae = tokenizer(cpu, { ...options, quantizer }, { seed });
  vqvae.trainStep(noise(8, seed));
  const frames = noise(6, seed + 1);
  const state = cpu.state(vqvae.parameters());
  const program = state.program('pass', { x: f32(...frames.shape) }, ({ x }, parameters) => {
    const { distances, codes, tokens, quantized } = jointPass(vqvae, parameters as Traced<VqvaeParameters>, x);
    return { nearest: argMax(neg(distances)), codes, tokens, apart: sub(gather(codes, tokens), quantized) };
  });
  const out = program.run({ x: frames });
  program.dispose();
  state.dispose();
  return { vqvae, frames, out };
}

describe.each(kinds)('%j', (settings) => {
  test.prop([fc.noShrink(fc.nat(1e6))], { numRuns: 5 })(
    'the nearest code is the token, and its row the code',
    (seed) => {
      const { vqvae, frames, out } = pass(settings, seed);
      expect(out.tokens).toEqual(vqvae.encode(frames));
      expect(out.nearest.data).toEqual(out.tokens.data);
      expect(out.codes.data).toEqual(codeTable(vqvae).data);
      for (const x of out.apart.data) expect(x).toBe(0);
    },
  );
});

test.prop([fc.noShrink(fc.nat(1e6)), fc.constantFrom(0.01, 1, 100), fc.constantFrom(0, 30)])(
  'distances are those of float64, free of scale and offset',
  (seed, scale, offset) => {
    const generator = npRandom(seed);
    const array = (rows: number) => ndarray('float32', [rows, 3], Float32Array.from({ length: 3 * rows }, () => generator.normal())); // prettier-ignore
    const [z, e] = [array(5), array(4)];
    const at = ({ data }: NdArray<'float32'>, row: number) => [...data.subarray(3 * row, 3 * row + 3)];
    const centre = [0, 1, 2].map((d) => (at(e, 0)[d]! + at(e, 1)[d]! + at(e, 2)[d]! + at(e, 3)[d]!) / 4);
    const square = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, d) => sum + (x - b[d]!) ** 2, 0);
    const spread = [0, 1, 2, 3].reduce((sum, k) => sum + square(at(e, k), centre), 0) / 4;
    const moved = (x: NdArray<'float32'>) => ({ ...x, data: x.data.map((value) => scale * (value + offset)) });
    const program = cpu.program('distances', { z: f32(5, 3), e: f32(4, 3) }, (x) => ({
      d: relativeDistances(x.z, x.e),
    }));
    const { d } = program.run({ z: moved(z), e: moved(e) });
    program.dispose();
    for (let n = 0; n < 5; n++) {
      for (let k = 0; k < 4; k++) {
        const wanted = square(at(z, n), at(e, k)) / spread;
        expect(Math.abs((d.data[4 * n + k] as number) - wanted)).toBeLessThan(2e-3 * (1 + wanted));
      }
    }
  },
);
