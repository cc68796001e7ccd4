// Reads zod 4 schemas: what is behind defaults and other wrappers, and what a schema accepts in words. Help texts and error
// messages are both made from it, so they cannot disagree. It does not validate; zod does.

import { z } from 'zod';

/** What a field's wrappers say about it, and the schema inside them. */
export interface UnwrappedSchema {
  /** The innermost schema, without wrappers. */
  readonly inner: z.core.$ZodTypes;
  /** May be left out although it has no default. */
  readonly optional: boolean;
  /** May be null. */
  readonly nullable: boolean;
  /** What is taken when the field is left out; absent where there is none. */
  readonly default?: { readonly value: unknown };
  /** `.describe()` and `.meta()` of all wrappers, the outer ones winning. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Takes defaults, `optional`, `nullable`, `readonly` and pipes off a schema and keeps what they say. */
export function unwrapSchema(schema: z.core.$ZodType): UnwrappedSchema {
  const meta = z.globalRegistry.get(schema) ?? {};
  const outer = schema as z.core.$ZodTypes;
  const { def } = outer._zod;
  if (def.type === 'pipe') return merge(unwrapSchema(def.in), { meta });
  if (def.type === 'default' || def.type === 'prefault') {
    return merge(unwrapSchema(def.innerType), { meta, default: { value: def.defaultValue } });
  }
  if (def.type === 'optional') return merge(unwrapSchema(def.innerType), { meta, optional: true });
  if (def.type === 'nullable') return merge(unwrapSchema(def.innerType), { meta, nullable: true });
  if (def.type === 'readonly' || def.type === 'catch' || def.type === 'nonoptional') {
    return merge(unwrapSchema(def.innerType), { meta });
  }
  return { inner: outer, optional: false, nullable: false, meta };
}

function merge(inside: UnwrappedSchema, outside: Partial<UnwrappedSchema>): UnwrappedSchema {
  return { ...inside, ...outside, meta: { ...inside.meta, ...outside.meta } };
}

/** The schema of the field at `path`, or undefined where the schema knows no such field. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  if (path.length === 0) return schema;
  const [key, ...rest] = path as [PropertyKey, ...PropertyKey[]];
  const { def } = unwrapSchema(schema).inner._zod;
  let child: z.core.$ZodType | undefined;
  if (def.type === 'object') child = Object.hasOwn(def.shape, key) ? def.shape[String(key)] : def.catchall;
  if (def.type === 'record') child = def.valueType;
  if (def.type === 'array') child = def.element;
  if (def.type === 'tuple') child = def.items[Number(key)] ?? def.rest ?? undefined;
  return child && schemaAt(child, rest);
}

/** What a schema accepts, in words: `integer >= 1`, `number in (0, 1]`, `'vq' | 'ema'`, `list of number`. */
export function typeText(schema: z.core.$ZodType): string {
  const { inner, nullable } = unwrapSchema(schema);
  return nullable ? `${innerText(inner)} | null` : innerText(inner);
}

function innerText(schema: z.core.$ZodTypes): string {
  const { def } = schema._zod;
  switch (def.type) {
    case 'number':
      return numberText(def);
    case 'string':
      return checks(def).some((check) => check.check === 'min_length') ? 'text, not empty' : 'text';
    case 'boolean':
      return 'true | false';
    case 'enum':
      return Object.values(def.entries).map(quote).join(' | ');
    case 'literal':
      return def.values.map(quote).join(' | ');
    case 'union':
      return def.options.map(typeText).join(' | ');
    case 'array':
      return `list of ${typeText(def.element)}`;
    case 'tuple':
      return `[${def.items.map(typeText).join(', ')}]`;
    case 'record':
      return `object of ${typeText(def.valueType)}`;
    default:
      return def.type;
  }
}

type Check =
  | { readonly check: 'greater_than' | 'less_than'; readonly value: unknown; readonly inclusive: boolean }
  | { readonly check: 'multiple_of'; readonly value: unknown }
  | { readonly check: 'number_format'; readonly format: string }
  | { readonly check: 'min_length' };

function checks(def: z.core.$ZodTypeDef): readonly Check[] {
  return (def.checks ?? []).map((check) => check._zod.def as unknown as Check);
}

function numberText(def: z.core.$ZodNumberDef): string {
  // `z.int()` is a format of its own, `z.number().int()` a check of a number.
  const formats = [def, ...checks(def)].map((part) => ('format' in part ? String(part.format) : ''));
  const whole = formats.some((format) => format.includes('int'));
  let low: string | undefined;
  let high: string | undefined;
  let steps = '';
  let bounds: readonly ['[' | '(', ']' | ')'] = ['(', ')'];
  for (const check of checks(def)) {
    if (check.check === 'greater_than') [low, bounds] = [String(check.value), [check.inclusive ? '[' : '(', bounds[1]]];
    if (check.check === 'less_than') [high, bounds] = [String(check.value), [bounds[0], check.inclusive ? ']' : ')']];
    if (check.check === 'multiple_of') steps = `, a multiple of ${String(check.value)}`;
  }
  const [open, close] = bounds;
  let range = '';
  if (low !== undefined && high !== undefined) range = ` in ${open}${low}, ${high}${close}`;
  else if (low !== undefined) range = ` ${open === '[' ? '>=' : '>'} ${low}`;
  else if (high !== undefined) range = ` ${close === ']' ? '<=' : '<'} ${high}`;
  return `${whole ? 'integer' : 'number'}${range}${steps}`;
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
