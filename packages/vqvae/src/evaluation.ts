// Quality of a tokenizer on frames that it did not train on.
import { ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { checkFrames, toBytes } from './frames.ts';
import type { Tokenizer } from './tokenizer.ts';
import { placesOf } from './slots.ts';
import { codeUsage, countCodes, usageCeilings } from './usage.ts';

/** Reconstruction errors of frames in [0, 1]. */
export interface ReconstructionQuality {
  /** Mean squared error over all elements. */
  readonly mse: number;
  /** MSE over the variance of these frames' elements about their mean; infinite when frames of one colour are not met exactly. */
  readonly nmse: number;
  /** `10 log10(1 / MSE)` of each frame, averaged, in dB; a frame's MSE counts as at least 1e-10, so 100 dB is exact. */
  readonly psnr: number;
}

/** Errors of `decoded` against `frames`, both float32 [B, H, W, C]. Throws ShapeError when their shapes differ or there are none. */
export function reconstructionQuality(frames: NdArray<'float32'>, decoded: NdArray<'float32'>): ReconstructionQuality {
  if (String(frames.shape) !== String(decoded.shape)) {
    throw new ShapeError(
      `reconstructionQuality: frames are [${frames.shape.join(', ')}], decoded ones [${decoded.shape.join(', ')}].`,
    );
  }
  if (frames.data.length === 0) throw new ShapeError('reconstructionQuality: expected at least one frame, got none.');
  const batch = frames.shape[0]!;
  const size = frames.data.length / batch;
  const count = frames.data.length;
  const mean = frames.data.reduce((sum, x) => sum + x, 0) / count;
  let [errors, decibels, deviations, varied] = [0, 0, 0, false];
  for (let frame = 0; frame < batch; frame++) {
    let error = 0;
    for (let i = frame * size; i < (frame + 1) * size; i++) {
      const x = frames.data[i]!;
      error += (decoded.data[i]! - x) ** 2;
      deviations += (x - mean) ** 2;
      varied ||= x !== frames.data[0];
    }
    errors += error;
    decibels += -10 * Math.log10(Math.max(1e-10, error / size));
  }
  const mse = errors / count;
  // The mean is rounded, so equal pixels would have a variance that is not quite 0.
  const variance = varied ? deviations / count : 0;
  return { mse, nmse: mse === 0 ? 0 : mse / variance, psnr: decibels / batch };
}

/** What `evaluateTokenizer` measures. */
export interface TokenizerEvaluation extends ReconstructionQuality {
  readonly frames: number;
  readonly tokens: number;
  readonly perplexity: number;
  /** What K equally likely codes would show in a sample of this size. */
  readonly perplexityCeiling: number;
  readonly usage: number;
  /** `min(1, distinct patches / K)`, or what the size of the sample allows, if lower; of several tokens a place each can be another one for each patch. */
  readonly usageCeiling: number;
  readonly deadCodes: number;
  readonly distinctPatches: number;
  /** The NMSE of the best answer that does not look: the mean of these frames for every one of them. */
  readonly meanFrameNmse: number;
}

/** Encodes and decodes frames, float32 [B, ...frameShape] in [0, 1], and measures both directions. */
export function evaluateTokenizer(
  tokenizer: Tokenizer,
  frames: NdArray,
): { evaluation: TokenizerEvaluation; tokens: NdArray<'int32'>; decoded: NdArray<'float32'> } {
  checkFrames('evaluateTokenizer', frames, tokenizer.spec);
  const { vocabulary } = tokenizer.spec;
  const tokens = tokenizer.encode(frames);
  const decoded = tokenizer.decode(tokens);
  const { perplexity, usage, dead } = codeUsage(countCodes(tokens.data, vocabulary));
  const patches = patchCounts(frames, placesOf(tokenizer.spec));
  const slots = tokenizer.spec.slots?.length ?? 1;
  const ceilings = usageCeilings({ vocabulary, tokens: tokens.data.length });
  return {
    evaluation: {
      ...reconstructionQuality(frames, decoded),
      frames: frames.shape[0]!,
      tokens: tokens.data.length,
      perplexity,
      perplexityCeiling: ceilings.perplexity,
      usage,
      usageCeiling: Math.min(ceilings.usage, (slots * patches.length) / vocabulary),
      deadCodes: dead,
      distinctPatches: patches.length,
      meanFrameNmse: reconstructionQuality(frames, meanFrames(frames)).nmse,
    },
    tokens,
    decoded,
  };
}

// The mean frame, once for each frame.
function meanFrames({ shape, data }: NdArray<'float32'>): NdArray<'float32'> {
  const batch = shape[0]!;
  const size = data.length / batch;
  const mean = new Float64Array(size);
  for (let i = 0; i < data.length; i++) mean[i % size]! += data[i]! / batch;
  return ndarray(
    'float32',
    shape,
    Float32Array.from(data, (_, i) => mean[i % size]!),
  );
}

/** How often each distinct patch occurs: patches are the pixels under one token, compared as bytes. Without a grid of two axes the whole frame is the patch. */
export function patchCounts(frames: NdArray<'float32'>, tokenShape: readonly number[]): number[] {
  const [batch, height, width, channels] = frames.shape as [number, number, number, number];
  const fits = tokenShape.length === 2 && height % tokenShape[0]! === 0 && width % tokenShape[1]! === 0;
  const [rows, columns] = fits ? (tokenShape as [number, number]) : [1, 1];
  const [patchHeight, patchWidth] = [height / rows, (width / columns) * channels];
  const bytes = toBytes(frames).data;
  const counts = new Map<string, number>();
  for (let n = 0; n < batch; n++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let key = '';
        for (let y = 0; y < patchHeight; y++) {
          const start = (n * height + row * patchHeight + y) * width * channels + column * patchWidth;
          key += String.fromCharCode(...bytes.subarray(start, start + patchWidth));
        }
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
  }
  return [...counts.values()];
}
