// Settings come in layers (defaults < the environment's < a file < the command line). They are merged here, and each value
// remembers which layer it came from, so that an error can name the file or the option to correct.

import { ConfigError } from '@tessera/core';
import type { z } from 'zod';
import { schemaAt, typeText, unwrapSchema } from './schema-walk.ts';

/** Settings of one origin: a file's name, an option as it was typed, `defaults`. */
export interface ConfigLayer {
  readonly source: string;
  readonly values: unknown;
}

/** The merged settings and where each came from. */
export interface MergedLayers {
  readonly values: Record<string, unknown>;
  /** The source that set the value at `path`, or the nearest value around it. */
  readonly sourceOf: (path: readonly PropertyKey[]) => string;
}

/**
 * Merges layers, later ones winning: objects key by key, everything else (lists too) as a whole.
 *
 * Throws ConfigError for a layer that is no object.
 */
export function mergeLayers(layers: readonly ConfigLayer[]): MergedLayers {
  let values: Record<string, unknown> = {};
  for (const layer of layers) {
    if (!isPlainObject(layer.values)) {
      throw new ConfigError(`${layer.source}: expected an object of settings, got ${shortText(layer.values)}.`);
    }
    values = mergeObjects(values, layer.values);
  }
  return { values, sourceOf: (path) => findSource(layers, path) };
}

function mergeObjects(below: Record<string, unknown>, above: Record<string, unknown>): Record<string, unknown> {
  const merged = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const old = merged.get(key);
    merged.set(key, isPlainObject(old) && isPlainObject(value) ? mergeObjects(old, value) : value);
  }
  // fromEntries defines own properties, so a key named __proto__ stays a key and is reported as unknown.
  return Object.fromEntries(merged);
}

function findSource(layers: readonly ConfigLayer[], path: readonly PropertyKey[]): string {
  for (let length = path.length; length >= 0; length--) {
    const found = layers.findLast((layer) => length > 0 && valueAt(layer.values, path.slice(0, length)) !== undefined);
    if (found) return found.source;
  }
  return layers.at(-1)?.source ?? 'settings';
}

/** The value at `path` inside `value`, undefined where there is none. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<PropertyKey, unknown>)[key];
  }
  return current;
}

/**
 * A layer from `path.to.field=value` as typed on a command line. The value is read as JSON where it is JSON and the schema does
 * not want text there, and as plain text otherwise.
 *
 * Throws ConfigError when there is no `=` or a part of the path is empty.
 */
export function parseSetting(text: string, schema: z.ZodObject): ConfigLayer {
  const source = `--set ${text}`;
  const equals = text.indexOf('=');
  const path = text.slice(0, Math.max(equals, 0)).trim().split('.');
  if (equals < 0 || path.some((part) => part === '')) {
    throw new ConfigError(`${source}: expected path.to.field=value, as in --set steps=1000.`);
  }
  const raw = text.slice(equals + 1);
  const field = schemaAt(schema, path);
  const value = field && wantsText(field) ? raw : jsonOrText(raw);
  const values = path.reduceRight<unknown>((inside, key) => Object.fromEntries([[key, inside]]), value);
  return { source, values };
}

function wantsText(field: z.core.$ZodType): boolean {
  const { inner, nullable } = unwrapSchema(field);
  if (nullable) return false;
  const { def } = inner._zod;
  return def.type === 'string' || (def.type === 'enum' && typeText(inner).startsWith("'"));
}

function jsonOrText(raw: string): unknown {
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    return raw;
  }
}

/** True for `{...}` objects, false for lists, null and instances of classes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** A value as an error message shows it: JSON, at most 60 characters. */
export function shortText(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'object' || typeof value === 'string' ? jsonText(value) : scalarText(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function scalarText(value: unknown): string {
  return typeof value === 'function' ? 'a function' : String(value as number | bigint | boolean | symbol);
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing';
  } catch {
    // Bigints inside, or an object that contains itself.
    return Array.isArray(value) ? 'a list' : 'an object';
  }
}
