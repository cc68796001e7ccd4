// Which chunks are kept away from training, decided by their metadata alone: the same chunks in every run of a seed, whatever runs beside it.

import type { ChunkMetadata } from './chunk.ts';
import { checkWhole } from './settings.ts';

/**
 * A rule that holds out one chunk in `every` (2 or more) of each environment, at a different beat in each: `(sequence + envIndex) % every = every - 1`.
 *
 * Held-out chunks come from the episodes that training sees. For frames that share nothing with training, collect a second source with its own seed.
 * Throws ConfigError for an `every` below 2.
 */
export function holdOutEvery(every: number): (metadata: ChunkMetadata) => boolean {
  checkWhole({ every }, 2, 'holdOutEvery');
  return ({ sequence, envIndex }) => (sequence + envIndex) % every === every - 1;
}
