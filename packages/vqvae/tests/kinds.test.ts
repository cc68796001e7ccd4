// Every kind of quantizer inside of a VQ-VAE: it learns, its tokens are one vocabulary, its state comes back.
import { describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { f32, i32 } from '@tessera/engine';
import { codeTable, evaluateTokenizer } from '../src/index.ts';
import type { QuantizerConfig, VQVAE } from '../src/index.ts';
import { cpu, squares, tiny, tokenizer, wasm } from './toy.ts';

const kinds: readonly (Partial<QuantizerConfig> & Pick<QuantizerConfig, 'kind'>)[] = [
  { kind: 'residual', vocabulary: 8, stages: 2 },
  { kind: 'residual', vocabulary: 8, stages: 2, stage: 'vq', quantizeDropout: true, zeroCode: true },
  { kind: 'product', vocabulary: 8 },
  { kind: 'grouped-residual', vocabulary: 6, stages: 2 },
  { kind: 'fsq', vocabulary: 32 },
  { kind: 'lfq', bits: 5, spherical: true, temperature: 0.1 },
  { kind: 'simvq', vocabulary: 32 },
  { kind: 'gumbel', vocabulary: 32 },
];

const small = (quantizer: Partial<QuantizerConfig>) => {
  const { quantizer: _, ...options } = tiny();
  return { ...options, residualBlocks: 0, quantizer };
};

describe.each(kinds)('%j', (settings) => {
  test('learns the moving square', () => {
    const vqvae = tokenizer(wasm, {
      ...small(settings),
      channels: 16,
      learningRate: 5e-3,
    });
    const held = squares(64, 999);
    // Draws from nearly equal codes say little at first.
    const steps = settings.kind === 'gumbel' ? 350 : 150;
    for (let step = 0; step < steps; step++) vqvae.trainStep(squares(16, step));
    const { evaluation } = evaluateTokenizer(vqvae, held);
    expect(evaluation.meanFrameNmse).toBeGreaterThan(0.9);
    expect(evaluation.nmse).toBeLessThan(0.25);
    expect(evaluation.usage).toBeGreaterThan(0.2);
  });

  test('tokens of a place follow each other, each slot in a range of its own', () => {
    const vqvae = tokenizer(cpu, small(settings));
    vqvae.trainStep(squares(8, 1));
    const { slots = [vqvae.spec.vocabulary], vocabulary, tokenShape, codeDim } = vqvae.spec;
    const count = vqvae.quantizer.slots.length;
    expect(slots).toEqual(vqvae.quantizer.slots);
    expect(vocabulary).toBe(slots.reduce((a, b) => a + b, 0));
    expect(tokenShape).toEqual([2, 2 * count]);
    const tokens = vqvae.encode(squares(5, 2));
    expect(tokens.shape).toEqual([5, 2, 2 * count]);
    for (const [i, token] of tokens.data.entries()) expect(Math.floor(token / slots[0]!)).toBe(i % count);
    // A token's vector is a row of the table, wherever it stands.
    const table = codeTable(vqvae);
    const vectors = vqvae.embed(tokens);
    expect(vectors.shape).toEqual([...tokens.shape, codeDim]);
    for (const [i, token] of tokens.data.entries()) {
      expect(at(vectors, i, codeDim)).toEqual(at(table, token, codeDim));
    }
    expect(vqvae.decode(tokens).shape).toEqual([5, 8, 8, 1]);
  });

  test('its state comes back, and the next step is the same', () => {
    const [one, other] = [tokenizer(cpu, small(settings), { seed: 1 }), tokenizer(cpu, small(settings), { seed: 2 })];
    one.trainStep(squares(8, 1));
    other.loadState(one.state());
    other.loadGeneratorState(one.generatorState());
    const frames = squares(8, 2);
    expect(other.encode(frames)).toEqual(one.encode(frames));
    expect(other.trainStep(frames)).toEqual(one.trainStep(frames));
    expect(other.state()).toEqual(one.state());
  });
});

const at = ({ data }: NdArray<'float32'>, row: number, width: number) => [
  ...data.subarray(row * width, (row + 1) * width),
];

const random: typeof kinds = [
  { kind: 'residual', vocabulary: 8, stages: 2, stage: 'vq', quantizeDropout: true, restart: 'off' },
  { kind: 'gumbel', vocabulary: 32 },
];

test.each(random)('every step of training draws anew: %j', (settings) => {
  const vqvae = tokenizer(cpu, small(settings));
  const perplexities = Array.from({ length: 8 }, () => vqvae.trainStep(squares(8, 1), { learningRate: 0 }).perplexity);
  expect(new Set(perplexities).size).toBeGreaterThan(1);
});

test('tokens of stages that sit out are -1, in the one vocabulary too', () => {
  const vqvae = tokenizer(cpu, small(random[0]!));
  const state = cpu.state(vqvae.parameters());
  const program = state.program('tokens', { x: f32(2, 8, 8, 1), random: i32(2) }, ({ x, random: key }, parameters) => ({
    tokens: vqvae.forward(parameters, x, { random: key }).tokens,
  }));
  const depths = Array.from({ length: 8 }, (_unused, seed) => {
    const { data } = program.run({ x: squares(2, 3), random: ndarray('int32', [2], Int32Array.of(seed, 1)) }).tokens;
    const slots = [0, 1].map((q) => [...(data as Int32Array)].filter((_token, i) => i % 2 === q));
    const absent = slots[1]!.every((token) => token === -1);
    for (const [q, tokens] of slots.slice(0, absent ? 1 : 2).entries()) {
      expect(tokens.map((token) => Math.floor(token / 8))).toEqual(tokens.map(() => q));
    }
    return absent ? 1 : 2;
  });
  program.dispose();
  state.dispose();
  expect(new Set(depths).size).toBe(2);
});

describe('tokens that stand in the wrong slot, as a world model may dream them', () => {
  const make = (settings: Partial<QuantizerConfig>): VQVAE => {
    const vqvae = tokenizer(cpu, small(settings));
    vqvae.trainStep(squares(8, 1));
    return vqvae;
  };

  test.each(['residual', 'product', 'grouped-residual'] as const)('decode as if they were not there: %s', (kind) => {
    const vqvae = make({ kind, vocabulary: 4, ...(kind !== 'product' && { stages: 2 }) });
    const count = vqvae.quantizer.slots.length;
    const tokens = vqvae.encode(squares(1, 3));
    const { vocabulary } = vqvae.spec;
    const swapped = tokens.data.map((token, i) => (i % count === 0 ? vocabulary - 1 : token));
    const decoded = (data: Int32Array) => vqvae.decode(ndarray('int32', tokens.shape, data)).data;
    // Another wrong one makes no difference, a right one does.
    expect(decoded(swapped.map((token, i) => (i % count === 0 ? 4 : token)))).toEqual(decoded(swapped));
    expect(decoded(swapped)).not.toEqual(decoded(tokens.data));
  });

  test('the code of a place is the sum of what its tokens stand for', () => {
    for (const kind of ['residual', 'product', 'grouped-residual'] as const) {
      const vqvae = make({ kind, vocabulary: 4 });
      const count = vqvae.quantizer.slots.length;
      const tokens = vqvae.encode(squares(2, 3));
      const { codeDim } = vqvae.spec;
      const parts = vqvae.embed(tokens);
      const places = tokens.data.length / count;
      const sums = Array.from({ length: places }, (_unused, place) =>
        Array.from({ length: codeDim }, (_none, d) => {
          let total = 0;
          for (let q = 0; q < count; q++) total += parts.data[(place * count + q) * codeDim + d]!;
          return total;
        }),
      ).flat();
      const state = cpu.state(vqvae.parameters());
      const program = state.program('codes', { x: f32(2, 8, 8, 1) }, ({ x }, parameters) => ({
        codes: vqvae.forward(parameters, x).quantized,
      }));
      const codes = program.run({ x: squares(2, 3) }).codes.data;
      program.dispose();
      state.dispose();
      expect(codes).toHaveLength(sums.length);
      for (const [k, sum] of sums.entries()) expect(codes[k]).toBeCloseTo(sum, 5);
    }
  });
});
