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
    .enum(['mse', 'cross-entropy'])
    .default('mse')
    .describe('squared error of pixels, or cross-entropy of frames whose channels are the probabilities of categories'),
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
  channels: positive('feature maps of the convolutions').default(32),
  residualBlocks: z.number().int().min(0).default(1).describe('residual blocks in the encoder, and in the decoder'),
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
  readonly kind: 'mse' | 'cross-entropy';
  readonly variance: number;
  readonly worstPixel: number;
}

/** Settings of a VQ-VAE, defaults filled in. */
export interface VqvaeConfig {
  readonly frameShape: readonly [height: number, width: number, channels: number];
  readonly tokenShape: readonly [rows: number, columns: number];
  readonly channels: number;
  readonly residualBlocks: number;
  readonly activation: 'relu' | 'elu';
  readonly kernelSize: number;
  readonly quantizer: QuantizerConfig;
  readonly reconstruction: ReconstructionConfig;
  readonly learningRate: number;
  readonly clipNorm: number;
}

/** Settings of a VQ-VAE; what is left out takes its default. */
export type VqvaeOptions = Partial<Omit<VqvaeConfig, 'quantizer' | 'reconstruction'>> & {
  readonly quantizer?: Partial<QuantizerConfig>;
  readonly reconstruction?: Partial<ReconstructionConfig>;
};

/** Fills in defaults and checks. Throws ConfigError that names the field, what was expected and what came. */
export function vqvaeConfig(options: VqvaeOptions = {}): VqvaeConfig {
  const config = checkSettings('VQVAE settings', vqvaeSchema, options);
  strideCount(config);
  return config;
}

/** How often the encoder halves the frame. Throws ConfigError when the frame is not a power of two times the tokens. */
export function strideCount({
  frameShape: [height, width],
  tokenShape: [rows, columns],
}: Pick<VqvaeConfig, 'frameShape' | 'tokenShape'>): number {
  const count = Math.log2(height / rows);
  if (!Number.isInteger(count) || count < 0 || height / rows !== width / columns) {
    throw new ConfigError(
      `VQVAE: a frame of ${height} x ${width} pixels does not halve down to ${rows} x ${columns} tokens. Choose tokenShape so that height / rows = width / columns is a power of two.`,
    );
  }
  return count;
}
