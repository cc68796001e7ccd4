// Does it learn?
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import { constant, gradients, read, sum } from '@tessera/engine';
import { evaluateTokenizer, vqvaeConfig } from '../src/index.ts';
import { cpu, squares, tokenizer, wasm } from './toy.ts';

test.each(['vq', 'ema'] as const)('kind %s learns 36 frames of a moving square to an NMSE below 0.05', (kind) => {
  const vqvae = tokenizer(wasm, {
    frameShape: [8, 8, 1],
    tokenShape: [2, 2],
    channels: 16,
    learningRate: 3e-3,
    quantizer: { kind, vocabulary: 32, codeDim: 8 },
  });
  const held = squares(64, 999);
  const before = evaluateTokenizer(vqvae, held).evaluation;
  for (let step = 0; step < 400; step++) vqvae.trainStep(squares(32, step));
  const { evaluation } = evaluateTokenizer(vqvae, held);
  expect(before.nmse).toBeGreaterThan(0.5);
  expect(evaluation.nmse).toBeLessThan(0.05);
  expect(evaluation.usage).toBeGreaterThan(0.3);
});

const text = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

test.each(['example', 'sign-quantizer'])("the README quotes the tests' %s", (name) => {
  expect(text('../README.md')).toContain(`\`\`\`ts\n${text(`${name}.ts`).replaceAll('export ', '')}\`\`\``);
});

test('the example learns', async () => {
  const { decoded, evaluation } = await import('./example.ts');
  expect(decoded.shape).toEqual([64, 8, 8, 1]);
  expect(evaluation.nmse).toBeLessThan(0.15);
});

test('the quantizer that shows how to write one works', async () => {
  const { createSigns } = await import('./sign-quantizer.ts');
  const quantizer = createSigns(vqvaeConfig({ quantizer: { vocabulary: 4, codeDim: 2 } }).quantizer);
  const { codebook } = quantizer.init(npRandom(0));
  cpu.eager(() => {
    const numbers = (tensor: Parameters<typeof read>[0]) => Array.from(read(tensor).data as Float32Array);
    const z = constant(ndarray('float32', [3, 2], Float32Array.of(2, -3, -1, -1, 0.5, 4)));
    const { tokens, quantized, loss } = quantizer.quantize({ codebook: constant(codebook) }, z);
    expect(numbers(tokens)).toEqual([2, 0, 3]);
    expect(numbers(quantized)).toEqual([1, -1, -1, -1, 1, 1]);
    expect(numbers(gradients(sum(quantized), [z])[0]!)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(numbers(loss)[0]).toBeCloseTo((0.25 * (1 + 4 + 0.25 + 9)) / 6, 5);
  });
});
