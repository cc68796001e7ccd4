import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const source = '@tessera/source';

// Tests that change what their modules keep (the registry of environments, the module that finds TensorFlow), ask for all that is registered, or wait for processes of
// their own.
const ownModules = [
  'envs/*/tests/{contract,pages,pictures}.test.ts',
  'envs/gymnasium-js/tests/*.test.ts',
  'envs/gymnasium-js/tests/vector/*.test.ts',
  'envs/python/tests/**/*.test.ts',
  'test/src/{browser,conformance,mutants}/**/*.test.ts',
  'packages/engine/tests/node/create-node-engine.test.ts',
];

/** What every project needs to run packages from their sources. */
export const shared = {
  // A project inherits no conditions from the root.
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
};
/** How every project runs. */
export const settings = {
  execArgv: ['--conditions', source],
  pool: 'forks' as const,
  testTimeout: 60_000,
  // Some hooks train something small, beside whatever else runs.
  hookTimeout: 60_000,
};

/** Loading what they test takes longer than most test files: a process loads it once for all of its files. */
function sharingModules(name: string, include: string[]) {
  return { ...shared, test: { ...settings, name, isolate: false, include, exclude: ownModules } };
}

export default defineConfig({
  test: {
    // Half of the tests wait for processes of their own; vitest would leave a core out.
    maxWorkers: '100%',
    projects: [
      { ...shared, test: { ...settings, name: 'own modules', include: ownModules } },
      // Apart from each other: each has its own environments in the registry.
      sharingModules('shared modules: environments', ['envs/*/tests/**/*.test.ts']),
      sharingModules('shared modules: experiments', ['experiments/tests/**/*.test.ts']),
      sharingModules('shared modules: whole program', ['test/src/e2e/**/*.test.ts']),
      sharingModules('shared modules: packages', [
        'packages/*/tests/**/*.test.ts',
        'test/src/{growth,laws}/**/*.test.ts',
      ]),
    ],
  },
});
