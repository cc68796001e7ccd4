// The one factory of priors.
import { ConfigError } from '@tessera/core';
import type { Engine } from '@tessera/engine';
import { checkSettings } from '../check-settings.ts';
import { priorSchema } from './config.ts';
import type { PriorOptions } from './config.ts';
import { pixelcnn } from './pixelcnn.ts';
import type { Prior, PriorSpec } from './prior.ts';
import { TokenPrior } from './token-prior.ts';
import { transformer } from './transformer.ts';

/**
 * A prior over the tokens that `spec` describes, that of a tokenizer for instance. `seed` is that of the starting values, default 0.
 *
 * Throws ConfigError for unknown settings, a width that its heads do not divide, tokens without a size or with fewer than two codes, and for a PixelCNN over anything
 * but a grid.
 */
export function createPrior(
  engine: Engine,
  options: PriorOptions,
  { spec, seed = 0 }: { readonly spec: PriorSpec; readonly seed?: number },
): Prior {
  const config = checkSettings('prior', priorSchema, options);
  const { tokenShape, vocabulary } = spec;
  if (tokenShape.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new ConfigError(`prior: expected a token shape of whole numbers > 0, got [${tokenShape.join(', ')}].`);
  }
  if (!Number.isInteger(vocabulary) || vocabulary < 2) {
    throw new ConfigError(`prior: expected a vocabulary of at least 2 codes, got ${vocabulary}.`);
  }
  const settings = { config, spec, seed };
  return config.kind === 'pixelcnn'
    ? new TokenPrior(engine, pixelcnn(config, spec), settings)
    : new TokenPrior(engine, transformer(config, spec), settings);
}
