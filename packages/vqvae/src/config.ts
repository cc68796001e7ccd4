// The settings of a VQ-VAE, with their defaults. One schema serves files, the command line and its help.
import { ConfigError } from '@tessera/core';
import { z } from 'zod';
import { checkSettings } from './check-settings.ts';

const positive = (meaning: string) => z.number().int().min(1).describe(meaning);

const quantizerSchema = z.strictObject({
  kind: z
    .enum(['vq', 'ema'])
    .default('vq')
    .describe('how the codebook learns: by the gradient of the codebook loss (vq) or as a moving average (ema)'),
  vocabulary: z.number().int().min(2).max(65_536).default(64).describe('codes in the codebook, K'),
  codeDim: positive('numbers in a code, D').max(4096).default(16),
  commitment: z
    .number()
    .min(0)
    .default(0.25)
    .describe('weight of the commitment loss, beta (arXiv 1711.00937, section 3.2)'),
  decay: z.number().min(0).lt(1).default(0.99).describe('decay of the moving averages, gamma (ema only; appendix A.1)'),
  epsilon: z.number().min(0).default(1e-5).describe('Laplace smoothing of the code counts (ema only)'),
  restartAfter: z
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('a code that no vector chose for so long starts again at a vector that no code serves well; 0: never')
    .meta({ unit: 'updates' }),
  restartUntil: z
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('no restarts after so many updates, so that codes come to rest')
    .meta({ unit: 'updates' }),
});

const reconstructionSchema = z.strictObject({
  kind: z
    .enum(['mse', 'l1', 'cross-entropy'])
    .default('mse')
    .describe(
      'squared or absolute error of pixels, or cross-entropy of frames whose channels are the probabilities of categories',
    ),
  variance: z
    .number()
    .positive()
    .default(1)
    .describe('divides the squared error; the variance of the data makes it NMSE (mse only)'),
  worstPixel: z
    .number()
    .min(0)
    .default(0)
    .describe('weight of the mean over frames of the largest squared error in the frame (mse only; delta-IRIS)'),
});

const vqganSchema = z.strictObject({
  multipliers: z
    .array(positive('times `channels`'))
    .default([1, 1, 1])
    .describe('feature maps of each level as multiples of `channels`, one more than the frame is halved'),
  attentionAt: z
    .array(positive('rows'))
    .default([])
    .describe('heights at which every residual block is followed by self-attention')
    .meta({ unit: 'pixels' }),
  groups: positive('groups of channels that are normalised together; they divide the feature maps').default(8),
});

/** The schema of `VqvaeConfig`. */
export const vqvaeSchema: z.ZodType<VqvaeConfig, VqvaeOptions> & z.ZodObject = z.strictObject({
  frameShape: z
    .tuple([positive('height'), positive('width'), positive('channels')])
    .default([20, 20, 3])
    .describe('height, width and channels of a frame')
    .meta({ unit: 'pixels' }),
  tokenShape: z
    .tuple([positive('rows'), positive('columns')])
    .default([5, 5])
    .describe('rows and columns of tokens; the frame is a power of two times as large'),
  network: z
    .enum(['strided', 'vqgan'])
    .default('strided')
    .describe(
      "encoder and decoder: strided convolutions and residual blocks, or VQGAN's levels with group norm and attention (arXiv 2012.09841)",
    ),
  channels: positive('feature maps of the convolutions').default(32),
  residualBlocks: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe('residual blocks in the encoder, and in the decoder; of each level in VQGAN, whose decoder has one more'),
  activation: z
    .enum(['relu', 'elu'])
    .default('relu')
    .describe(
      'between the layers: ReLU as in the paper, or ELU (arXiv 1511.07289), through which a gradient always comes back: frames that are nearly all of one colour can kill ReLUs for good',
    ),
  kernelSize: z
    .number()
    .int()
    .min(2)
    .default(4)
    .describe('height and width of the strided kernels; 2 makes them see no neighbours')
    .meta({ unit: 'pixels' }),
  vqgan: vqganSchema.default(vqganSchema.parse({})).describe('what the network vqgan has of its own'),
  quantizer: quantizerSchema.default(quantizerSchema.parse({})),
  reconstruction: reconstructionSchema.default(reconstructionSchema.parse({})),
  learningRate: z.number().positive().default(1e-3).describe('learning rate of Adam'),
  clipNorm: z.number().positive().default(10).describe('largest global norm of the gradients'),
}) as never;

