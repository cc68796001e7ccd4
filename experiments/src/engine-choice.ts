// Between what a run asks of its engine, on the command line and in its settings, and the engine's options.
import { checkBackendChoice } from '@tessera/engine';
import type { EngineOptions, Precision } from '@tessera/engine';
import { z } from 'zod';

/** The setting `precision`. */
export const precisionSchema: z.ZodType<Precision> = z
  .enum(['float32', 'bf16'])
  .default('float32')
  .describe('what products and convolutions compute with on TensorFlow: bf16 rounds their factors to bfloat16');

/** The engine options for `--backend NAME`; undefined leaves the choice to the engine. Throws ConfigError for a name that is no back end. */
export function engineChoice(
  backend: string | undefined,
  { precision }: { readonly precision: Precision },
): EngineOptions {
  return { precision, ...(backend !== undefined && { backend: checkBackendChoice(backend) }) };
}
