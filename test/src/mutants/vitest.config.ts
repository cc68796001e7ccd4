// Runs tests on sources with a bug in them. The sources stay as they are: vite is handed other text for the one file.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { settings, shared } from '../../../vitest.config.ts';
import { repository } from '../support/repository.ts';
import { plant } from './mutant.ts';
import type { Replacement } from './mutant.ts';

// The replacement as JSON; without it the sources are what they are.
const variable = process.env['TESSERA_MUTANT'];
const mutant = variable === undefined ? undefined : (JSON.parse(variable) as Replacement);
const path = mutant && join(repository, mutant.file);

export default defineConfig({
  ...shared,
  root: repository,
  plugins: [
    {
      name: 'tessera:mutant',
      enforce: 'pre',
      configureVitest({ experimental_defineCacheKeyGenerator: define }) {
        define(({ id }) => (id === path ? false : undefined));
      },
      transform(code, id) {
        if (mutant === undefined || id !== path) return undefined;
        return plant(code, mutant) ?? this.error(`internal: ${mutant.file} has changed since it was read.`);
      },
    },
    {
      // It makes a function of every order of `test.skip.concurrent...`, which takes seconds each time that it is loaded.
      name: 'tessera:fast-check',
      transform: (code, id) =>
        id.endsWith('/vitest-fast-check.js')
          ? code.replace('!ancestors.has(key)', 'ancestors.size < 2 && !ancestors.has(key)')
          : undefined,
    },
  ],
  test: {
    ...settings,
    include: ['packages/*/tests/**/*.test.ts', 'test/src/**/*.{test,check}.ts'],
    setupFiles: [join(import.meta.dirname, 'fast-check.ts')],
    server: { deps: { inline: ['@fast-check/vitest'] } },
    isolate: false,
    // One failure is enough, and several runs go on side by side.
    bail: 1,
    maxWorkers: 1,
    cache: false,
    // What one run has compiled, the next one need not.
    experimental: { fsModuleCache: true, fsModuleCachePath: join(tmpdir(), 'modules') },
  },
});
