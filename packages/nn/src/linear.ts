// Layers that are one product and a bias: dense layers, convolutions, transposed convolutions; and embeddings, which are rows of a table.
// A layer is a record of parameters and a plain function of them.
import type { Generator, NdArray } from '@tessera/core';
import { biasAdd, conv2d, conv2dTranspose, gather, matMul } from '@tessera/engine';
import type { ConvOptions, Tensor, Traced } from '@tessera/engine';
import { heNormal, normal, zeros } from './initialisers.ts';

/** Parameters of a dense layer or a convolution. */
export interface Linear {
  readonly kernel: NdArray<'float32'>;
  readonly bias: NdArray<'float32'>;
}

/** Sizes of a layer. */
export interface LinearSizes {
  readonly inputs: number;
  readonly outputs: number;
}

/** Sizes of a convolution with a square kernel. */
export interface ConvSizes extends LinearSizes {
  /** Height and width of the kernel. */
  readonly size: number;
}

/** Starting values: He normal kernel [inputs, outputs], zero bias. `gain` multiplies the deviation. */
export function initDense(
  generator: Generator,
  { inputs, outputs, gain = 1 }: LinearSizes & { readonly gain?: number },
): Linear {
  return {
    kernel: normal(generator, [inputs, outputs], gain * Math.sqrt(2 / inputs)),
    bias: zeros([outputs]),
  };
}

/** `x kernel + bias`: [..., inputs] to [..., outputs]. */
export function dense({ kernel, bias }: Traced<Linear>, x: Tensor): Tensor {
  return biasAdd(matMul(x, kernel), bias);
}

/** Starting values: He normal kernel [size, size, inputs, outputs], zero bias. */
export function initConv(generator: Generator, { size, inputs, outputs }: ConvSizes): Linear {
  return {
    kernel: heNormal(generator, [size, size, inputs, outputs], { fanIn: size * size * inputs }),
    bias: zeros([outputs]),
  };
}

/** Convolution and bias: [N, H, W, inputs] to [N, H', W', outputs]. */
export function conv({ kernel, bias }: Traced<Linear>, x: Tensor, options: ConvOptions = {}): Tensor {
  return biasAdd(conv2d(x, kernel, options), bias);
}

/** Starting values of a transposed convolution of `stride`: kernel [size, size, outputs, inputs], of which an output pixel sees `(size / stride)^2` taps. */
export function initConvTranspose(
  generator: Generator,
  { size, inputs, outputs, stride = 1 }: ConvSizes & { readonly stride?: number },
): Linear {
  return {
    kernel: heNormal(generator, [size, size, outputs, inputs], { fanIn: Math.max(1, (size / stride) ** 2) * inputs }),
    bias: zeros([outputs]),
  };
}

/** Transposed convolution and bias: [N, H, W, inputs] to [N, H * stride, W * stride, outputs] under `same` padding. */
export function convTranspose({ kernel, bias }: Traced<Linear>, x: Tensor, options: ConvOptions = {}): Tensor {
  return biasAdd(conv2dTranspose(x, kernel, options), bias);
}

/** Starting values of an embedding table [vocabulary, width]: normal of deviation 0.02. */
export function initEmbedding(
  generator: Generator,
  {
    vocabulary,
    width,
    deviation = 0.02,
  }: { readonly vocabulary: number; readonly width: number; readonly deviation?: number },
): NdArray<'float32'> {
  return normal(generator, [vocabulary, width], deviation);
}

/** Rows of the table: int32 [...] to [..., width]. */
export function embedding(table: Tensor, indices: Tensor): Tensor {
  return gather(table, indices);
}
