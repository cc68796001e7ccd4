// The frames that the models of the study see: batches of bytes, and the same as levels for exact likelihoods.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { makeFrames } from '@tessera/rollouts';
import { toUnit } from '@tessera/vqvae';
import { envConfig, frameShapeOf } from '../environment.ts';
import { levels } from './sprite-world.ts';

/** `count` frames drawn with replacement from uint8 [N, H, W, C], as float32 in [0, 1]. */
export function drawBatch(frames: NdArray<'uint8'>, count: number, generator: Generator): NdArray<'float32'> {
  return toUnit(drawBytes(frames, count, generator));
}

/** The same as levels, int32 in [0, 8): grey levels rounded to the nearest of eight. */
export function drawLevels(frames: NdArray<'uint8'>, count: number, generator: Generator): NdArray<'int32'> {
  return toLevels(drawBytes(frames, count, generator));
}

/** Bytes as the nearest of eight levels, int32. */
export function toLevels({ shape, data }: NdArray<'uint8'>): NdArray<'int32'> {
  return ndarray(
    'int32',
    shape,
    Int32Array.from(data, (byte) => Math.round((byte / 255) * (levels - 1))),
  );
}

/** The first `count` rows. */
export function firstRows(frames: NdArray<'float32'>, count: number): NdArray<'float32'> {
  const [rows = 0, ...shape] = frames.shape;
  const kept = Math.min(count, rows);
  return ndarray('float32', [kept, ...shape], frames.data.slice(0, (frames.data.length / rows) * kept));
}

function drawBytes(frames: NdArray<'uint8'>, count: number, generator: Generator): NdArray<'uint8'> {
  const [rows = 0, ...shape] = frames.shape;
  const size = frames.data.length / rows;
  const out = ndarray('uint8', [count, ...shape]);
  for (let n = 0; n < count; n++) {
    const row = generator.integers(rows);
    out.data.set(frames.data.subarray(row * size, (row + 1) * size), n * size);
  }
  return out;
}

/** Steps between two frames that are kept, so that they differ. */
const stride = 3;

/** `count` frames of an environment under random actions, uint8 [count, H, W, C]. Throws ConfigError for an environment without frames. */
export async function environmentFrames(id: string, count: number, seed: number): Promise<NdArray<'uint8'>> {
  const config = envConfig(id, { envKwargs: {}, envModules: [] });
  const shape = await frameShapeOf(config);
  const env = makeFrames(id, {});
  const size = shape[0] * shape[1] * shape[2];
  const out = ndarray('uint8', [count, ...shape]);
  env.actionSpace.seed(seed);
  let { observation } = env.reset({ seed });
  for (let step = 0; step < count * stride; step++) {
    if (step % stride === 0) out.data.set(observation as Uint8Array, (step / stride) * size);
    const result = env.step(env.actionSpace.sample());
    observation = result.terminated || result.truncated ? env.reset().observation : result.observation;
  }
  env.close();
  return out;
}
