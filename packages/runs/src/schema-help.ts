// A settings schema as rows for `--help` and tables, and its defaults as one object. Idea: a hyper-parameter is written
// once, with its meaning, default and unit, and every other place reads it from there.

import type { z } from 'zod';
import { typeText, unwrapSchema } from './schema-walk.ts';

/** One setting as a person reads it. */
export interface SettingRow {
  /** Where it stands: `quantizer.codes`. */
  readonly path: string;
  /** What it accepts: `integer >= 2`. */
  readonly type: string;
  /** The default as JSON, `required` where there is none, `-` where it may be left out. */
  readonly default: string;
  /** From `.meta({ unit })`; empty for counts and names. */
  readonly unit: string;
  /** From `.describe()`. */
  readonly meaning: string;
}

/** The settings of an object schema, one row each, nested objects as dotted paths, in the schema's order. */
export function describeSchema(schema: z.ZodObject): SettingRow[] {
  const rows: SettingRow[] = [];
  for (const { path, field } of leaves(schema, [], undefined)) {
    const { meta, optional } = unwrapSchema(field.schema);
    rows.push({
      path: path.join('.'),
      type: typeText(field.schema),
      default: field.default ? JSON.stringify(field.default.value) : optional ? '-' : 'required',
      unit: typeof meta.unit === 'string' ? meta.unit : '',
      meaning: typeof meta.description === 'string' ? meta.description : '',
    });
  }
  return rows;
}

/** Every default of an object schema as one nested object; settings without a default are absent. */
export function schemaDefaults(schema: z.ZodObject): Record<string, unknown> {
  return collectDefaults(schema, undefined);
}

interface Field {
  readonly schema: z.core.$ZodType;
  readonly default: { readonly value: unknown } | undefined;
}

function* fields(object: z.core.$ZodObjectDef, outer: unknown): Generator<[string, Field]> {
  for (const [key, schema] of Object.entries(object.shape)) {
    // A default of the whole object speaks before the defaults of its fields.
    const fromOuter = isRecord(outer) && Object.hasOwn(outer, key) ? { value: outer[key] } : undefined;
    yield [key, { schema, default: fromOuter ?? unwrapSchema(schema).default }];
  }
}

function* leaves(
  schema: z.core.$ZodType,
  path: readonly string[],
  outer: unknown,
): Generator<{ path: readonly string[]; field: Field }> {
  const { def } = unwrapSchema(schema).inner._zod;
  if (def.type !== 'object') return;
  for (const [key, field] of fields(def, outer)) {
    const here = [...path, key];
    if (unwrapSchema(field.schema).inner._zod.def.type === 'object') {
      yield* leaves(field.schema, here, field.default?.value);
    } else {
      yield { path: here, field };
    }
  }
}

function collectDefaults(schema: z.core.$ZodType, outer: unknown): Record<string, unknown> {
  const { def } = unwrapSchema(schema).inner._zod;
  const entries: [string, unknown][] = [];
  if (def.type !== 'object') return {};
  for (const [key, field] of fields(def, outer)) {
    const { inner, optional, nullable } = unwrapSchema(field.schema);
    const mayBeAbsent = (optional || nullable) && !isRecord(field.default?.value);
    if (inner._zod.def.type === 'object' && !mayBeAbsent) {
      entries.push([key, collectDefaults(field.schema, field.default?.value)]);
    } else if (field.default) {
      entries.push([key, field.default.value]);
    }
  }
  return Object.fromEntries(entries);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
