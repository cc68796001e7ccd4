import { ndarray, npRandom } from '@tessera/core';
import { createEngine } from '@tessera/engine';
import { VQVAE, evaluateTokenizer, toUnit } from '@tessera/vqvae';

// Frames of 8 x 8 pixels with a bright square somewhere, as bytes.
const generator = npRandom(0);
function batch(size: number) {
  const frames = ndarray('uint8', [size, 8, 8, 1]);
  for (let n = 0; n < size; n++) {
    const corner = n * 64 + generator.integers(6) * 8 + generator.integers(6);
    for (const row of [0, 8, 16]) frames.data.fill(255, corner + row, corner + row + 3);
  }
  return toUnit(frames);
}

const engine = await createEngine();
const tokenizer = new VQVAE(engine, {
  frameShape: [8, 8, 1],
  tokenShape: [2, 2],
  channels: 16,
  learningRate: 3e-3,
  quantizer: { kind: 'ema', vocabulary: 32, codeDim: 8 },
});

for (let step = 0; step < 300; step++) tokenizer.trainStep(batch(32));

const frames = batch(64);
const tokens = tokenizer.encode(frames); // int32 [64, 2, 2]
export const decoded = tokenizer.decode(tokens); // float32 [64, 8, 8, 1]
export const { evaluation } = evaluateTokenizer(tokenizer, frames); // nmse, psnr, perplexity, usage, ...
tokenizer.dispose();
