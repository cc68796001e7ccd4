// The second stage of parts C and D: a learned prior over the latents of a trained model, the same transformer whether they are tokens or vectors.
import { ndarray } from '@tessera/core';
import type { Generator, Generators, NdArray } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { learningRateAt } from '@tessera/nn';
import { SequencePrior, toUnit } from '@tessera/vqvae';
import type { Posteriors, SequenceHead } from '@tessera/vqvae';
import { drawBatch, firstRows } from './frames.ts';
import type { OnStep } from './units.ts';

const priorBatch = 64;
// Frames whose latents a prior learns from: enough that each is seen a few times.
const poolFrames = 6000;
// Between two batches of samples a study can be stopped.
const drawnAtOnce = 500;
// Frames on which its likelihood is measured.
const measured = 500;

/** What a prior learns from and for how long. */
export interface SecondStageWork {
  readonly priorSteps: number;
  /** uint8 [N, H, W, C]. */
  readonly train: NdArray<'uint8'>;
  readonly test: NdArray<'uint8'>;
  readonly seed: number;
}

/** A learned prior over latents of training frames: what it pays for test frames in bits, and what it draws. */
export async function secondStage<P extends object>(
  engine: Engine,
  { priorSteps, train, test, seed }: SecondStageWork,
  {
    head,
    length,
    samples,
    prepare,
    generators,
    onStep,
  }: {
    readonly head: SequenceHead<P>;
    readonly length: number;
    readonly samples: number;
    readonly prepare: (frames: NdArray<'float32'>) => LatentPool;
    readonly generators: Generators;
    readonly onStep: OnStep;
  },
): Promise<{ readonly bits: number; readonly drawn: NdArray }> {
  const prior = new SequencePrior(engine, head, { length, seed });
  try {
    const batches = generators.get('prior batches');
    const pool = prepare(drawBatch(train, Math.min(poolFrames, train.shape[0]!), batches));
    for (let step = 0; step < priorSteps; step++) {
      const learningRate = learningRateAt(
        { peak: 3e-3, warmup: 20, decay: 'cosine' },
        { step, progress: step / priorSteps },
      );
      const chosen = Array.from({ length: priorBatch }, () => batches.integers(pool.count));
      prior.trainStep(pool.rows(chosen), { learningRate });
      await onStep();
    }
    const held = prepare(firstRows(toUnit(test), measured));
    const nats = prior.nll(held.rows(Array.from({ length: held.count }, (_, i) => i)));
    const bits = nats.reduce((sum, value) => sum + value, 0) / nats.length / Math.LN2;
    return { bits, drawn: await drawSamples(prior, { samples, generator: generators.get('samples'), onStep }) };
  } finally {
    prior.dispose();
  }
}

/** How often drawing so many samples calls `onStep`. */
export function samplingSteps(samples: number): number {
  return Math.ceil(samples / drawnAtOnce);
}

async function drawSamples<P extends object>(
  prior: SequencePrior<P>,
  { samples, generator, onStep }: { readonly samples: number; readonly generator: Generator; readonly onStep: OnStep },
): Promise<NdArray> {
  const parts: NdArray[] = [];
  for (let start = 0; start < samples; start += drawnAtOnce) {
    parts.push(prior.sample(Math.min(drawnAtOnce, samples - start), generator));
    await onStep();
  }
  const [{ dtype, shape }] = parts as [NdArray];
  const drawn = ndarray(dtype, [samples, ...shape.slice(1)]);
  const size = drawn.data.length / samples;
  for (const [i, { data }] of parts.entries()) drawn.data.set(data as never, i * drawnAtOnce * size);
  return drawn;
}

/** Latents of a set of frames, from which sequences for a prior are taken. */
export interface LatentPool {
  readonly count: number;
  rows(chosen: readonly number[]): NdArray;
}

/** Rows of an array, in this order. */
export function pickRows<D extends 'float32' | 'int32'>(
  { dtype, shape, data }: NdArray<D>,
  rows: readonly number[],
): NdArray<D> {
  const size = data.length / shape[0]!;
  const out = ndarray(dtype, [rows.length, ...shape.slice(1)]);
  for (const [i, row] of rows.entries()) out.data.set(data.subarray(row * size, (row + 1) * size), i * size);
  return out;
}

/** Latents as sequences of vectors, over `scale`; drawn from their posteriors, or their means. */
export function latentRows(
  { mean, deviation }: Posteriors,
  { noise, scale, draw }: { readonly noise: Generator; readonly scale: number; readonly draw: boolean },
): NdArray<'float32'> {
  const [count = 0, rows = 0, columns = 0, dimensions = 0] = mean.shape;
  const out = ndarray('float32', [count, rows * columns, dimensions]);
  for (let i = 0; i < out.data.length; i++) {
    const latent = mean.data[i]! + (draw ? deviation.data[i]! * noise.standardNormal() : 0);
    out.data[i] = latent / scale;
  }
  return out;
}
