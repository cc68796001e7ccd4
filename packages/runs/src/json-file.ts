// Reads and checks JSON text whose schema carries a `formatVersion`, and tells apart what can be wrong with it: cut short,
// written by a newer Tessera, or not what it should be.

import { FormatError } from '@tessera/core';
import type { z } from 'zod';
import { isPlainObject } from './config-layers.ts';
import { checkValue } from './parse-config.ts';
import { formatVersion } from './schemas.ts';

/** Large enough for any settings, small enough to refuse a wrong file before it fills the memory. */
export const MAX_JSON_BYTES: number = 64 * 2 ** 20;

/**
 * `text` as the schema's output. Throws FormatError, opened by `source`, for text that is no JSON, a newer `formatVersion`
 * (with the advice to upgrade) and content that the schema refuses.
 */
export function parseJson<Schema extends z.ZodType>(
  text: string,
  options: { readonly schema: Schema; readonly source: string },
): z.output<Schema> {
  const { schema, source } = options;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const state = text.trim() === '' ? 'it is empty' : 'it is cut short or damaged, and no longer JSON';
    throw new FormatError(`${source}: ${state}. Restore it from a copy, or leave this run out.`, { cause });
  }
  const found = isPlainObject(value) ? value.formatVersion : undefined;
  if (typeof found === 'number' && found > formatVersion) {
    throw new FormatError(
      `${source}: its formatVersion is ${found}, and this Tessera reads up to ${formatVersion}. Upgrade Tessera to read it.`,
    );
  }
  const checked = checkValue(schema, value, source);
  if ('problems' in checked) throw new FormatError(checked.problems.join('\n'));
  return checked.value;
}

/** JSON as files hold it: two spaces, a line break at the end. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
