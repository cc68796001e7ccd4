// A small convolutional network on frames, as model-free agents use it (Mnih et al. 2015, Nature 518): convolutions, one hidden layer, and heads on that.
import type { Generator, NdArray } from '@tessera/core';
import { relu, reshape } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { conv, dense, orthogonal, zeros } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import { z } from 'zod';

/** One convolution. */
export interface ConvolutionConfig {
  readonly channels: number;
  /** Height and width of the kernel. */
  readonly kernel: number;
  readonly stride: number;
}

/** Settings of the network. */
export interface FrameNetworkConfig {
  readonly convolutions: readonly ConvolutionConfig[];
  readonly hidden: number;
}

const whole = (meaning: string) => z.int().min(1).describe(meaning);

/** The schema of `FrameNetworkConfig`. */
export const frameNetworkSchema: z.ZodType<FrameNetworkConfig, Partial<FrameNetworkConfig>> & z.ZodObject =
  z.strictObject({
    convolutions: z
      .array(
        z.strictObject({
          channels: whole('channels'),
          kernel: whole('height and width of the kernel'),
          stride: whole('stride'),
        }),
      )
      .default([
        { channels: 32, kernel: 4, stride: 4 },
        { channels: 32, kernel: 3, stride: 1 },
      ])
      .describe('convolutions on the frame, each { channels, kernel, stride }, padded at the border'),
    hidden: whole('units of the hidden layer after them').default(256),
  }) as never;

/** Parameters of convolutions and hidden layer. */
export interface FrameNetworkParameters {
  readonly convolutions: Readonly<Record<string, Linear>>;
  readonly hidden: Linear;
}

/** Starting values of a dense layer: orthogonal, of this gain. */
export function initHead(generator: Generator, inputs: number, outputs: number, gain: number): Linear {
  return { kernel: orthogonal(generator, [inputs, outputs], gain), bias: zeros([outputs]) };
}

/** Starting values of a convolution with a square kernel: orthogonal, of this gain. */
export function initConvolution(
  generator: Generator,
  {
    inputs,
    outputs,
    size,
    gain,
  }: { readonly inputs: number; readonly outputs: number; readonly size: number; readonly gain: number },
): Linear {
  const { kernel, bias } = initHead(generator, size * size * inputs, outputs, gain);
  return { kernel: { ...kernel, shape: [size, size, inputs, outputs] }, bias };
}

/** Starting values, orthogonal. `frameShape` is [height, width, channels]. */
export function initFrameNetwork(
  generator: Generator,
  { convolutions, hidden }: FrameNetworkConfig,
  frameShape: readonly number[],
): FrameNetworkParameters {
  let [height, width, channels] = frameShape as [number, number, number];
  const layers: [string, Linear][] = [];
  for (const [i, { channels: outputs, kernel: size, stride }] of convolutions.entries()) {
    layers.push([`layer${i}`, initConvolution(generator, { inputs: channels, outputs, size, gain: Math.SQRT2 })]);
    [height, width, channels] = [Math.ceil(height / stride), Math.ceil(width / stride), outputs];
  }
  return {
    convolutions: Object.fromEntries(layers),
    hidden: initHead(generator, height * width * channels, hidden, Math.SQRT2),
  };
}

/** `frames` float32 [batch, height, width, channels] in [0, 1] to [batch, hidden]. */
export function frameFeatures(
  parameters: Traced<FrameNetworkParameters>,
  frames: Tensor,
  { convolutions }: FrameNetworkConfig,
): Tensor {
  let x = frames;
  for (const [i, { stride }] of convolutions.entries()) {
    x = relu(conv(parameters.convolutions[`layer${i}`]!, x, { stride }));
  }
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  return relu(dense(parameters.hidden, reshape(x, [batch, height * width * channels])));
}

/** The rows `chosen` of `frames`, uint8 [rows, ...frameShape], padded to `size` rows with black ones. */
export function frameRows(frames: NdArray<'uint8'>, chosen: readonly number[], size: number): NdArray<'uint8'> {
  const width = frames.data.length / frames.shape[0]!;
  const data = new Uint8Array(size * width);
  for (const [i, row] of chosen.entries()) data.set(frames.data.subarray(row * width, (row + 1) * width), i * width);
  return { dtype: 'uint8', shape: [size, ...frames.shape.slice(1)], data };
}
