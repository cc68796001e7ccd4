// Tokenizers in folders, folders of PNGs and replays for the commands that work on them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng, ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { chunkFormatVersion, encodeChunks } from '@tessera/rollouts';
import type { Chunk } from '@tessera/rollouts';
import { NearestTokenizer, toUnit } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import { main } from '../../src/program.ts';
import { fakeIo } from '../fake-experiment.ts';
import type { Io } from '../../src/io.ts';

const [height, width, channels] = [8, 6, 3];
export const frameShape = [height, width, channels] as const;

/** Frames of patches of 16 plain colours, uint8 [count, 8, 6, 3]. */
export function frames(count: number, seed: number): NdArray<'uint8'> {
  const random = npRandom(seed);
  const out = ndarray('uint8', [count, ...frameShape]);
  for (let line = 0; line < out.data.length; line += 4 * width * channels) {
    for (const column of [0, 2, 4]) {
      const colour = 16 * random.integers(16);
      for (let row = 0; row < 4; row++) {
        const at = line + (row * width + column) * channels;
        out.data.fill(colour + row, at, at + 2 * channels);
        out.data[at] = colour;
      }
    }
  }
  return out;
}

export const frameOf = (batch: NdArray<'uint8'>, i: number): NdArray<'uint8'> => {
  const size = batch.data.length / batch.shape[0]!;
  return ndarray('uint8', batch.shape.slice(1), batch.data.slice(i * size, (i + 1) * size));
};

/** A tokenizer that knows all patches of `frames`, in a folder; it decodes them exactly. */
export async function savedTokenizer(folder: string, vocabulary = 16): Promise<NearestTokenizer> {
  const tokenizer = new NearestTokenizer({ frameShape, tokenShape: [2, 3], vocabulary });
  tokenizer.observe(toUnit(frames(64, 0)));
  await saveTokenizer(folder, tokenizer);
  return tokenizer;
}

/** PNGs of these frames, `0007.png` for frame 7. */
export function writePictures(folder: string, batch: NdArray<'uint8'>): string[] {
  mkdirSync(folder, { recursive: true });
  return Array.from({ length: batch.shape[0]! }, (_, i) => {
    const name = `${String(i).padStart(4, '0')}.png`;
    writeFileSync(join(folder, name), encodePng(frameOf(batch, i)));
    return name;
  });
}

/** A shard of chunks of 3 and 5 steps: ten frames. */
export function writeShard(folder: string, number: number, seed: number): NdArray<'uint8'> {
  mkdirSync(folder, { recursive: true });
  const batch = frames(10, seed);
  const size = batch.data.length / 10;
  const chunk = (first: number, steps: number, sequence: number): Chunk => ({
    frames: ndarray('uint8', [steps + 1, ...frameShape], batch.data.slice(first * size, (first + steps + 1) * size)),
    actions: ndarray(
      'int32',
      [steps],
      Int32Array.from({ length: steps }, (_, i) => i + seed),
    ),
    executedActions: ndarray('int32', [steps]),
    rewards: ndarray('float32', [steps]),
    terminated: ndarray('uint8', [steps]),
    truncated: ndarray('uint8', [steps]),
    metadata: {
      formatVersion: chunkFormatVersion,
      envId: 'Tiles-v0',
      envIndex: 0,
      seed,
      episode: sequence,
      firstStep: 0,
      policyVersion: 0,
      sequence,
    },
  });
  const name = `shard-${String(number).padStart(6, '0')}.safetensors`;
  writeFileSync(join(folder, name), encodeChunks([chunk(0, 3, 0), chunk(4, 5, 1)]));
  return batch;
}

/** Runs the command: exit code and both streams. */
export async function run(
  words: readonly string[],
  change: Partial<Pick<Io, 'signal'>> = {},
): Promise<{ code: number; out: string; err: string }> {
  const io = fakeIo();
  const code = await main(words, { ...io, ...change });
  return { code, out: io.out(), err: io.err() };
}
