// Checks settings against their schema and says, a line a problem, which field, what was expected and what came.
import { ConfigError, didYouMean } from '@tessera/core';
import type { z } from 'zod';

/** `input` with defaults filled in. Throws ConfigError, each line opened by `where`; unknown fields are problems with a suggestion. */
export function checkSettings<Schema extends z.ZodType>(
  where: string,
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => problemsOf(schema, input, issue));
  throw new ConfigError(problems.map((problem) => `${where}: ${problem}`).join('\n'));
}

function problemsOf(schema: z.core.$ZodType, input: unknown, issue: z.core.$ZodIssue): string[] {
  const field = issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ` : '';
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, issue.path);
    return issue.keys.map((key) => `${field}unknown field '${key}'.${didYouMean(key, known)}`);
  }
  const value = valueAt(input, issue.path);
  // zod says 'Too small: expected number to be >=2' and 'Invalid input: expected number, received NaN'.
  const expected = issue.message.replace(/^[A-Z][a-z ]*: /, '').replace(/, received .*$/, '');
  const suggestion =
    issue.code === 'invalid_value' && typeof value === 'string' ? didYouMean(value, issue.values.map(String)) : '';
  return [`${field}${expected}, got ${textOf(value)}.${suggestion}`];
}

function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let { def } = (schema as z.core.$ZodTypes)._zod;
  while ('innerType' in def) ({ def } = (def.innerType as z.core.$ZodTypes)._zod);
  if (def.type !== 'object') return [];
  const [key, ...rest] = path;
  return key === undefined ? Object.keys(def.shape) : fieldsAt(def.shape[String(key)]!, rest);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], input);
}

function textOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value) ? `[${value.map(String).join(', ')}]` : 'an object';
  return typeof value === 'string' ? `'${value}'` : String(value as number);
}
