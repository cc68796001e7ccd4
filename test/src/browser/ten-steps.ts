// Ten training steps of a small VQ-VAE, the same in a browser and in Node. Browser-safe: it is part of the page.

import { Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { VQVAE } from '@tessera/vqvae';

/** Squares on a dark ground, float32 [16, 20, 20, 3] in [0, 1]. */
function squares(): NdArray<'float32'> {
  const generator = new Generators(0).get('squares');
  const [batch, size, side] = [16, 20, 6];
  const frames = ndarray('float32', [batch, size, size, 3]);
  for (let frame = 0; frame < batch; frame++) {
    const [top, left] = [generator.integers(size - side), generator.integers(size - side)];
    for (let i = 0; i < side * side; i++) {
      const pixel = (top + Math.floor(i / side)) * size + left + (i % side);
      frames.data.set([1, 0.5, 0.25], (frame * size * size + pixel) * 3);
    }
  }
  return frames;
}

/** The losses of ten updates on one batch. */
export function tenSteps(engine: Engine): number[] {
  const tokenizer = new VQVAE(engine, { channels: 8, quantizer: { vocabulary: 16 } }, { seed: 0 });
  try {
    const frames = squares();
    return Array.from({ length: 10 }, () => tokenizer.trainStep(frames).loss);
  } finally {
    tokenizer.dispose();
  }
}
