// Reconstruction losses against their definitions in float64.
import { fc, test } from '@fast-check/vitest';
import { constant, read } from '@tessera/engine';
import { describe, expect } from 'vitest';
import { reconstructionLoss } from '../src/index.ts';
import type { ReconstructionConfig } from '../src/index.ts';
import { engines, noise } from './toy.ts';

const [batch, channels] = [3, 2];
const shape = [2, 3, channels];
const mean = (values: readonly number[]) => values.reduce((total, x) => total + x, 0) / values.length;

describe.each(engines)('on %s', (_, engine) => {
  const pair = fc.nat(1e6).map((seed) => {
    const [output, frames] = [noise(batch, seed, shape), noise(batch, seed + 1, shape)];
    const lossOf = (settings: Partial<ReconstructionConfig>) =>
      engine.eager(() => {
        const all: ReconstructionConfig = { kind: 'mse', variance: 1, worstPixel: 0, ...settings };
        return Number(read(reconstructionLoss(constant(output), constant(frames), all)).data[0]);
      });
    return { output, frames, lossOf };
  });

  test.prop([pair, fc.constantFrom(1, 0.06, 4), fc.constantFrom(0, 0.5, 2)], { numRuns: 20 })(
    'squares over the variance, and the worst number of each frame',
    ({ output, frames, lossOf }, variance, worstPixel) => {
      const squares = [...output.data].map((x, i) => (x - frames.data[i]!) ** 2);
      const size = squares.length / batch;
      const worst = Array.from({ length: batch }, (__, n) => Math.max(...squares.slice(n * size, (n + 1) * size)));
      const expected = mean(squares) / variance + worstPixel * mean(worst);
      expect(lossOf({ variance, worstPixel }) / expected).toBeCloseTo(1, 5);
    },
  );

  test.prop([pair], { numRuns: 10 })('sizes of differences', ({ output, frames, lossOf }) => {
    const expected = mean([...output.data].map((x, i) => Math.abs(x - frames.data[i]!)));
    expect(lossOf({ kind: 'l1' }) / expected).toBeCloseTo(1, 5);
  });

  test.prop([pair], { numRuns: 10 })('cross-entropy of pixels', ({ output, frames, lossOf }) => {
    const pixels = Array.from({ length: output.data.length / channels }, (__, pixel) => {
      const logits = [...output.data.subarray(pixel * channels, (pixel + 1) * channels)];
      const total = Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0));
      return logits.reduce((sum, x, c) => sum - frames.data[pixel * channels + c]! * (x - total), 0);
    });
    expect(lossOf({ kind: 'cross-entropy' }) / mean(pixels)).toBeCloseTo(1, 5);
  });
});
