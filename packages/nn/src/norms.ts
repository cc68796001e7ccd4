// Layer and group normalisation with learned scale and bias.
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { add, layerNorm, mean, mul, reshape, rsqrt, square, sub } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { ones, zeros } from './initialisers.ts';

/** Parameters of a normalisation. */
export interface Norm {
  readonly scale: NdArray<'float32'>;
  readonly bias: NdArray<'float32'>;
}

/** Starting values: scale 1, bias 0. */
export function initNorm(width: number): Norm {
  return { scale: ones([width]), bias: zeros([width]) };
}

/** Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450): [..., width] to the same shape. */
export function norm({ scale, bias }: Traced<Norm>, x: Tensor, { epsilon = 1e-5 }: { epsilon?: number } = {}): Tensor {
  return layerNorm(x, scale, bias, { epsilon });
}

/** Group normalisation (Wu and He 2018, arXiv 1803.08494) of [N, H, W, C] over the pixels and the C / groups channels of each group. Throws ConfigError when `groups` does not divide C. */
export function groupNorm(
  { scale, bias }: Traced<Norm>,
  x: Tensor,
  { groups, epsilon = 1e-5 }: { groups: number; epsilon?: number },
): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (!(groups >= 1 && Number.isInteger(groups) && Number.isInteger(channels / groups))) {
    throw new ConfigError(`groupNorm: ${channels} channels do not divide into ${groups} groups.`);
  }
  const grouped = reshape(x, [batch, height * width, groups, channels / groups]);
  const over = { axes: [1, 3], keepDims: true };
  const centred = sub(grouped, mean(grouped, over));
  const normalised = mul(centred, rsqrt(add(mean(square(centred), over), epsilon)));
  return add(mul(reshape(normalised, x.shape), scale), bias); // [N, H, W, C]
}