/** Settings of the codebook. */
export interface QuantizerConfig {
  readonly kind: 'vq' | 'ema';
  readonly vocabulary: number;
  readonly codeDim: number;
  readonly commitment: number;
  readonly decay: number;
  readonly epsilon: number;
  readonly restartAfter: number;
  readonly restartUntil: number;
}

/** Settings of the reconstruction loss. */
export interface ReconstructionConfig {
  readonly kind: 'mse' | 'l1' | 'cross-entropy';
  readonly variance: number;
  readonly worstPixel: number;
}

/** Settings of VQGAN's network. */
export interface VqganConfig {
  readonly multipliers: readonly number[];
  readonly attentionAt: readonly number[];
  readonly groups: number;
}

/** Settings of a VQ-VAE, defaults filled in. */
export interface VqvaeConfig {
  readonly frameShape: readonly [height: number, width: number, channels: number];
  readonly tokenShape: readonly [rows: number, columns: number];
  readonly network: 'strided' | 'vqgan';
  readonly channels: number;
  readonly residualBlocks: number;
  readonly activation: 'relu' | 'elu';
  readonly kernelSize: number;
  readonly vqgan: VqganConfig;
  readonly quantizer: QuantizerConfig;
  readonly reconstruction: ReconstructionConfig;
  readonly learningRate: number;
  readonly clipNorm: number;
}

/** Settings of a VQ-VAE; what is left out takes its default. */
export type VqvaeOptions = Partial<Omit<VqvaeConfig, 'vqgan' | 'quantizer' | 'reconstruction'>> & {
  readonly vqgan?: Partial<VqganConfig>;
  readonly quantizer?: Partial<QuantizerConfig>;
  readonly reconstruction?: Partial<ReconstructionConfig>;
};

/** Fills in defaults and checks. Throws ConfigError that names the field, what was expected and what came. */
export function vqvaeConfig(options: VqvaeOptions = {}): VqvaeConfig {
  const config = checkSettings('VQVAE settings', vqvaeSchema, options);
  const count = strideCount(config);
  const { network, channels, vqgan } = config;
  if (network === 'vqgan') checkVqgan(vqgan, { channels, levels: count + 1 });
  return config;
}

function checkVqgan(
  { multipliers, groups }: VqganConfig,
  { channels, levels }: { readonly channels: number; readonly levels: number },
): void {
  if (multipliers.length !== levels) {
    throw new ConfigError(
      `VQVAE: expected ${levels} vqgan.multipliers, one for each size from the frame's to the tokens', got [${multipliers.join(', ')}].`,
    );
  }
  if (multipliers.concat(1).some((multiplier) => (channels * multiplier) % groups !== 0)) {
    throw new ConfigError(`VQVAE: ${groups} vqgan.groups do not divide ${channels} channels and their multiples.`);
  }
}

/** How often the encoder halves the frame. Throws ConfigError when the frame is not a power of two times the tokens. */
export function strideCount({ frameShape: [height, width], tokenShape: [rows, columns] }: VqvaeConfig): number {
  const count = Math.log2(height / rows);
  if (!Number.isInteger(count) || count < 0 || height / rows !== width / columns) {
    throw new ConfigError(
      `VQVAE: a frame of ${height} x ${width} pixels does not halve down to ${rows} x ${columns} tokens. Choose tokenShape so that height / rows = width / columns is a power of two.`,
    );
  }
  return count;
}
