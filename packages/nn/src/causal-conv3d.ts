// Convolutions over frames [N, T, H, W, C] that are causal in time, made of two-dimensional ones: the frames that an output sees lie side by side as channels, and one
// convolution over the pixels sums over all of them. VideoGPT (arXiv 2104.10157) pads both ends of time instead; padding the beginning alone keeps the future out.
import { ConfigError, ShapeError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { biasAdd, concat, conv2d, conv2dTranspose, reshape, slice, transpose, fill } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { heNormal, zeros } from './initialisers.ts';
import type { ConvSizes, Linear } from './linear.ts';

/** Sizes of a convolution over frames whose kernel is square in space. */
export interface Conv3dSizes extends ConvSizes {
  /** Frames of the kernel. */
  readonly timeSize: number;
}

/** How it moves. */
export interface Conv3dStrides {
  /** Pixels from one output to the next, default 1. */
  readonly stride?: number;
  /** Frames from one output to the next, default 1; it divides `timeSize`. */
  readonly timeStride?: number;
}

/** Starting values: He normal kernel [timeSize, size, size, inputs, outputs], zero bias. */
export function initCausalConv3d(generator: Generator, { timeSize, size, inputs, outputs }: Conv3dSizes): Linear {
  return {
    kernel: heNormal(generator, [timeSize, size, size, inputs, outputs], { fanIn: timeSize * size * size * inputs }),
    bias: zeros([outputs]),
  };
}

/** Starting values of the transposed convolution: kernel [timeSize, size, size, outputs, inputs], of which an output sees a share of the taps that the strides set. */
export function initCausalConv3dTranspose(
  generator: Generator,
  { timeSize, size, inputs, outputs, stride = 1, timeStride = 1 }: Conv3dSizes & Conv3dStrides,
): Linear {
  const fanIn = Math.max(1, (size / stride) ** 2) * Math.max(1, timeSize / timeStride) * inputs;
  return { kernel: heNormal(generator, [timeSize, size, size, outputs, inputs], { fanIn }), bias: zeros([outputs]) };
}

/**
 * Causal convolution and bias: [N, T, H, W, inputs] to [N, T / timeStride, ceil(H / stride), ceil(W / stride), outputs].
 * `y_t = sum_k kernel_k * x_(timeStride (t + 1) - timeSize + k)`, zeros before the first frame and `same` padding in space: output t sees the frames before
 * `timeStride (t + 1)`. Throws ConfigError when the time stride does not divide `timeSize` and ShapeError when it does not divide T.
 */
export function causalConv3d(
  { kernel, bias }: Traced<Linear>,
  x: Tensor,
  { stride = 1, timeStride = 1 }: Conv3dStrides = {},
): Tensor {
  const [timeSize, size, , inputs, outputs] = kernel.shape as [number, number, number, number, number];
  checkTime('causalConv3d', x, { timeSize, timeStride });
  const [batch, frames, height, width] = x.shape as [number, number, number, number];
  const steps = frames / timeStride;
  // The frames of one step side by side, then those of earlier steps before them: channels in the order of the kernel's frames.
  const grouped = transpose(reshape(x, [batch * steps, timeStride, height * width, inputs]), [0, 2, 1, 3]); // [N*T', H*W, stride, C]
  const seen = withEarlier(reshape(grouped, [batch, steps, height * width * timeStride * inputs]), {
    count: timeSize / timeStride,
    channels: timeStride * inputs,
    order: 'oldest first',
  });
  const flat = transpose(reshape(kernel, [timeSize, size * size, inputs * outputs]), [1, 0, 2]);
  const y = conv2d(
    reshape(seen, [batch * steps, height, width, timeSize * inputs]),
    reshape(flat, [size, size, timeSize * inputs, outputs]),
    { stride },
  );
  return reshape(biasAdd(y, bias), [batch, steps, y.shape[1]!, y.shape[2]!, outputs]);
}

/**
 * Transposed causal convolution and bias: [N, T, H, W, inputs] to [N, T timeStride, H stride, W stride, outputs].
 * `y_f = sum_t kernel_(f - timeStride t) * x_t`: output f sees the inputs up to `floor(f / timeStride)`. Throws as `causalConv3d`.
 */
export function causalConv3dTranspose(
  { kernel, bias }: Traced<Linear>,
  x: Tensor,
  { stride = 1, timeStride = 1 }: Conv3dStrides = {},
): Tensor {
  const [timeSize, size, , outputs, inputs] = kernel.shape as [number, number, number, number, number];
  checkTime('causalConv3dTranspose', x, { timeSize, timeStride: 1 });
  checkTaps('causalConv3dTranspose', { timeSize, timeStride });
  const [batch, steps, height, width] = x.shape as [number, number, number, number];
  const count = timeSize / timeStride;
  const seen = withEarlier(reshape(x, [batch, steps, height * width * inputs]), {
    count,
    channels: inputs,
    order: 'newest first',
  });
  // Frame j * timeStride + p of the kernel takes the input of j steps ago to the p-th frame of this step.
  const flat = transpose(reshape(kernel, [count, timeStride, size * size, outputs, inputs]), [2, 1, 3, 0, 4]);
  const y = conv2dTranspose(
    reshape(seen, [batch * steps, height, width, count * inputs]),
    reshape(flat, [size, size, timeStride * outputs, count * inputs]),
    { stride },
  ); // [N*T, H', W', timeStride*outputs]
  const [, grownHeight, grownWidth] = y.shape as [number, number, number];
  const byFrame = transpose(reshape(y, [batch * steps, grownHeight * grownWidth, timeStride, outputs]), [0, 2, 1, 3]);
  return reshape(biasAdd(byFrame, bias), [batch, steps * timeStride, grownHeight, grownWidth, outputs]);
}

/** Steps [N, T, pixels * channels] with those of the `count - 1` steps before them beside each pixel's channels: [N*T, pixels, count * channels]. */
function withEarlier(
  x: Tensor,
  { count, channels, order }: { count: number; channels: number; order: 'oldest first' | 'newest first' },
): Tensor {
  const [batch, steps, width] = x.shape as [number, number, number];
  const ago = Array.from({ length: count }, (_, j) => {
    const gap = Math.min(j, steps);
    const early = gap === 0 ? [] : [fill([batch, gap, width], 0)];
    const late = gap === steps ? [] : [slice(x, [0, 0, 0], [batch, steps - gap, width])];
    return reshape(concat([...early, ...late], { axis: 1 }), [batch * steps, width / channels, channels]);
  });
  return concat(order === 'oldest first' ? ago.toReversed() : ago);
}

interface TimeSizes {
  readonly timeSize: number;
  readonly timeStride: number;
}

function checkTaps(where: string, { timeSize, timeStride }: TimeSizes): void {
  if (timeStride >= 1 && Number.isInteger(timeStride) && Number.isInteger(timeSize / timeStride)) return;
  throw new ConfigError(
    `${where}: expected a time stride that divides the kernel's ${timeSize} frames, got ${timeStride}.`,
  );
}

function checkTime(where: string, { shape }: Tensor, sizes: TimeSizes): void {
  checkTaps(where, sizes);
  if (shape.length === 5 && shape[1]! >= 1 && Number.isInteger(shape[1]! / sizes.timeStride)) return;
  const expected = sizes.timeStride === 1 ? '' : ` with T a multiple of ${sizes.timeStride}`;
  throw new ShapeError(`${where}: expected frames [N, T, H, W, C]${expected}, got [${shape.join(', ')}].`);
}
