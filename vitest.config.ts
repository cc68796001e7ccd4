import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const source = '@tessera/source';

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    include: [
      'packages/*/tests/**/*.test.ts',
      'envs/*/tests/**/*.test.ts',
      'experiments/tests/**/*.test.ts',
      'test/src/**/*.test.ts',
    ],
    execArgv: ['--conditions', source],
    pool: 'forks',
    testTimeout: 30_000,
  },
});
