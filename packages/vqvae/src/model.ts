// The whole VQ-VAE as plain functions inside a program: forward pass and losses (arXiv 1711.00937, equation 3).
import type { Generator } from '@tessera/core';
import {
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
import { decodeCodes, encodeFrames, initAutoencoder } from './autoencoder.ts';
import type { Decoder, Encoder } from './autoencoder.ts';
import type { ReconstructionConfig, VqvaeConfig } from './config.ts';
import type { Quantization, Quantizer, QuantizerState } from './quantizers/quantizer.ts';

/** Everything that a VQ-VAE learns, and the statistics of its quantizer. */
export interface VqvaeParameters {
  readonly encoder: Encoder;
  readonly decoder: Decoder;
  readonly quantizer: QuantizerState;
}

/** The losses of a batch, scalars. */
export interface TokenizerLosses {
  /** What training lowers. */
  readonly total: Tensor;
  readonly reconstruction: Tensor;
  readonly codebook: Tensor;
  /** Not yet times beta. */
  readonly commitment: Tensor;
}

/** What a differentiable pass gives. */
export interface Forward extends Pick<Quantization, 'tokens' | 'quantized'> {
  /** int32 [N, h, w]. */
  readonly tokens: Tensor;
  /** [N, h, w, D], straight-through. */
  readonly quantized: Tensor;
  /** [N, H, W, C] in [0, 1]. */
  readonly reconstruction: Tensor;
  readonly losses: TokenizerLosses;
  /** The encoder's vectors [N * h * w, D]. */
  readonly z: Tensor;
}

/** Starting values. */
export function initVqvae(generator: Generator, config: VqvaeConfig, quantizer: Quantizer): VqvaeParameters {
  const { codeDim } = config.quantizer;
  const trunks = initAutoencoder(generator, config, { encoded: codeDim, decoded: codeDim });
  return { ...trunks, quantizer: quantizer.init(generator) };
}

/** Frames [N, H, W, C] in [0, 1] through encoder, quantizer and decoder. */
export function forward(
  { config, quantizer }: { readonly config: VqvaeConfig; readonly quantizer: Quantizer },
  parameters: Traced<VqvaeParameters>,
  frames: Tensor,
): Forward {
  const batch = frames.shape[0]!;
  const { codeDim } = config.quantizer;
  const grid = [batch, ...config.tokenShape];
  const z = reshape(encodeFrames(config, parameters.encoder, frames), [-1, codeDim]); // [N*h*w, D]
  const { tokens, quantized, codebookLoss, commitmentLoss, loss } = quantizer.quantize(parameters.quantizer, z);
  const codes = reshape(quantized, [...grid, codeDim]);
  const output = decodeCodes(config, parameters.decoder, codes);
  const reconstruction = reconstructionLoss(output, frames, config.reconstruction);
  return {
    tokens: reshape(tokens, grid),
    quantized: codes,
    reconstruction: toFrames(output, config.reconstruction),
    losses: {
      total: add(reconstruction, loss),
      reconstruction,
      codebook: codebookLoss,
      commitment: commitmentLoss,
    },
    z,
  };
}

/** The decoder's output as frames in [0, 1]: clipped pixels, or the probabilities of categories. */
export function toFrames(output: Tensor, { kind }: ReconstructionConfig): Tensor {
  return kind === 'mse' ? minimum(maximum(output, 0), 1) : softmax(output);
}

/**
 * The reconstruction loss, a scalar. mse: `mean((x^ - x)^2) / variance + worstPixel * mean_n(max((x^_n - x_n)^2))`.
 * cross-entropy: `mean(-sum_c x_c log softmax(x^)_c)` over pixels.
 */
export function reconstructionLoss(
  output: Tensor,
  frames: Tensor,
  { kind, variance, worstPixel }: ReconstructionConfig,
): Tensor {
  if (kind === 'cross-entropy') return mean(neg(sum(mul(frames, logSoftmax(output)), { axes: [-1] })));
  const errors = square(sub(output, frames));
  const loss = variance === 1 ? mean(errors) : div(mean(errors), variance);
  return worstPixel === 0 ? loss : add(loss, mul(mean(max(errors, { axes: [1, 2, 3] })), worstPixel));
}
