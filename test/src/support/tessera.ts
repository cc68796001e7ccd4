// The `tessera` command for tests: within this process, or as a process of its own where exit codes and signals matter.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { main, experiments } from '@tessera/experiments';
import { onTestFinished } from 'vitest';
import { command } from './repository.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command in this process, from source. */
export async function tessera(
  words: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Ended> {
  const written = { out: '', err: '' };
  const code = await main(words, {
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text: string) => (written.err += text) },
    variables: {},
    signal,
    nowMs: () => performance.now(),
    experiments,
  });
  return { code, ...written };
}

/** What a process of the command may be told. */
export interface ProcessOptions {
  /** Called once it runs; what it returns is awaited beside the process, so that its errors fail the test. */
  readonly during?: (child: ChildProcess) => Promise<void>;
  /** Sees what has been written to stderr so far. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
  readonly cwd?: string;
  /** User to run as; needs root. */
  readonly uid?: number;
}

/** Runs the compiled command as a process of its own; `buildAll` first. */
export async function tesseraProcess(words: readonly string[], options: ProcessOptions = {}): Promise<Ended> {
  const { during, onStderr, cwd, uid } = options;
  const child = spawn(process.execPath, [command, ...words], {
    // The conditions of the tests would lead to TypeScript sources.
    env: { ...process.env, NODE_OPTIONS: '', TESSERA_BACKEND: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const written = { out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => (written.out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => {
    written.err += bytes.toString();
    onStderr?.(written.err, child);
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const [code] = await Promise.all([closed, during?.(child)]);
  return { code, ...written };
}
