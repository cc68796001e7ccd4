// The settings of a prior over tokens, with their defaults.
import { z } from 'zod';

const whole = (meaning: string, minimum = 1) => z.number().int().min(minimum).describe(meaning);

const oddSize = (meaning: string) =>
  whole(meaning, 3)
    .refine((size) => size % 2 === 1, { error: 'expected an odd number' })
    .meta({ unit: 'tokens' });

const pixelcnnSchema = z.strictObject({
  channels: whole('feature maps of each stack, p').default(32),
  layers: whole('gated layers').default(4),
  firstKernelSize: oddSize('height and width of the kernel of the first layer, before the mask').default(5),
  kernelSize: oddSize('height and width of the kernels of the other layers, before the mask').default(3),
});

const transformerSchema = z.strictObject({
  width: whole('channels').default(64),
  layers: whole('transformer blocks').default(2),
  heads: whole('attention heads; they divide the width').default(4),
});

/** The schema of `PriorConfig`. */
export const priorSchema: z.ZodType<PriorConfig, PriorOptions> & z.ZodObject = z.strictObject({
  kind: z
    .enum(['transformer', 'pixelcnn'])
    .default('transformer')
    .describe('a causal transformer over tokens of any shape, or a gated PixelCNN over a grid of them'),
  classes: whole('classes that tokens are conditioned on, each with a label; 0: none', 0).default(0),
  pixelcnn: pixelcnnSchema.default(pixelcnnSchema.parse({})),
  transformer: transformerSchema.default(transformerSchema.parse({})),
  learningRate: z.number().positive().default(1e-3).describe('learning rate of Adam'),
  clipNorm: z.number().positive().default(1).describe('largest global norm of the gradients'),
}) as never;

/** Settings of a gated PixelCNN (arXiv 1606.05328). */
export interface PixelcnnConfig {
  readonly channels: number;
  readonly layers: number;
  readonly firstKernelSize: number;
  readonly kernelSize: number;
}

/** Settings of a causal transformer. */
export interface TransformerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

/** Settings of a prior, defaults filled in. */
export interface PriorConfig {
  readonly kind: 'transformer' | 'pixelcnn';
  readonly classes: number;
  readonly pixelcnn: PixelcnnConfig;
  readonly transformer: TransformerConfig;
  readonly learningRate: number;
  readonly clipNorm: number;
}

/** Settings of a prior; what is left out takes its default. */
export type PriorOptions = Partial<Omit<PriorConfig, 'pixelcnn' | 'transformer'>> & {
  readonly pixelcnn?: Partial<PixelcnnConfig>;
  readonly transformer?: Partial<TransformerConfig>;
};
