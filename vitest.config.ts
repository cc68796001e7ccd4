import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const source = '@tessera/source';

// Tests that change what their modules keep: the registry of environments, the module that finds TensorFlow.
const ownModules = [
  'envs/*/tests/**/*.test.ts',
  'experiments/tests/**/*.test.ts',
  'test/src/{browser,conformance,e2e}/**/*.test.ts',
  'packages/engine/tests/node/create-node-engine.test.ts',
];

const shared = {
  // A project inherits no conditions from the root.
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
};
const settings = { execArgv: ['--conditions', source], pool: 'forks' as const, testTimeout: 60_000 };

export default defineConfig({
  test: {
    // Half of the tests wait for processes of their own; vitest would leave a core out.
    maxWorkers: '100%',
    projects: [
      {
        ...shared,
        test: {
          ...settings,
          name: 'shared modules',
          // Loading TensorFlow.js takes longer than most test files: a process loads it once for all of its files.
          isolate: false,
          include: ['packages/*/tests/**/*.test.ts', 'test/src/{growth,laws}/**/*.test.ts'],
          exclude: ownModules,
        },
      },
      { ...shared, test: { ...settings, name: 'own modules', include: ownModules } },
    ],
  },
});
