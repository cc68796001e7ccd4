// The settings of a VAE: those of the trunks that it shares with the VQ-VAE, and its own.
import { z } from 'zod';
import type { TrunkConfig } from '../autoencoder.ts';
import { checkSettings } from '../check-settings.ts';
import { strideCount, vqvaeSchema } from '../config.ts';

/** Settings of a VAE, defaults filled in. `tokenShape` is the grid of latent vectors. */
export interface VaeConfig extends TrunkConfig {
  /** Numbers in a latent vector. */
  readonly latentDim: number;
  /** Weight of the KL divergence; 1 is the evidence lower bound. */
  readonly beta: number;
  readonly freeBits: number;
  readonly noise: boolean;
  /** Of the Gaussian that the decoder gives for each number of a frame. */
  readonly deviation: number;
  readonly learningRate: number;
  readonly clipNorm: number;
}

/** Settings of a VAE; what is left out takes its default. */
export type VaeOptions = Partial<VaeConfig>;

/** The schema of `VaeConfig`. */
export const vaeSchema: z.ZodType<VaeConfig, VaeOptions> & z.ZodObject = (vqvaeSchema as z.ZodObject)
  .omit({ network: true, vqgan: true, quantizer: true, reconstruction: true })
  .extend({
    latentDim: z.number().int().min(1).max(4096).default(8).describe('numbers in a latent vector, each a unit'),
    beta: z
      .number()
      .min(0)
      .default(1)
      .describe('weight of the KL divergence; 1 is the evidence lower bound (Higgins et al. 2017)'),
    freeBits: z
      .number()
      .min(0)
      .default(0)
      .describe('KL that each unit has free of charge, on the mean of a batch (arXiv 1606.04934, section 8)')
      .meta({ unit: 'nats' }),
    noise: z
      .boolean()
      .default(true)
      .describe('whether latents are drawn from the posterior; false with beta 0 is the plain autoencoder'),
    deviation: z
      .number()
      .positive()
      .default(0.1)
      .describe('deviation of the Gaussian around the decoded frame, for pixels in [0, 1]'),
  }) as never;

/** Fills in defaults and checks. Throws ConfigError that names the field, what was expected and what came. */
export function vaeConfig(options: VaeOptions = {}): VaeConfig {
  const config = checkSettings('VAE settings', vaeSchema, options);
  strideCount(config);
  return config;
}
