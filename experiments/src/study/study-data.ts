// A set of frames to train and to measure on, and how decoded ones are measured beside it.
import type { NdArray } from '@tessera/core';
import {
  foregroundPsnr,
  frechetDistance,
  highFrequencyShare,
  probeAccuracy,
  randomFeatures,
  reconstructionQuality,
  sharpnessRatio,
  ssim,
  toUnit,
} from '@tessera/vqvae';
import { firstRows } from './frames.ts';
import { modeParts } from './units.ts';
import type { MatchedUnit, ReconstructionMeasures, SampleMeasures } from './units.ts';

/** Frames whose spectrum, random features, noise churn and quantisation error are taken. */
export const measured = 500;

/** Frames, and what only sprite world knows of them. */
export interface StudyData {
  readonly name: string;
  /** uint8 [N, H, W, C]. */
  readonly train: NdArray<'uint8'>;
  readonly test: NdArray<'uint8'>;
  /** Of each test frame, the parts of its mode. */
  readonly parts?: Readonly<
    Record<(typeof modeParts)[number], { readonly labels: Int32Array; readonly classes: number }>
  >;
  /** uint8 [N, H, W] of the test frames. */
  readonly mask?: NdArray<'uint8'>;
  /** The share of test frames whose ball is found after decoding. */
  readonly ballRecall?: (decoded: NdArray<'float32'>) => number;
  /** The share of test frames whose mode is the same after decoding. */
  readonly modesKept?: (decoded: NdArray<'float32'>) => number;
  readonly coverage?: (frames: NdArray<'float32'>) => Pick<SampleMeasures, 'modes' | 'klToUniform' | 'invalid'>;
}

/** How well each part of the frames' modes is read off their tokens. */
export function readParts(
  tokens: NdArray<'int32'>,
  parts: NonNullable<StudyData['parts']>,
  vocabulary: number,
): NonNullable<MatchedUnit['probe']> {
  const [background, sprite, cell] = modeParts.map((part) => {
    const { labels, classes } = parts[part];
    return probeAccuracy(tokens, labels, { vocabulary, classes });
  });
  return { background: background!, sprite: sprite!, cell: cell! };
}

/** Decoded test frames beside the real ones, whose random features are `features`. */
export function compareFrames(
  data: StudyData,
  decoded: NdArray<'float32'>,
  features: NdArray<'float32'>,
): ReconstructionMeasures {
  const real = toUnit(data.test);
  const sharpness = sharpnessRatio(decoded, real);
  const high = (frames: NdArray<'float32'>) => highFrequencyShare(firstRows(frames, measured));
  return {
    ...reconstructionQuality(real, decoded),
    ssim: ssim(real, decoded),
    foregroundPsnr: data.mask ? foregroundPsnr(real, decoded, data.mask) : null,
    ballRecall: data.ballRecall?.(decoded) ?? null,
    modesKept: data.modesKept?.(decoded) ?? null,
    invalid: data.coverage?.(decoded).invalid ?? null,
    frechet: frechetDistance(randomFeatures(firstRows(decoded, measured)), features),
    sharpnessMean: sharpness.mean,
    sharpnessMin: sharpness.min,
    highFrequency: high(decoded) / high(real),
  };
}
