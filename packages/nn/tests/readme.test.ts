import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { test } from '@fast-check/vitest';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

test("the README's example is example.ts, and learns XOR", async () => {
  expect(read('../README.md')).toContain(`\`\`\`ts\n${read('example.ts').replaceAll('export ', '')}\`\`\``);
  const { loss } = await import('./example.ts');
  expect(loss).toBeLessThan(0.01);
});
