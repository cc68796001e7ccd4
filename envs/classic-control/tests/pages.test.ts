// The pages say what the doc comments say: scripts/pages.ts writes them anew.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { docComment } from '../../gymnasium-js/scripts/environment-pages.ts';

const read = (folder: string, end: string): string[] =>
  readdirSync(new URL(`../${folder}/`, import.meta.url))
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(new URL(`../${folder}/${name}`, import.meta.url), 'utf8'));

// Prettier adds blank lines and aligns.
const letters = (text: string): string => text.replaceAll(/\s/g, '');
const pages = read('docs', '.md').map(letters);
const sources = read('src', '.ts').filter((source) => /^export class \w+ extends Env</m.test(source));

test('each environment has its page, up to date', () => {
  expect(sources.length).toBe(pages.length);
  for (const source of sources) {
    const comment = letters(docComment(source));
    expect(comment).toContain('##Description');
    expect(pages.filter((page) => page.includes(comment)).length).toBe(1);
  }
});

test('each page has a picture and returns', () => {
  for (const page of read('docs', '.md')) {
    const [, picture] = /!\[.*\]\((.*\.png)\)/.exec(page)!;
    expect(
      readFileSync(new URL(`../docs/${picture}`, import.meta.url))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    expect(page).toMatch(/\| random +\|/);
  }
});
