// One run of tests by vitest, in a process group of its own that ends as a whole.

import { spawn } from 'node:child_process';
import { join, relative } from 'node:path';
import { repository } from '../support/repository.ts';
import type { Replacement } from './mutant.ts';

/** What to run. */
export interface Trial {
  /** The bug to plant; none: the sources as they are. */
  readonly mutant?: Replacement | undefined;
  readonly tests: readonly string[];
  readonly only?: string | undefined;
}

/** How it ended. `broken`: nothing was learned, because no test ran to its end. */
export type Outcome =
  | { readonly kind: 'passed'; readonly tests: number }
  | { readonly kind: 'failed'; readonly by: string }
  | { readonly kind: 'broken'; readonly why: string };

// What vitest's JSON reporter writes, as far as it is read here.
interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

// Longer than any of the tests together; a bug can make a loop endless.
const mostMs = 300_000;

/** Runs the tests. `temporary` is a folder for what vitest keeps while it runs. Aborting `signal` ends it at once. */
export async function runTests(
  { mutant, tests, only }: Trial,
  { signal, temporary }: { readonly signal: AbortSignal; readonly temporary: string },
): Promise<Outcome> {
  const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs');
  const config = join(import.meta.dirname, 'vitest.config.ts');
  const words = [vitest, 'run', '--config', config, '--configLoader', 'runner', '--reporter', 'json', ...tests];
  const child = spawn(process.execPath, only === undefined ? words : [...words, '-t', only], {
    cwd: repository,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      TESSERA_LAW_RUNS: '50',
      ...process.env,
      TESSERA_MUTANT: mutant && JSON.stringify(mutant),
      TMPDIR: temporary,
    },
  });
  let late = false;
  const end = (): void => {
    // Nobody is left in the group when it has just ended by itself.
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const timer = setTimeout(() => {
    late = true;
    end();
  }, mostMs);
  signal.addEventListener('abort', end);
  const written = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.err += text));
  try {
    const ended = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (_code, by) => resolve(by));
    });
    if (ended !== null) return { kind: 'broken', why: late ? `still running after ${mostMs / 1000} s` : ended };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
  return read(written.out) ?? { kind: 'broken', why: `vitest did not run:\n${written.err || written.out}` };
}

function read(out: string): Outcome | undefined {
  const line = out.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) return undefined;
  const { success, numPassedTests: passed, testResults } = JSON.parse(line) as Report;
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return { kind: 'failed', by: `${relative(repository, name)}: ${failed.fullName}` };
  }
  if (success && passed > 0) return { kind: 'passed', tests: passed };
  const why = testResults.map(({ message }) => message).find((message) => message !== '');
  return { kind: 'broken', why: why ?? (passed > 0 ? 'errors outside of tests' : 'no test ran') };
}
