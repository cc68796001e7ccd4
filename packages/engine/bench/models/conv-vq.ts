// A small convolutional VQ-VAE on frames [32, 32, 32, 3]: 64 tokens a frame, 512 codes of 32 numbers (peers/conv_vq_step.py).
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

interface ConvVq {
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

const hidden = 32;
const codes = 512;

/** The model; a smaller batch is for checks. */
export function convVq({ batch = 32, seed = 0 }: { batch?: number; seed?: number } = {}): StepModel<ConvVq> {
  const generator = npRandom(seed);
  const frames = ndarray('float32', [batch, 32, 32, 3]);
  for (let i = 0; i < frames.data.length; i++) frames.data[i] = generator.random();
  return {
    name: 'conv-vq-step',
    peer: 'conv_vq_step.py',
    batch: { frames },
    parameters: initialise(generator),
    loss: (parameters, inputs) => loss(parameters, inputs['frames']!),
    tapeLoss: (parameters, inputs) => convVqTapeLoss(parameters, inputs['frames']!),
  };
}

function loss({ encoder, codebook, decoder }: Traced<ConvVq>, frames: Tensor): Tensor {
  let x = relu(conv(encoder.conv1, frames, 2));
  x = conv(encoder.conv3, relu(conv(encoder.conv2, x, 2)));
  x = relu(residual(encoder.residual2, residual(encoder.residual1, x)));
  const z = conv(encoder.conv4, x); // [B, 8, 8, 32]
  const flat = reshape(z, [-1, hidden]); // [B*8*8, 32]
  const quantized = gather(codebook, nearestCode(flat, codebook));
  const commitment = mul(mse(flat, stopGradient(quantized)), 0.25);
  x = conv(decoder.conv1, reshape(straightThrough(flat, quantized), z.shape));
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

function initialise(generator: Generator): ConvVq {
  const kernel = (shape: readonly number[], fanIn: number, features: number): Conv => ({
    kernel: normal(generator, shape, Math.sqrt(2 / fanIn)),
    bias: ndarray('float32', [features]),
  });
  const newConv = (size: number, from: number, to: number) => kernel([size, size, from, to], size * size * from, to);
  const newTransposed = (size: number, from: number, to: number) =>
    kernel([size, size, to, from], (size * size * from) / 4, to);
  const newResidual = (): Residual => ({ conv1: newConv(3, hidden, hidden), conv2: newConv(1, hidden, hidden) });
  return {
    encoder: {
      conv1: newConv(4, 3, hidden / 2),
      conv2: newConv(4, hidden / 2, hidden),
      conv3: newConv(3, hidden, hidden),
      residual1: newResidual(),
      residual2: newResidual(),
      conv4: newConv(1, hidden, hidden),
    },
    codebook: normal(generator, [codes, hidden], 0.1),
    decoder: {
      conv1: newConv(3, hidden, hidden),
      residual1: newResidual(),
      residual2: newResidual(),
      conv2: newTransposed(4, hidden, hidden / 2),
      conv3: newTransposed(4, hidden / 2, 3),
    },
  };
}
