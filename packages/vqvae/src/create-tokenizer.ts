// The built-in tokenizers behind one setting, so that an experiment swaps its tokenizer by changing one line.
import type { Engine } from '@tessera/engine';
import { z } from 'zod';
import { checkSettings } from './check-settings.ts';
import { vqvaeSchema } from './config.ts';
import type { VqvaeConfig, VqvaeOptions } from './config.ts';
import { nearestSchema } from './nearest/config.ts';
import type { NearestConfig, NearestOptions } from './nearest/config.ts';
import { NearestTokenizer } from './nearest/nearest-tokenizer.ts';
import { VQVAE } from './vqvae.ts';

/** The tokenizers that settings and files can name. */
export type BuiltInTokenizer = VQVAE | NearestTokenizer;

/** A kind of tokenizer with the settings of each, defaults filled in. The shape of frames is the environment's. */
export interface TokenizerChoice {
  readonly kind: 'vqvae' | 'nearest';
  readonly vqvae: Omit<VqvaeConfig, 'frameShape'>;
  readonly nearest: Omit<NearestConfig, 'frameShape'>;
}

/** A kind of tokenizer with settings; what is left out takes its default. */
export interface TokenizerChoiceOptions {
  readonly kind?: TokenizerChoice['kind'];
  readonly vqvae?: Omit<VqvaeOptions, 'frameShape'>;
  readonly nearest?: Omit<NearestOptions, 'frameShape'>;
}

/** The schema of `TokenizerChoice`, to be put into the settings of an experiment. */
export const tokenizerChoiceSchema: z.ZodType<TokenizerChoice, TokenizerChoiceOptions> & z.ZodObject = z.strictObject({
  kind: z
    .enum(['vqvae', 'nearest'])
    .default('nearest')
    .describe('the tokenizer: a VQ-VAE, or a codebook of the patches that were seen; its settings are under its name'),
  vqvae: (vqvaeSchema as z.ZodObject).omit({ frameShape: true }).prefault({}),
  nearest: (nearestSchema as z.ZodObject).omit({ frameShape: true }).prefault({}),
}) as never;

/**
 * Makes the tokenizer of the chosen kind for frames `[height, width, channels]`; `seed` is that of a VQ-VAE's starting values.
 *
 * Throws ConfigError for an unknown kind or setting, of either kind, and for frames that do not fit the tokens.
 */
export function createTokenizer(
  engine: Engine,
  choice: TokenizerChoiceOptions,
  { frameShape, seed = 0 }: { readonly frameShape: readonly number[]; readonly seed?: number },
): BuiltInTokenizer {
  const { kind, vqvae, nearest } = checkSettings('tokenizer', tokenizerChoiceSchema, choice);
  const shape = frameShape as VqvaeConfig['frameShape'];
  if (kind === 'nearest') return new NearestTokenizer({ ...nearest, frameShape: shape });
  return new VQVAE(engine, { ...vqvae, frameShape: shape }, { seed });
}
