// The convolutional VQ-VAE of van den Oord et al. 2017 (arXiv 1711.00937, section 4.1) at several sizes: a token for every 4x4 pixels (peers/tokenizer.py).
import { ndarray, npRandom } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import {
  add,
  biasAdd,
  conv2d,
  conv2dTranspose,
  gather,
  mean,
  mul,
  nearestCode,
  relu,
  reshape,
  square,
  stopGradient,
  straightThrough,
  sub,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { convVqTapeLoss } from './conv-vq-tape.ts';
import { normal } from './step-model.ts';
import type { StepModel } from './step-model.ts';

interface Conv {
  readonly kernel: NdArray<'float32'>;
  readonly bias: NdArray<'float32'>;
}

interface Residual {
  readonly conv1: Conv;
  readonly conv2: Conv;
}

/** Parameters. */
export interface ConvVq {
  readonly encoder: {
    readonly conv1: Conv;
    readonly conv2: Conv;
    readonly conv3: Conv;
    readonly residual1: Residual;
    readonly residual2: Residual;
    readonly conv4: Conv;
  };
  readonly codebook: NdArray<'float32'>;
  readonly decoder: {
    readonly conv1: Conv;
    readonly residual1: Residual;
    readonly residual2: Residual;
    readonly conv2: Conv;
    readonly conv3: Conv;
  };
}

/** Sizes of the model and its batch. */
export interface ConvVqSizes {
  readonly batch: number;
  /** Height and width of a frame, a multiple of 4. */
  readonly pixels: number;
  readonly channels: number;
  /** Between the two convolutions of a residual block. */
  readonly residual: number;
  readonly codeDim: number;
  readonly codes: number;
}

/** The sizes that are measured. */
export const convVqSizes: Readonly<Record<'large' | 'small' | 'tiny', ConvVqSizes>> = {
  large: { batch: 32, pixels: 64, channels: 128, residual: 32, codeDim: 64, codes: 512 },
  small: { batch: 32, pixels: 32, channels: 32, residual: 32, codeDim: 32, codes: 512 },
  tiny: { batch: 2, pixels: 8, channels: 6, residual: 5, codeDim: 4, codes: 7 },
};

/** The model with starting values. */
export function convVq(sizes: ConvVqSizes): StepModel<ConvVq> {
  const { batch, pixels } = sizes;
  const generator = npRandom(0);
  const frames = ndarray('float32', [batch, pixels, pixels, 3]);
  for (let i = 0; i < frames.data.length; i++) frames.data[i] = generator.random();
  return {
    name: 'tokenizer step',
    batch: { frames },
    parameters: initialise(generator, sizes),
    loss: (parameters, inputs) => loss(parameters, inputs['frames']!),
    tapeLoss: (parameters, inputs) => convVqTapeLoss(parameters, inputs['frames']!),
  };
}

/** The codes of frames [B, H, W, 3]: int32 [B * H / 4 * W / 4]. */
export function encode({ encoder, codebook }: Traced<ConvVq>, frames: Tensor): Tensor {
  return nearestCode(reshape(vectors(encoder, frames), [-1, codebook.shape[1]!]), codebook);
}

// [B, H / 4, W / 4, D]
function vectors(encoder: Traced<ConvVq>['encoder'], frames: Tensor): Tensor {
  let x = relu(conv(encoder.conv1, frames, 2));
  x = conv(encoder.conv3, relu(conv(encoder.conv2, x, 2)));
  x = relu(residual(encoder.residual2, residual(encoder.residual1, x)));
  return conv(encoder.conv4, x);
}

function loss({ encoder, codebook, decoder }: Traced<ConvVq>, frames: Tensor): Tensor {
  const z = vectors(encoder, frames);
  const flat = reshape(z, [-1, codebook.shape[1]!]); // [B*h*w, D]
  const quantized = gather(codebook, nearestCode(flat, codebook));
  const commitment = mul(mse(flat, stopGradient(quantized)), 0.25);
  let x = conv(decoder.conv1, reshape(straightThrough(flat, quantized), z.shape));
  x = relu(residual(decoder.residual2, residual(decoder.residual1, x)));
  const reconstruction = transposed(decoder.conv3, relu(transposed(decoder.conv2, x)));
  return add(mse(reconstruction, frames), add(mse(quantized, stopGradient(flat)), commitment));
}

function conv({ kernel, bias }: Traced<Conv>, x: Tensor, stride = 1): Tensor {
  return biasAdd(conv2d(x, kernel, { stride }), bias);
}

function transposed({ kernel, bias }: Traced<Conv>, x: Tensor): Tensor {
  return biasAdd(conv2dTranspose(x, kernel, { stride: 2 }), bias);
}

function residual({ conv1, conv2 }: Traced<Residual>, x: Tensor): Tensor {
  return add(x, conv(conv2, relu(conv(conv1, relu(x)))));
}

function mse(a: Tensor, b: Tensor): Tensor {
  return mean(square(sub(a, b)));
}

function initialise(generator: Generator, { channels, residual: inner, codeDim, codes }: ConvVqSizes): ConvVq {
  const kernel = (shape: readonly number[], fanIn: number, features: number): Conv => ({
    kernel: normal(generator, shape, Math.sqrt(2 / fanIn)),
    bias: normal(generator, [features], 0.01),
  });
  const newConv = (size: number, from: number, to: number) => kernel([size, size, from, to], size * size * from, to);
  const newTransposed = (size: number, from: number, to: number) =>
    kernel([size, size, to, from], (size * size * from) / 4, to);
  const newResidual = (): Residual => ({ conv1: newConv(3, channels, inner), conv2: newConv(1, inner, channels) });
  return {
    encoder: {
      conv1: newConv(4, 3, channels / 2),
      conv2: newConv(4, channels / 2, channels),
      conv3: newConv(3, channels, channels),
      residual1: newResidual(),
      residual2: newResidual(),
      conv4: newConv(1, channels, codeDim),
    },
    codebook: normal(generator, [codes, codeDim], 0.1),
    decoder: {
      conv1: newConv(3, codeDim, channels),
      residual1: newResidual(),
      residual2: newResidual(),
      conv2: newTransposed(4, channels, channels / 2),
      conv3: newTransposed(4, channels / 2, 3),
    },
  };
}
