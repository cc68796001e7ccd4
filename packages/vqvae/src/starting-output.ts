// Where the decoder's output starts: at the mean of the first frames (data-dependent initialisation, as in Salimans and Kingma 2016, arXiv 1602.07868,
// section 3). A channel's mean and no more: the mean of each pixel would be a template of the scene, learned beside the codes.
import type { NdArray } from '@tessera/core';
import type { ReconstructionConfig } from './config.ts';

/**
 * The bias [C] that gives frames, float32 [B, ..., H, W, C] in [0, 1], their mean colour, or the logarithms of the categories' frequencies, each seen
 * once more than it was, so that one without pixels can still come (cross-entropy).
 */
export function startingBias(
  { shape, data }: NdArray<'float32'>,
  { kind }: Pick<ReconstructionConfig, 'kind'>,
): Float32Array {
  const channels = shape.at(-1)!;
  const pixels = data.length / channels;
  const sums = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) sums[i % channels]! += data[i]!;
  return Float32Array.from(sums, (sum) =>
    kind === 'cross-entropy' ? Math.log((sum + 1) / (pixels + channels)) : sum / pixels,
  );
}
