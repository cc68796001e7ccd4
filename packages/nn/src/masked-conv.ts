// Causal convolutions of PixelCNN (van den Oord et al. 2016, arXiv 1601.06759, section 3.4): the kernel times a mask, so that an output sees only what comes before it
// in raster order, pixel after pixel and, within a pixel, channel after channel.
import { ConfigError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { biasAdd, constant, conv2d, mul } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { normal, zeros } from './initialisers.ts';
import type { ConvSizes, Linear } from './linear.ts';

/** What an output of a masked convolution sees. */
export interface CausalMask {
  /** `A`: not its own place, for the layer that reads what is to be predicted; `B`: its own place too, for the layers after it. */
  readonly mask: 'A' | 'B';
  /**
   * In how many parts the channels of a place are predicted, one after the other: 3 for red, green and blue. Channels are cut into as many equal parts, in order; at its
   * own place an output sees inputs of earlier parts (`A`) or of its own and earlier ones (`B`). Default 1.
   */
  readonly groups?: number;
}

/**
 * 1 where a kernel [size, size, inputs, outputs] may look, else 0. Throws ConfigError for an even size, which has no middle, and for channels that do not divide into the groups.
 */
export function causalMask({ size, inputs, outputs }: ConvSizes, { mask, groups = 1 }: CausalMask): NdArray<'float32'> {
  if (!Number.isInteger(size) || size < 1 || size % 2 === 0) {
    throw new ConfigError(`causalMask: expected an odd kernel size, which has a middle, got ${size}.`);
  }
  for (const channels of [inputs, outputs]) {
    if (!(groups >= 1 && Number.isInteger(groups) && Number.isInteger(channels / groups))) {
      throw new ConfigError(`causalMask: ${channels} channels do not divide into ${groups} groups.`);
    }
  }
  const out = ndarray('float32', [size, size, inputs, outputs]);
  const middle = (size * size - 1) / 2;
  const groupOf = (channel: number, channels: number) => Math.floor((channel * groups) / channels);
  for (let i = 0; i < out.data.length; i++) {
    const place = Math.floor(i / (inputs * outputs));
    const input = groupOf(Math.floor(i / outputs) % inputs, inputs);
    const output = groupOf(i % outputs, outputs);
    const here = place === middle && (mask === 'A' ? input < output : input <= output);
    if (place < middle || here) out.data[i] = 1;
  }
  return out;
}

/** Starting values: He normal kernel [size, size, inputs, outputs] for the taps that an output sees on average, zero bias. */
export function initMaskedConv(generator: Generator, { mask, groups = 1, ...sizes }: ConvSizes & CausalMask): Linear {
  const seen = causalMask(sizes, { mask, groups }).data.reduce((count, tap) => count + tap, 0);
  const { size, inputs, outputs } = sizes;
  const deviation = Math.sqrt((2 * outputs) / Math.max(1, seen));
  return { kernel: normal(generator, [size, size, inputs, outputs], deviation), bias: zeros([outputs]) };
}

/** Masked convolution and bias under `same` padding: [N, H, W, inputs] to [N, H, W, outputs]. Weights that the mask hides have gradient 0. */
export function maskedConv({ kernel, bias }: Traced<Linear>, x: Tensor, options: CausalMask): Tensor {
  const [size, , inputs, outputs] = kernel.shape as [number, number, number, number];
  const mask = constant(causalMask({ size, inputs, outputs }, options));
  return biasAdd(conv2d(x, mul(kernel, mask)), bias);
}
