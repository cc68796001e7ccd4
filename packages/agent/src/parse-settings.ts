// Settings checked by their schema, with errors of ours.
import { ConfigError } from '@tessera/core';
import { z } from 'zod';

/** Fills in defaults. Throws ConfigError that opens with `where` and names the field, what was expected and what came. */
export function parseSettings<Config>(schema: z.ZodType<Config>, settings: unknown, where: string): Config {
  const result = schema.safeParse(settings);
  if (!result.success) throw new ConfigError(`${where} settings: ${z.prettifyError(result.error)}`);
  return result.data;
}
