// The settings of a VQ-VAE, with their defaults. One schema serves files, the command line and its help.
import { ConfigError } from '@tessera/core';
import { z } from 'zod';
import { checkSettings } from './check-settings.ts';
import { mostCodes, settingProblems, settleQuantizer } from './quantizers/settings.ts';

const positive = (meaning: string) => z.number().int().min(1).describe(meaning);

const quantizerFields = z.strictObject({
  kind: z
    .enum(['vq', 'ema', 'residual', 'product', 'grouped-residual', 'fsq', 'lfq', 'simvq', 'gumbel'])
    .default('vq')
    .describe(
      'how vectors become codes: a codebook that learns by the gradient of the codebook loss (vq) or as a moving average (ema); several of these, on what the one before left over (residual), on slices of the vector (product) or both; levels of each number (fsq), its sign (lfq); a frozen table through a learned map (simvq); draws from a distribution (gumbel)',
    ),
  vocabulary: z
    .number()
    .int()
    .min(2)
    .max(mostCodes)
    .default(64)
    .describe('codes in a codebook, K; fsq and lfq without levels or bits take as many as fit'),
  codeDim: positive('numbers in a code, D; fsq and lfq have one for each level or bit').max(4096).default(16),
  commitment: z
    .number()
    .min(0)
    .default(0.25)
    .describe('weight of the commitment loss, beta (arXiv 1711.00937, section 3.2)'),
  decay: z.number().min(0).lt(1).default(0.99).describe('decay of the moving averages, gamma (ema only; appendix A.1)'),
  epsilon: z.number().min(0).default(1e-5).describe('Laplace smoothing of the code counts (ema only)'),
  distance: z
    .enum(['euclidean', 'cosine'])
    .default('euclidean')
    .describe(
      'what near means; cosine compares vectors and codes at length 1, and codes come out so (arXiv 2110.04627)',
    ),
  projection: z
    .number()
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe(
      'numbers that a learned linear map leaves of a vector before it is looked up; 0: no map (arXiv 2110.04627)',
    ),
  gradient: z
    .enum(['straight-through', 'rotation', 'none'])
    .default('straight-through')
    .describe(
      'how gradients pass to the encoder: as they are, turned as the vector is to its code (arXiv 2410.06424), or not',
    ),
  initialisation: z
    .enum(['uniform', 'data', 'kmeans', 'kmeans++'])
    .default('kmeans++')
    .describe(
      'where codes start: in 1 / K, or at vectors of the first batch: any, centres of ten rounds of k-means, far apart',
    ),
  restart: z
    .enum(['off', 'random', 'error-weighted'])
    .default('error-weighted')
    .describe('where idle codes start again: nowhere, at any vector of the batch, or at one that no code serves well'),
  restartAfter: z
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('a code that no vector chose for so long starts again; 0: never')
    .meta({ unit: 'updates' }),
  restartUntil: z
    .number()
    .int()
    .min(0)
    .default(1000)
    .describe('no restarts after so many updates, so that codes come to rest')
    .meta({ unit: 'updates' }),
  stage: z
    .enum(['vq', 'ema'])
    .default('ema')
    .describe('the kind of each codebook (residual, product, grouped-residual)'),
  stages: z
    .number()
    .int()
    .min(2)
    .max(64)
    .default(4)
    .describe('codebooks one after the other, Q (residual, grouped-residual)'),
  quantizeDropout: z
    .boolean()
    .default(false)
    .describe(
      'whether steps of training use the first stages alone, drawn anew each time (residual, grouped-residual; arXiv 2107.03312, section III-C)',
    ),
  zeroCode: z
    .boolean()
    .default(false)
    .describe(
      'whether code 0 of each stage is the zero vector, so that no stage makes a vector worse (residual, grouped-residual)',
    ),
  groups: z
    .number()
    .int()
    .min(2)
    .max(64)
    .default(2)
    .describe('slices of a vector, each with codebooks of its own (product, grouped-residual)'),
  levels: z
    .array(z.number().int().min(2).max(256))
    .min(1)
    .optional()
    .describe('levels of each number; their product is the vocabulary (fsq; arXiv 2309.15505)'),
  bits: z
    .number()
    .int()
    .min(1)
    .max(16)
    .optional()
    .describe('numbers of a code, whose signs are its bits; the vocabulary is 2^bits (lfq; arXiv 2310.05737)'),
  spherical: z
    .boolean()
    .default(false)
    .describe('whether vectors and codes lie on the unit sphere (lfq; arXiv 2406.07548)'),
  entropyWeight: z
    .number()
    .min(0)
    .default(0.1)
    .describe('weight of the entropy loss: entropy of a vector minus diversity times that of their mean (lfq)'),
  diversity: z.number().min(0).default(1).describe('weight of the entropy of the mean, gamma (lfq)'),
  entropyBits: z
    .number()
    .int()
    .min(1)
    .max(12)
    .default(8)
    .describe(
      'bits whose entropy of the mean is counted jointly, over 2^entropyBits codes; groups of them are added up (lfq)',
    ),
  temperature: z.number().positive().optional().describe('of the soft choice of a code; 0.01 for lfq, 1 for gumbel'),
  klWeight: z.number().min(0).default(5e-4).describe('weight of the divergence from equally likely codes (gumbel)'),
});

const quantizerDefaults = quantizerFields.parse({}) as QuantizerConfig;

const quantizerSchema = quantizerFields.superRefine((config, context) => {
  for (const { setting, message } of settingProblems(config as QuantizerConfig, quantizerDefaults)) {
    context.addIssue({ code: 'custom', path: [setting], message });
  }
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
  quantizer: quantizerSchema.prefault({}),
  reconstruction: reconstructionSchema.default(reconstructionSchema.parse({})),
  learningRate: z.number().positive().default(1e-3).describe('learning rate of Adam'),
  clipNorm: z.number().positive().default(10).describe('largest global norm of the gradients'),
}) as never;

/** Settings of the codebook. */
export interface QuantizerConfig {
  readonly kind: 'vq' | 'ema' | 'residual' | 'product' | 'grouped-residual' | 'fsq' | 'lfq' | 'simvq' | 'gumbel';
  readonly vocabulary: number;
  readonly codeDim: number;
  readonly commitment: number;
  readonly decay: number;
  readonly epsilon: number;
  readonly distance: 'euclidean' | 'cosine';
  readonly projection: number;
  readonly gradient: 'straight-through' | 'rotation' | 'none';
  readonly initialisation: 'uniform' | 'data' | 'kmeans' | 'kmeans++';
  readonly restart: 'off' | 'random' | 'error-weighted';
  readonly restartAfter: number;
  readonly restartUntil: number;
  readonly stage: 'vq' | 'ema';
  readonly stages: number;
  readonly quantizeDropout: boolean;
  readonly zeroCode: boolean;
  readonly groups: number;
  readonly levels?: readonly number[] | undefined;
  readonly bits?: number | undefined;
  readonly spherical: boolean;
  readonly entropyWeight: number;
  readonly diversity: number;
  readonly entropyBits: number;
  readonly temperature?: number | undefined;
  readonly klWeight: number;
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
  return { ...config, quantizer: settleQuantizer(config.quantizer) };
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
