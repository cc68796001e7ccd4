// The settings of the study "VAE or VQ-VAE?", and what `--quick` changes of them.
import { ConfigError } from '@tessera/core';
import { resolveConfig } from '@tessera/runs';
import type { ConfigLayer } from '@tessera/runs';
import { z } from 'zod';

const count = (meaning: string) => z.int().min(1).describe(meaning);
// A model is known by its settings: the same ones twice would be one unit of work.
const distinct = (values: readonly unknown[]) =>
  new Set(values.map((value) => JSON.stringify(value))).size === values.length;
const betas = (meaning: string) =>
  z.array(z.number().min(0)).min(1).refine(distinct, { error: 'expected every number once' }).describe(meaning);

/** Settings of the study, defaults filled in. */
export interface StudyConfig {
  readonly seeds: number;
  readonly trainFrames: number;
  readonly testFrames: number;
  readonly samples: number;
  readonly channels: number;
  readonly latentDim: number;
  readonly learningRate: number;
  readonly linear: { readonly steps: number };
  readonly collapse: {
    readonly seeds: number;
    readonly steps: number;
    readonly batch: number;
    readonly features: number;
    readonly vocabulary: number;
    readonly betas: readonly number[];
  };
  readonly matched: {
    readonly steps: number;
    readonly batch: number;
    readonly deviation: number;
    readonly betas: readonly number[];
    readonly codebooks: readonly { readonly grid: number; readonly vocabulary: number }[];
    readonly rates: readonly number[];
    readonly priorSteps: number;
  };
  readonly environment: { readonly id: string; readonly frames: number; readonly steps: number };
}

const codebook = z.strictObject({
  grid: z.literal([2, 4, 8, 16]).describe('rows and columns of tokens'),
  vocabulary: z.int().min(2).describe('codes, K'),
});

/** The schema of `StudyConfig`. */
export const studySchema: z.ZodObject & z.ZodType<StudyConfig> = z.strictObject({
  seeds: count('runs of each model of parts A, C and D').default(3),
  trainFrames: count('frames of sprite world to learn from').default(20_000),
  testFrames: z.int().min(32).default(2000).describe('frames of sprite world to measure on'),
  samples: z.int().min(32).default(4000).describe('frames that each model makes up for part D'),
  channels: count('feature maps of the convolutions').default(32),
  latentDim: count("numbers in a VAE's latent vector, and in a code").default(8),
  learningRate: z.number().positive().default(5e-3).describe('highest learning rate of Adam, of every model'),
  linear: z
    .strictObject({ steps: count('steps of the linear VAE').default(8000).meta({ unit: 'steps' }) })
    .prefault({}),
  collapse: z
    .strictObject({
      seeds: count('runs of each model of part B').default(3),
      steps: count('training steps of each model').default(400).meta({ unit: 'steps' }),
      batch: z.int().min(2).default(8).describe('frames in a batch'),
      features: z.int().multipleOf(3).min(3).default(24).describe('feature maps of the masked convolutions'),
      vocabulary: z.int().min(2).default(64).describe('codes of the VQ-VAE'),
      betas: betas('weights of the KL divergence').default([0.25, 1, 4]),
    })
    .prefault({}),
  matched: z
    .strictObject({
      steps: count('training steps of each model').default(800).meta({ unit: 'steps' }),
      batch: z.int().min(2).default(8).describe('frames in a batch'),
      deviation: z.number().positive().default(0.1).describe("of the decoders' Gaussian, in grey levels of 0 to 1"),
      betas: betas('weights of the KL divergence').default([1, 4, 18]),
      codebooks: z
        .array(codebook)
        .min(1)
        .refine(distinct, { error: 'expected every codebook once' })
        .default([
          { grid: 4, vocabulary: 8 },
          { grid: 4, vocabulary: 64 },
          { grid: 8, vocabulary: 8 },
        ])
        .describe('grids and codebooks of the VQ-VAEs'),
      rates: z.array(z.number().positive()).min(1).default([48, 96, 192]).describe('rates to compare at').meta({
        unit: 'bits',
      }),
      priorSteps: count('training steps of each learned prior').default(400).meta({ unit: 'steps' }),
    })
    .prefault({}),
  environment: z
    .strictObject({
      id: z.string().min(1).default('Breakout-v0').describe('environment of this toolkit whose frames are tried too'),
      frames: z.int().min(64).default(4000).describe('frames of it, a quarter of them to measure on'),
      steps: count('training steps of each model').default(400).meta({ unit: 'steps' }),
    })
    .prefault({}),
}) as never;

/** The settings of these layers over the defaults. Throws ConfigError for what is unknown, wrong, or does not go together. */
export function studyConfig(layers: readonly ConfigLayer[]): StudyConfig {
  const config = resolveConfig(studySchema, layers) as unknown as StudyConfig;
  const { testFrames, collapse } = config;
  if (collapse.batch > testFrames) {
    throw new ConfigError(
      `collapse.batch: expected at most ${testFrames}, the testFrames, got ${collapse.batch}: part B is measured on whole batches.`,
    );
  }
  return config;
}

/** What `--quick` changes: one seed, fewer and narrower models, fewer steps. */
export const quickValues = {
  seeds: 1,
  trainFrames: 4000,
  testFrames: 500,
  samples: 1000,
  channels: 16,
  linear: { steps: 6000 },
  collapse: { seeds: 1, steps: 300, betas: [1] },
  matched: {
    steps: 1200,
    betas: [1, 5],
    codebooks: [{ grid: 4, vocabulary: 64 }],
    rates: [96],
    priorSteps: 300,
  },
  environment: { frames: 400, steps: 100 },
} as const;
