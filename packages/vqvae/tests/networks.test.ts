// VQGAN's network and the presets: what they are made of, that attention reaches everywhere, and that everything learns.
import { describe, expect } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ConfigError, ndarray, npRandom } from '@tessera/core';
import { constant, mean, read, square, sub } from '@tessera/engine';
import {
  VQVAE,
  decodeCodes,
  encodeFrames,
  initAutoencoder,
  reconstructionLoss,
  vqvaeConfig,
  vqvaePresets,
} from '../src/index.ts';
import type { VqvaeOptions } from '../src/index.ts';
import { expectSlopes } from './slopes.ts';
import { engines, noise, squares, tokenizer, wasm } from './toy.ts';

/** 8 x 8 pixels in 2 x 2 tokens, attention in the middle alone or at 4 x 4 pixels too. */
const small = (more: VqvaeOptions = {}): VqvaeOptions => ({
  frameShape: [8, 8, 1],
  tokenShape: [2, 2],
  network: 'vqgan',
  channels: 4,
  quantizer: { vocabulary: 16, codeDim: 3 },
  ...more,
  vqgan: { multipliers: [1, 2, 2], groups: 2, attentionAt: [4], ...more.vqgan },
});

/** Numbers of VQGAN's network, layer by layer as table 7 of arXiv 2012.09841 lists them, and of the codebook. */
function countVqgan(options: VqvaeOptions): number {
  const { frameShape, channels, residualBlocks, quantizer, vqgan } = vqvaeConfig(options);
  const [height, , pixels] = frameShape;
  const d = quantizer.codeDim;
  const conv = (size: number, inputs: number, outputs: number) => size * size * inputs * outputs + outputs;
  const block = (i: number, o: number) => 2 * i + conv(3, i, o) + 2 * o + conv(3, o, o) + (i === o ? 0 : conv(1, i, o));
  const look = (width: number) => 2 * width + 4 * conv(1, width, width);
  const widths = vqgan.multipliers.map((m) => m * channels);
  const deepest = widths.at(-1)!;
  const middle = 2 * block(deepest, deepest) + look(deepest);
  let total = conv(3, pixels, channels) + conv(3, deepest, d) + conv(3, d, deepest) + conv(3, widths[0]!, pixels);
  total += 2 * middle + 2 * deepest + 2 * widths[0]! + 2 * conv(1, d, d) + quantizer.vocabulary * d;
  for (const [depth, width] of widths.entries()) {
    const attends = vqgan.attentionAt.includes(height / 2 ** depth);
    const level = (inputs: number, count: number) =>
      block(inputs, width) + (count - 1) * block(width, width) + (attends ? count * look(width) : 0);
    total += level(widths[depth - 1] ?? channels, residualBlocks);
    total += level(widths[depth + 1] ?? deepest, residualBlocks + 1);
    if (depth < widths.length - 1) total += conv(3, width, width); // down
    if (depth > 0) total += conv(3, width, width); // up
  }
  return total;
}

test("IRIS's tokenizer has 4.03 million parameters", () => {
  const vqvae = tokenizer(wasm, vqvaePresets.iris);
  expect(vqvae.parameterCount).toBe(countVqgan(vqvaePresets.iris));
  expect(Math.round(vqvae.parameterCount / 1e4) / 100).toBe(4.03);
  expect(vqvae.spec).toEqual({ frameShape: [64, 64, 3], tokenShape: [4, 4], vocabulary: 512, codeDim: 512 });
});

test.each(['tiny', 'small'] as const)('the preset %s is a tokenizer of its shapes', (name) => {
  const vqvae = tokenizer(wasm, vqvaePresets[name]);
  const { frameShape, tokenShape } = vqvaePresets[name];
  expect(vqvae.encode(noise(1, 0, frameShape)).shape).toEqual([1, ...tokenShape!]);
});

test.prop(
  [fc.constantFrom([1, 1, 1], [1, 2, 4], [2, 1, 2]), fc.constantFrom(0, 1, 2), fc.constantFrom([], [8], [4, 2])],
  { numRuns: 10 },
)(
  'VQGAN at any multipliers, blocks and places of attention has the layers of its table',
  (multipliers, residualBlocks, attentionAt) => {
    const options = small({ residualBlocks: Math.max(1, residualBlocks), vqgan: { multipliers, attentionAt } });
    const vqvae = new VQVAE(wasm, options);
    expect(vqvae.parameterCount).toBe(countVqgan(options));
    vqvae.dispose();
  },
);

