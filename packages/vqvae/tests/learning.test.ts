// Does it learn, and does it keep its memory to itself?
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { evaluateTokenizer } from '../src/index.ts';
import { squares, tokenizer, wasm } from './toy.ts';

test.each(['vq', 'ema'] as const)('kind %s learns 36 frames of a moving square to an NMSE below 0.05', (kind) => {
  const vqvae = tokenizer(wasm, {
    frameShape: [8, 8, 1],
    tokenShape: [2, 2],
    channels: 16,
    learningRate: 3e-3,
    quantizer: { kind, vocabulary: 32, codeDim: 8 },
  });
  const test = squares(64, 999);
  const before = evaluateTokenizer(vqvae, test).evaluation;
  for (let step = 0; step < 400; step++) vqvae.trainStep(squares(32, step));
  const { evaluation } = evaluateTokenizer(vqvae, test);
  expect(before.nmse).toBeGreaterThan(0.5);
  expect(evaluation.nmse).toBeLessThan(0.05);
  expect(evaluation.usage).toBeGreaterThan(0.3);
});

test('a thousand steps take no more tensors than ten, and no more memory than two hundred', async () => {
  const script = fileURLToPath(new URL('long-run.ts', import.meta.url));
  const flags = ['--conditions', '@tessera/source', '--import', 'tsx', '--expose-gc', script];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  const { tensors, resident } = JSON.parse(stdout) as Record<string, Record<string, number>>;
  expect(tensors!['1000']).toBe(tensors!['10']);
  expect(resident!['1000']! / resident!['200']!).toBeLessThan(1.05);
});
