// The settings of the study of quantizers, and what `--quick` changes of them.
import { z } from 'zod';

/** Settings of the study, defaults filled in. */
export interface QuantizerStudyConfig {
  readonly seeds: number;
  readonly bits: number;
  readonly trainFrames: number;
  readonly testFrames: number;
  readonly channels: number;
  readonly codeDim: number;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
}

const count = (meaning: string) => z.int().min(1).describe(meaning);

/** The schema of `QuantizerStudyConfig`. */
export const quantizerStudySchema: z.ZodObject & z.ZodType<QuantizerStudyConfig> = z.strictObject({
  seeds: count('runs of each quantizer').default(3),
  bits: z
    .literal([4, 8, 12])
    .default(8)
    .describe(
      'rate of a place, of every quantizer: one codebook of 2^bits codes, or several whose sizes multiply to that',
    )
    .meta({ unit: 'bits' }),
  trainFrames: z.int().min(16).default(8000).describe('frames to learn from'),
  testFrames: z.int().min(16).default(2000).describe('frames to measure on, of other episodes'),
  channels: count('feature maps of the convolutions').default(32),
  codeDim: z
    .int()
    .multipleOf(4)
    .min(4)
    .default(16)
    .describe('numbers in a code, where the quantizer leaves the choice'),
  steps: z.int().min(10).default(1000).describe('training steps').meta({ unit: 'steps' }),
  batch: z.int().min(2).default(32).describe('frames in a batch'),
  learningRate: z.number().positive().default(2e-3).describe('highest learning rate of Adam, of every quantizer'),
}) as never;

/** What `--quick` changes: one seed, fewer steps. */
export const quickQuantizerValues = { seeds: 1, trainFrames: 2000, testFrames: 500, channels: 16, steps: 200 } as const;
