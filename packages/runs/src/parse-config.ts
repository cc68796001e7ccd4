// Checks settings against a zod schema and says, for each problem, which file or option, which field, what was expected and
// what came. Unknown fields are always errors: a misspelt hyper-parameter that is silently ignored costs a training run.

import { ConfigError, didYouMean } from '@tessera/core';
import { z } from 'zod';
import { isPlainObject, mergeLayers, shortText, valueAt } from './config-layers.ts';
import type { ConfigLayer } from './config-layers.ts';
import { schemaDefaults } from './schema-help.ts';
import { schemaAt, typeText, unwrapSchema } from './schema-walk.ts';

/** A name for what is checked, or a function that names the origin of one field. */
export type ConfigSource = string | ((path: readonly PropertyKey[]) => string);

/**
 * `input` as the schema's output. Throws ConfigError with one line a problem: source, field, expected, got; unknown fields are
 * problems with a suggestion, also where the schema would let them pass.
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  options: { readonly source: ConfigSource },
): z.output<Schema> {
  const checked = checkValue(schema, input, options.source);
  if ('problems' in checked) throw new ConfigError(checked.problems.join('\n'));
  return checked.value;
}

/** Defaults of the schema, then `layers`, later ones winning, checked. Throws ConfigError as `parseConfig` does. */
export function resolveConfig<Schema extends z.ZodObject>(
  schema: Schema,
  layers: readonly ConfigLayer[],
): z.output<Schema> {
  const merged = mergeLayers([{ source: 'defaults', values: schemaDefaults(schema) }, ...layers]);
  return parseConfig(schema, merged.values, { source: merged.sourceOf });
}

/** The checked value, or what is wrong with it, a line a problem. */
export function checkValue<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  source: ConfigSource,
): { readonly value: z.output<Schema> } | { readonly problems: readonly string[] } {
  const where = (path: readonly PropertyKey[]): string => (typeof source === 'string' ? source : source(path));
  const unknown = unknownFields(schema, input, []);
  const parsed = schema.safeParse(input);
  const problems = unknown.map(({ path, message }) => `${where(path)}: ${message}`);
  for (const issue of parsed.error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys' && unknown.length > 0) continue;
    problems.push(`${where(issue.path)}: ${issueText(schema, input, issue)}`);
  }
  if (problems.length > 0 || !parsed.success) return { problems };
  return { value: parsed.data };
}

interface UnknownField {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function unknownFields(schema: z.core.$ZodType, input: unknown, path: readonly PropertyKey[]): UnknownField[] {
  const { def } = unwrapSchema(schema).inner._zod;
  if (def.type === 'array' && Array.isArray(input)) {
    return input.flatMap((item, index) => unknownFields(def.element, item, [...path, index]));
  }
  if (def.type !== 'object' || !isPlainObject(input)) return [];
  const known = Object.keys(def.shape);
  const open = def.catchall !== undefined && def.catchall._zod.def.type !== 'never';
  return Object.entries(input).flatMap(([key, value]) => {
    const here = [...path, key];
    if (Object.hasOwn(def.shape, key)) return unknownFields(def.shape[key]!, value, here);
    if (open) return [];
    const inside = path.length > 0 ? ` in '${pathText(path)}'` : '';
    const hint = didYouMean(key, known) || (known.length <= 12 ? ` Known: ${known.join(', ')}.` : '');
    return [{ path: here, message: `unknown field '${key}'${inside}.${hint}` }];
  });
}

function issueText(schema: z.core.$ZodType, input: unknown, issue: z.core.$ZodIssue): string {
  const field = issue.path.length > 0 ? `${pathText(issue.path)}: ` : '';
  if (issue.code === 'custom') return `${field}${issue.message}`;
  if (issue.code === 'unrecognized_keys')
    return `${field}unknown field ${issue.keys.map((key) => `'${key}'`).join(', ')}.`;
  const value = valueAt(input, issue.path);
  const at = schemaAt(schema, issue.path);
  const expected = at ? `expected ${expectedText(at, issue)}` : issue.message;
  return value === undefined && issue.path.length > 0
    ? `${field}is missing; ${expected}.`
    : `${field}${expected}, got ${shortText(value)}.`;
}

/** A list's own length is not part of its type in words. */
function expectedText(schema: z.core.$ZodType, issue: z.core.$ZodIssue): string {
  const text = typeText(schema);
  if (issue.code === 'too_small' && issue.origin === 'array') return `${text}, at least ${String(issue.minimum)} long`;
  if (issue.code === 'too_big' && issue.origin === 'array') return `${text}, at most ${String(issue.maximum)} long`;
  return text;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.map(String).join('.');
}
