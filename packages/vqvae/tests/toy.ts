// Small engines, settings, frames and helpers that the tests share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { createEngine, f32, reshape } from '@tessera/engine';
import type { Engine, Traced } from '@tessera/engine';
import { onTestFinished } from 'vitest';
import { VQVAE, encodeFrames, toUnit } from '../src/index.ts';
import type { QuantizerConfig, VqvaeOptions, VqvaeParameters } from '../src/index.ts';

export const cpu: Engine = await createEngine({ backend: 'cpu' });
export const wasm: Engine = await createEngine({ backend: 'wasm' });

/** Engines by name. */
export const engines: readonly (readonly [string, Engine])[] = [
  ['cpu', cpu],
  ['wasm', wasm],
];

/** Frames of 8 x 8 pixels in 2 x 2 tokens of 8 codes: a step takes a few milliseconds. */
export function tiny(quantizer: Partial<QuantizerConfig> = {}): VqvaeOptions {
  return {
    frameShape: [8, 8, 1],
    tokenShape: [2, 2],
    channels: 4,
    residualBlocks: 1,
    quantizer: { vocabulary: 8, codeDim: 3, ...quantizer },
  };
}

/** A tokenizer that is disposed of when the test ends. */
export function tokenizer(engine: Engine, options: VqvaeOptions = tiny(), create: { seed?: number } = {}): VQVAE {
  const vqvae = new VQVAE(engine, options, create);
  onTestFinished(() => vqvae.dispose());
  return vqvae;
}

/** Frames of random numbers in [0, 1). */
export function noise(batch: number, seed: number, frameShape: readonly number[] = [8, 8, 1]): NdArray<'float32'> {
  const generator = npRandom(seed);
  const frames = ndarray('float32', [batch, ...frameShape]);
  frames.data.forEach((_, i) => (frames.data[i] = generator.random()));
  return frames;
}

/** A bright square of 3 x 3 pixels somewhere on a dark frame of 8 x 8: 36 different frames. */
export function squares(batch: number, seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const frames = ndarray('float32', [batch, 8, 8, 1]);
  for (let n = 0; n < batch; n++) {
    const [top, left] = [generator.integers(6), generator.integers(6)];
    for (let y = top; y < top + 3; y++) frames.data.fill(1, n * 64 + y * 8 + left, n * 64 + y * 8 + left + 3);
  }
  return frames;
}

/** One frame of a batch, as a batch of its own. */
export function frameOf(frames: NdArray<'float32'>, n: number): NdArray<'float32'> {
  const size = frames.data.length / frames.shape[0]!;
  return ndarray('float32', [1, ...frames.shape.slice(1)], frames.data.slice(n * size, (n + 1) * size));
}

/** The encoder's vectors [N * h * w, D] of frames under the tokenizer's present weights. */
export function latents(engine: Engine, vqvae: VQVAE, frames: NdArray<'float32'>): Float32Array {
  const state = engine.state(vqvae.parameters());
  const program = state.program('latents', { x: f32(...frames.shape) }, ({ x }, traced) => ({
    z: reshape(encodeFrames(vqvae.config, (traced as Traced<VqvaeParameters>).encoder, x), [-1, vqvae.spec.codeDim]),
  }));
  const { z } = program.run({ x: frames });
  program.dispose();
  state.dispose();
  return z.data as Float32Array;
}

/** An empty folder, removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-vqvae-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Frames of 20 x 20 pixels like those of a small game: cells of 2 x 2 pixels whose colours add up, as bytes over 255. */
export function arcadeFrames(batch: number, seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const frames = ndarray('uint8', [batch, 20, 20, 3]);
  for (let n = 0; n < batch; n++) {
    const add = (row: number, column: number, colour: readonly number[]) => {
      for (let i = 0; i < 12; i++) {
        const [y, x, channel] = [2 * row + (i < 6 ? 0 : 1), 2 * column + (i % 6 < 3 ? 0 : 1), i % 3];
        frames.data[((n * 20 + y) * 20 + x) * 3 + channel]! += colour[channel]!;
      }
    };
    for (let cell = 0; cell < 30; cell++) {
      if (cell % 10 > n % 12) add(1 + Math.floor(cell / 10), cell % 10, [0, 150, 0]);
    }
    add(generator.integers(10), generator.integers(10), [200, 0, 0]);
    add(generator.integers(10), generator.integers(10), [0, 0, 120]);
    add(9, generator.integers(10), [55, 105, 135]);
  }
  return toUnit(frames);
}
