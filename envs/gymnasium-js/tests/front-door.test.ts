// The front door is for browsers too: nothing behind it may need Node.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { expect } from 'vitest';

/** All modules that `file` imports, directly or not; other packages by name. */
function importsOf(file: URL, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type).*? from '(.*?)';/gms)) {
    if (specifier!.startsWith('.')) importsOf(new URL(specifier!, file), seen);
    else seen.add(specifier!);
  }
  return seen;
}

const packagesOf = (door: string): string[] =>
  [...importsOf(new URL(`../src/${door}`, import.meta.url))].filter((name) => !name.startsWith('file:')).toSorted();

test('the front door imports core and nothing else', () => {
  expect(packagesOf('index.ts')).toEqual(['@tessera/core']);
});

test('the back door is the one that needs Node', () => {
  const packages = ['@tessera/core', '@tessera/core/node', 'node:fs', 'node:os', 'node:path', 'node:worker_threads'];
  expect(packagesOf('node.ts')).toEqual(packages);
});
