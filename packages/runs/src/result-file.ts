// `result.json`: what came out of a run, with NaN and infinities as null and a marker (see `non-finite.ts`).

import { ConfigError, FormatError } from '@tessera/core';
import { pathInfo, readTextBounded, writeFileAtomic } from '@tessera/core/node';
import { z } from 'zod';
import { jsonText, MAX_JSON_BYTES, parseJson } from './json-file.ts';
import { isNonFiniteMarkers, markNonFinite, restoreNonFinite } from './non-finite.ts';
import { checkValue } from './parse-config.ts';
import { formatVersion, resultSchema } from './schemas.ts';
import type { RunResult } from './schemas.ts';

/** Writes `result.json`, replacing an older one. Throws ConfigError for a result that does not fit the schema, FileError. */
export async function writeResultFile(path: string, result: Omit<RunResult, 'formatVersion'>): Promise<void> {
  const checked = checkValue(resultSchema, { formatVersion, ...result }, 'result');
  if ('problems' in checked) throw new ConfigError(checked.problems.join('\n'));
  await writeFileAtomic(path, jsonText(markNonFinite({ ...checked.value })));
}

/** Reads `result.json`; undefined where there is none, as in a run that has not ended. Throws FormatError, FileError. */
export async function readResultFile(path: string): Promise<RunResult | undefined> {
  if (!(await pathInfo(path))) return undefined;
  const text = await readTextBounded(path, { maxBytes: MAX_JSON_BYTES });
  // The version comes first: a newer file must not be judged by this schema.
  const raw = parseJson(text, { schema: z.looseObject({}), source: path });
  const { nonFinite = {}, ...json } = raw;
  if (!isNonFiniteMarkers(nonFinite)) {
    throw new FormatError(`${path}: nonFinite: expected an object of 'NaN' | 'Infinity' | '-Infinity'.`);
  }
  const checked = checkValue(resultSchema, restoreNonFinite(json, nonFinite), path);
  if ('problems' in checked) throw new FormatError(checked.problems.join('\n'));
  return checked.value;
}
