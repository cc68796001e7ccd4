import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { ndarray, npRandom } from '@tessera/core';
import { constant, createEngine, gradients, read, sum } from '@tessera/engine';
import { vqvaeConfig } from '../src/index.ts';

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
  const engine = await createEngine({ backend: 'cpu' });
  engine.eager(() => {
    const numbers = (tensor: Parameters<typeof read>[0]) => Array.from(read(tensor).data as Float32Array);
    const z = constant(ndarray('float32', [3, 2], Float32Array.of(2, -3, -1, -1, 0.5, 4)));
    const { tokens, quantized, loss } = quantizer.quantize({ codebook: constant(codebook) }, z);
    expect(numbers(tokens)).toEqual([2, 0, 3]);
    expect(numbers(quantized)).toEqual([1, -1, -1, -1, 1, 1]);
    expect(numbers(gradients(sum(quantized), [z])[0]!)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(numbers(loss)[0]).toBeCloseTo((0.25 * (1 + 4 + 0.25 + 9)) / 6, 5);
  });
});
