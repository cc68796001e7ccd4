import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { test } from '@fast-check/vitest';

/** All modules of this package that a module leads to, and the names of all others. */
function reach(url: URL, modules: Set<string>, others: Set<string>): void {
  if (modules.has(url.href)) return;
  modules.add(url.href);
  for (const [, name] of readFileSync(url, 'utf8').matchAll(
    /^(?:import|export) [^;]*?from '([^']+)'|^import '([^']+)'/gm,
  )) {
    if (name!.startsWith('.')) reach(new URL(name!, url), modules, others);
    else others.add(name!);
  }
}

test('the front door leads to nothing of Node: it works in browsers', () => {
  const [modules, others] = [new Set<string>(), new Set<string>()];
  reach(new URL('../src/index.ts', import.meta.url), modules, others);
  expect(modules.size).toBeGreaterThan(15);
  expect([...others].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['fast-png', 'fflate', 'gifenc']);
  for (const module of modules)
    expect(readFileSync(new URL(module), 'utf8')).not.toMatch(/\b(Buffer|process|require)\b[.(]/);
});
