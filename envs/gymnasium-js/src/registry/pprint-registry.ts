// The registered environments as columns of text (gymnasium.pprint_registry).
import { ConfigError } from '@tessera/core';
import type { EnvSpec } from '../spec.ts';
import { registry } from './registry.ts';

export interface PprintRegistryOptions {
  /** 3 by default. */
  readonly numCols?: number;
  readonly excludeNamespaces?: readonly (string | undefined)[];
  /** Returns the text without printing it. */
  readonly disablePrint?: boolean;
}

/** Prints the ids by namespace, sorted, in columns; returns the text with `disablePrint`. */
export function pprintRegistry(options: PprintRegistryOptions = {}): string | undefined {
  const { numCols = 3, excludeNamespaces = [], disablePrint = false } = options;
  if (!Number.isSafeInteger(numCols) || numCols < 1) {
    throw new ConfigError(`pprintRegistry: expected a whole number > 0 as numCols, got ${String(numCols)}.`);
  }
  const groups = new Map<string | undefined, EnvSpec[]>();
  for (const spec of registry.values()) groups.set(spec.namespace, [...(groups.get(spec.namespace) ?? []), spec]);
  const width = Math.max(...[...registry.values()].map((spec) => spec.name.length));
  const output: string[] = [];
  for (const [namespace, specs] of groups) {
    if (excludeNamespaces.includes(namespace)) continue;
    const ids = specs.map((spec) => spec.id).toSorted(byCodePoint);
    const rows: string[] = [];
    for (let i = 0; i < ids.length; i += numCols) {
      const row = ids.slice(i, i + numCols).map((id) => id.padEnd(width));
      rows.push(row.join(' ').trimEnd());
    }
    output.push([`===== ${namespace ?? 'no namespace'} =====`, ...rows].join('\n'));
  }
  const text = output.join('\n');
  if (disablePrint) return text;
  console.log(text);
  return undefined;
}

const byCodePoint = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
