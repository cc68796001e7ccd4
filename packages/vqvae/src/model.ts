// The whole VQ-VAE as plain functions inside a program: forward pass and losses (arXiv 1711.00937, equation 3).
import type { Generator } from '@tessera/core';
import {
  abs,
  add,
  div,
  logSoftmax,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  reshape,
  softmax,
  square,
  sub,
  sum,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import type { ReconstructionConfig } from './config.ts';
import { decodeCodes, encodeFrames, initAutoencoder } from './networks/networks.ts';
import type { AutoencoderConfig, Decoder, Encoder } from './networks/networks.ts';
import { quantizeAnyRank } from './quantizers/any-rank.ts';
import type { Quantization, QuantizeOptions, Quantizer, QuantizerState } from './quantizers/quantizer.ts';
import { joinSlots } from './slots.ts';

/** Everything that a VQ-VAE learns, and the statistics of its quantizer. */
export interface VqvaeParameters {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quantizer: QuantizerState;
}

/** The losses of a batch, scalars: those of the quantizer by their names, before any weight, and these. */
export interface TokenizerLosses {
  /** What training lowers. */
  readonly total: Tensor;
  readonly reconstruction: Tensor;
  readonly [name: string]: Tensor;
}

/** What a differentiable pass gives. */
export interface Forward extends Pick<Quantization, 'tokens' | 'quantized' | 'statistics'> {
  /** What the encoder gave, [N, h, w, D]. */
  readonly vectors: Tensor;
  /** int32 [N, h, w], or [N, h, w * Q] where a vector has Q tokens; -1 for those of stages that sit a step of training out. */
  readonly tokens: Tensor;
  /** [N, h, w, D], with the gradient that the quantizer lets through. */
  readonly quantized: Tensor;
  /** [N, H, W, C] in [0, 1]. */
  readonly reconstruction: Tensor;
  readonly losses: TokenizerLosses;
}

/** Starting values. */
export function initVqvae(generator: Generator, config: AutoencoderConfig, quantizer: Quantizer): VqvaeParameters {
  return { ...initAutoencoder(generator, config), quantizer: quantizer.init(generator) };
}

/** Frames [N, H, W, C] in [0, 1] through encoder, quantizer and decoder. */
export function forward(
  { config, quantizer }: { readonly config: AutoencoderConfig; readonly quantizer: Quantizer },
  parameters: Traced<VqvaeParameters>,
  frames: Tensor,
  { random }: Pick<QuantizeOptions, 'random'> = {},
): Forward {
  const batch = frames.shape[0]!;
  const z = encodeFrames(config, parameters.encoder, frames); // [N, h, w, D]
  const { tokens, quantized, losses, loss, statistics } = quantizeAnyRank(quantizer, parameters.quantizer, z, {
    random,
  });
  const output = decodeCodes(config, parameters.decoder, quantized);
  const reconstruction = reconstructionLoss(output, frames, config.reconstruction);
  return {
    vectors: z,
    tokens: reshape(joinSlots(tokens, quantizer.slots), [batch, ...config.tokenShape.slice(0, -1), -1]),
    quantized,
    reconstruction: toFrames(output, config.reconstruction),
    losses: { ...losses, total: add(reconstruction, loss), reconstruction },
    statistics,
  };
}

/** The decoder's output as frames in [0, 1]: clipped pixels, or the probabilities of categories. */
export function toFrames(output: Tensor, { kind }: ReconstructionConfig): Tensor {
  return kind === 'cross-entropy' ? softmax(output) : minimum(maximum(output, 0), 1);
}

/**
 * The reconstruction loss, a scalar. mse: `mean((x^ - x)^2) / variance + worstPixel * mean_n(max((x^_n - x_n)^2))`.
 * l1: `mean(|x^ - x|)`. cross-entropy: `mean(-sum_c x_c log softmax(x^)_c)` over pixels.
 */
export function reconstructionLoss(
  output: Tensor,
  frames: Tensor,
  { kind, variance, worstPixel }: ReconstructionConfig,
): Tensor {
  if (kind === 'cross-entropy') return mean(neg(sum(mul(frames, logSoftmax(output)), { axes: [-1] })));
  if (kind === 'l1') return mean(abs(sub(output, frames)));
  const errors = square(sub(output, frames));
  const loss = variance === 1 ? mean(errors) : div(mean(errors), variance);
  return worstPixel === 0
    ? loss
    : add(loss, mul(mean(max(errors, { axes: frames.shape.map((_, axis) => axis).slice(1) })), worstPixel));
}
