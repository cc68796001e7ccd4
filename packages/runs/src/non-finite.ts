// JSON has no NaN and no infinities, and `JSON.stringify` turns them into null without a word. A diverged loss is a fact worth
// keeping, so they are written as null with a marker beside them: `{"loss": null}` and `"nonFinite": {"loss": "NaN"}`.

import { isPlainObject } from './config-layers.ts';

const NAMES: ReadonlySet<string> = new Set(['NaN', 'Infinity', '-Infinity']);

/** The names that stand for numbers without a JSON form. */
export type NonFiniteName = 'NaN' | 'Infinity' | '-Infinity';

/** A JSON tree whose non-finite numbers became null, and what they were, by path in JSON Pointer form without the first slash. */
export interface FiniteJson {
  readonly json: unknown;
  readonly nonFinite: Record<string, NonFiniteName>;
}

/** True for what stands under `nonFinite` in a file. */
export function isNonFiniteMarkers(value: unknown): value is Record<string, NonFiniteName> {
  return isPlainObject(value) && Object.values(value).every((name) => typeof name === 'string' && NAMES.has(name));
}

/** Takes the non-finite numbers out of a tree of plain objects, lists and scalars. */
export function takeNonFinite(value: unknown): FiniteJson {
  const found: [string, NonFiniteName][] = [];
  const visit = (node: unknown, path: readonly string[]): unknown => {
    if (typeof node === 'number' && !Number.isFinite(node)) {
      found.push([path.map(escape).join('/'), String(node) as NonFiniteName]);
      return null;
    }
    if (Array.isArray(node)) return node.map((item, index) => visit(item, [...path, String(index)]));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, inside]) => [key, visit(inside, [...path, key])]));
  };
  const json = visit(value, []);
  return { json, nonFinite: Object.fromEntries(found) };
}

/** An object as JSON may hold it: non-finite numbers as null, and a field `nonFinite` beside the others that says what they were. */
export function markNonFinite(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { json, nonFinite } = takeNonFinite(value);
  return { ...(json as Record<string, unknown>), ...(Object.keys(nonFinite).length > 0 ? { nonFinite } : {}) };
}

/** The inverse of `takeNonFinite`: puts the numbers back where null stands; markers that point elsewhere are ignored. */
export function restoreNonFinite(json: unknown, nonFinite: Readonly<Record<string, NonFiniteName>>): unknown {
  const visit = (node: unknown, path: readonly string[]): unknown => {
    if (node === null) {
      const pointer = path.map(escape).join('/');
      const name = Object.hasOwn(nonFinite, pointer) ? nonFinite[pointer] : undefined;
      return name === undefined ? null : Number(name);
    }
    if (Array.isArray(node)) return node.map((item, index) => visit(item, [...path, String(index)]));
    if (typeof node !== 'object') return node;
    return Object.fromEntries(Object.entries(node).map(([key, inside]) => [key, visit(inside, [...path, key])]));
  };
  return visit(json, []);
}

/** RFC 6901: metric names have slashes of their own. */
function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
