// Which commit a result names.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceCommit } from '../src/provenance.ts';
import { temporaryFolder } from './temporary-folder.ts';

test('the commit of the sources, and whether they differ from it; results are no sources', () => {
  const top = temporaryFolder();
  const folder = join(top, 'experiments');
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', top, '-c', 'user.name=n', '-c', 'user.email=n@example.org', ...words], {
      encoding: 'utf8',
    }).trim();
  mkdirSync(join(folder, 'results'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'results', 'tables.md'), 'none');
  expect(sourceCommit(folder)).toBeUndefined();
  git('init', '--quiet');
  // A package that lies in somebody else's repository.
  expect(sourceCommit(folder)).toBeUndefined();
  git('add', '.');
  git('commit', '--quiet', '--message', 'first');
  const commit = git('rev-parse', 'HEAD');
  expect(sourceCommit(folder)).toBe(commit);
  writeFileSync(join(folder, 'results', 'tables.md'), 'some');
  writeFileSync(join(folder, 'notes.txt'), 'not tracked');
  expect(sourceCommit(folder)).toBe(commit);
  writeFileSync(join(folder, 'package.json'), '{ "name": "x" }');
  expect(sourceCommit(folder)).toBe(`${commit}-dirty`);
});