test('VQGAN: gradients are slopes, by every parameter', () => {
  const config = vqvaeConfig(small({ frameShape: [4, 4, 1], vqgan: { multipliers: [1, 2] } }));
  const frames = noise(2, 1, config.frameShape);
  expectSlopes(wasm, initAutoencoder(npRandom(1), config), ({ encoder, decoder }) =>
    mean(square(sub(decodeCodes(config, decoder, encodeFrames(config, encoder, constant(frames))), constant(frames)))),
  );
});

test('VQGAN learns, and its state goes on bit for bit', () => {
  const vqvae = tokenizer(wasm, small({ learningRate: 3e-3 }));
  const first = vqvae.trainStep(squares(8, 0)).reconstructionLoss;
  for (let step = 1; step < 12; step++) vqvae.trainStep(squares(8, step));
  expect(vqvae.trainStep(squares(8, 12)).reconstructionLoss).toBeLessThan(first / 2);
  const again = tokenizer(wasm, small({ learningRate: 3e-3 }), { seed: 1 });
  again.loadState(vqvae.state());
  again.loadGeneratorState(vqvae.generatorState());
  const frames = squares(8, 13);
  expect(again.decode(again.encode(frames))).toEqual(vqvae.decode(vqvae.encode(frames)));
  expect(again.trainStep(frames)).toEqual(vqvae.trainStep(frames));
  expect(again.state()).toEqual(vqvae.state());
});

describe.each(engines)('VQGAN on %s', (_, engine) => {
  test('a batch is its rows one by one', () => {
    const vqvae = tokenizer(engine, small());
    const tokens = ndarray('int32', [3, 2, 2], Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
    const all = vqvae.decode(tokens).data;
    for (let n = 0; n < 3; n++) {
      const one = vqvae.decode(ndarray('int32', [1, 2, 2], tokens.data.slice(4 * n, 4 * n + 4)));
      expect([...one.data]).toEqual([...all.subarray(64 * n, 64 * n + 64)]);
    }
  });
});

test('l1 is the mean absolute error, and trains', () => {
  const [output, frames] = [noise(2, 1), noise(2, 2)];
  const expected = output.data.reduce((total, x, i) => total + Math.abs(x - frames.data[i]!), 0) / output.data.length;
  const loss = wasm.eager(() => {
    const settings = { kind: 'l1', variance: 1, worstPixel: 0 } as const;
    return read(reconstructionLoss(constant(output), constant(frames), settings)).data[0];
  });
  expect(loss).toBeCloseTo(expected, 5);
  const settings = { frameShape: [8, 8, 1], tokenShape: [2, 2], learningRate: 3e-3 } as const;
  const vqvae = tokenizer(wasm, { ...settings, reconstruction: { kind: 'l1' } });
  for (let step = 0; step < 400; step++) vqvae.trainStep(squares(16, step));
  // A black frame, the best answer that does not look, has 9 / 64.
  expect(vqvae.trainStep(squares(16, 400)).reconstructionLoss).toBeLessThan(0.7 * (9 / 64));
  const decoded = vqvae.decode(vqvae.encode(squares(4, 1))).data;
  expect(Math.min(...decoded)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...decoded)).toBeLessThanOrEqual(1);
});

test('refuses multipliers and groups that do not fit', () => {
  expect(() => vqvaeConfig(small({ vqgan: { multipliers: [1, 2] } }))).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: VQVAE: expected 3 vqgan.multipliers, one for each size from the frame's to the tokens', got [1, 2].]`,
  );
  expect(() => vqvaeConfig(small({ vqgan: { groups: 3 } }))).toThrowErrorMatchingInlineSnapshot(
    `[ConfigError: VQVAE: 3 vqgan.groups do not divide 4 channels and their multiples.]`,
  );
  expect(() => vqvaeConfig({ network: 'vgan' as 'vqgan' })).toThrow(ConfigError);
});
