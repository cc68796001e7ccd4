// The settings of a nearest-patch tokenizer, with their defaults. One schema serves files, the command line and its help.
import { ConfigError } from '@tessera/core';
import { z } from 'zod';
import { checkSettings } from '../check-settings.ts';

const positive = (meaning: string) => z.number().int().min(1).describe(meaning);

/** One GiB of codes. */
const maxNumbers = 2 ** 28;

/** Settings of a nearest-patch tokenizer, defaults filled in. */
export interface NearestConfig {
  readonly frameShape: readonly [height: number, width: number, channels: number];
  readonly tokenShape: readonly [rows: number, columns: number];
  readonly vocabulary: number;
  readonly threshold: number;
}

/** Settings of a nearest-patch tokenizer; what is left out takes its default. */
export type NearestOptions = Partial<NearestConfig>;

/** The schema of `NearestConfig`. */
export const nearestSchema: z.ZodType<NearestConfig, NearestOptions> & z.ZodObject = z.strictObject({
  frameShape: z
    .tuple([positive('height'), positive('width'), positive('channels')])
    .default([20, 20, 3])
    .describe('height, width and channels of a frame')
    .meta({ unit: 'pixels' }),
  tokenShape: z
    .tuple([positive('rows'), positive('columns')])
    .default([5, 5])
    .describe('rows and columns of tokens; each stands for a patch of the frame'),
  vocabulary: z.number().int().min(2).max(65_536).default(192).describe('patches that the codebook has room for, K'),
  threshold: z
    .number()
    .min(0)
    .default(1e-6)
    .describe(
      'a patch whose squared distance to all codes is larger becomes a code, tau (arXiv 2502.01591); below 1.5e-5 bytes that differ never share one',
    ),
}) as never;

/** Fills in defaults and checks. Throws ConfigError that names the field, what was expected and what came. */
export function nearestConfig(options: NearestOptions = {}): NearestConfig {
  const config = checkSettings('NearestTokenizer settings', nearestSchema, options);
  const {
    frameShape: [height, width, channels],
    tokenShape: [rows, columns],
    vocabulary,
  } = config;
  if (height % rows !== 0 || width % columns !== 0) {
    throw new ConfigError(
      `NearestTokenizer: a frame of ${height} x ${width} pixels cannot be cut into ${rows} x ${columns} equal patches. Choose tokenShape so that rows divide the height and columns the width.`,
    );
  }
  const numbers = (vocabulary * height * width * channels) / (rows * columns);
  if (numbers > maxNumbers) {
    throw new ConfigError(
      `NearestTokenizer: ${vocabulary} codes of ${numbers / vocabulary} numbers take more than the ${maxNumbers} allowed. Choose smaller patches or a smaller vocabulary.`,
    );
  }
  return config;
}
