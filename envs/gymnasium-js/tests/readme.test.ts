// What the README shows is code that runs.
import { readFileSync } from 'node:fs';
import { test } from '@fast-check/vitest';
import { make } from 'gymnasium-js';
import { expect } from 'vitest';

const text = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the environment of your own is example.ts, and keeps the contract', async () => {
  const code = text('example.ts');
  expect(code.split('\n').length).toBeLessThanOrEqual(34);
  expect(text('../README.md')).toContain(`\`\`\`ts\n${code.replaceAll('export ', '')}\`\`\``);
  const { Coin, remarks } = await import('./example.ts');
  expect(remarks).toEqual([]);
  expect(make('Coin-v0').unwrapped).toBeInstanceOf(Coin);
});
