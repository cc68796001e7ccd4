// The whole VAE as plain functions inside a program (Kingma and Welling 2014, arXiv 1312.6114; beta: Higgins et al. 2017).
import type { Generator } from '@tessera/core';
import { add, maximum, mean, mul, square, sub, sum } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { decodeTrunk, encodeTrunk, initTrunks } from '../autoencoder.ts';
import type { DecoderTrunk, EncoderTrunk } from '../autoencoder.ts';
import type { VaeConfig } from './config.ts';
import { gaussianOf, reparametrise, standardNormalKl } from './gaussian.ts';
import type { Gaussian } from './gaussian.ts';

/** Everything that a VAE learns. */
export interface VaeParameters {
  readonly encoder: EncoderTrunk;
  readonly decoder: DecoderTrunk;
}

/** What a differentiable pass gives; the losses are scalars. */
export interface VaeForward {
  /** Of the latents, [N, h, w, D]. */
  readonly posterior: Gaussian;
  /** [N, h, w, D]. */
  readonly latents: Tensor;
  /** The mean of the decoder's Gaussian, [N, H, W, C], not limited to [0, 1]. */
  readonly output: Tensor;
  readonly losses: {
    /** What training lowers: `(reconstruction + beta kl) / (H W C)`, with free bits taken out of the kl. */
    readonly total: Tensor;
    /** `sum (x^ - x)^2 / (2 s^2)`, mean over frames: `-ln p(x | z)` in nats without its constant. */
    readonly reconstruction: Tensor;
    /** `KL(q(z | x) || N(0, I))` in nats, mean over frames, without beta and free bits. */
    readonly kl: Tensor;
  };
}

/** Starting values. */
export function initVae(generator: Generator, config: VaeConfig): VaeParameters {
  return initTrunks(generator, config, { encoded: 2 * config.latentDim, decoded: config.latentDim });
}

/** Frames [N, H, W, C] in [0, 1] to their posteriors, [N, h, w, D]. */
export function encodePosterior(config: VaeConfig, encoder: Traced<EncoderTrunk>, frames: Tensor): Gaussian {
  return gaussianOf(encodeTrunk(config, encoder, frames));
}

/** Frames [N, H, W, C] in [0, 1] through encoder, sampling and decoder; `key` int32 [2] is that of the noise. */
export function vaeForward(
  config: VaeConfig,
  { encoder, decoder }: Traced<VaeParameters>,
  { frames, key }: { readonly frames: Tensor; readonly key: Tensor },
): VaeForward {
  const posterior = encodePosterior(config, encoder, frames);
  const latents = config.noise ? reparametrise(posterior, key) : posterior.mean;
  const output = decodeTrunk(config, decoder, latents);
  const errors = mean(sum(square(sub(output, frames)), { axes: [1, 2, 3] }));
  const reconstruction = mul(errors, 1 / (2 * config.deviation ** 2));
  const unitKl = mean(standardNormalKl(posterior), { axes: [0] }); // [h, w, D]
  const charged = config.freeBits === 0 ? unitKl : maximum(unitKl, config.freeBits);
  const cost = config.beta === 0 ? reconstruction : add(reconstruction, mul(sum(charged), config.beta));
  const size = config.frameShape.reduce((product, length) => product * length, 1);
  return {
    posterior,
    latents,
    output,
    losses: { total: mul(cost, 1 / size), reconstruction, kl: sum(unitKl) },
  };
}
