// Where things are in the repository, and its build, made once however many test files ask for it at the same time.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The folder that holds all packages. */
export const repository: string = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** The `tessera` command as it is installed: it runs what `buildAll` has built. */
export const command: string = join(repository, 'experiments', 'bin', 'tessera.js');

/** The TypeScript compiler of the repository. */
export const compiler: string = join(repository, 'node_modules', 'typescript', 'bin', 'tsc');

/** Longer than any build takes; a lock that is older was left by a process that died. */
const STALE_MS = 180_000;

/** Compiles every package into its `dist`. Test files run side by side, and one must not run what another is just writing. */
export async function buildAll(): Promise<void> {
  const key = createHash('sha256').update(repository).digest('hex').slice(0, 16);
  const lock = join(tmpdir(), `tessera-build-${key}.lock`);
  while (!take(lock)) await sleep(100);
  try {
    await promisify(execFile)(process.execPath, [compiler, '-b'], { cwd: repository });
  } catch (cause) {
    // The compiler writes what is wrong to stdout.
    throw new Error(`tsc -b failed:\n${(cause as { stdout?: string }).stdout ?? ''}`, { cause });
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx'));
    return true;
  } catch {
    if (existsSync(lock) && Date.now() - statSync(lock).mtimeMs > STALE_MS) rmSync(lock, { force: true });
    return false;
  }
}
