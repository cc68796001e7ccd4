// The `tessera` command as a process that is stopped from outside at a moment of one's choice.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { command } from './repository.ts';

/** When and how a process is stopped. */
export interface Stop {
  readonly signal: 'SIGINT' | 'SIGKILL';
  /** The clock begins when this is true; default at once. Asked every few milliseconds. */
  readonly after?: (stderr: string) => boolean;
  readonly delayMs: number;
}

/** How a session ended. */
export interface Session {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** Whether the stop came before the end. */
  readonly stopped: boolean;
}

/** Runs sessions and ends those that are left after the last test; to be called outside of tests. Sessions may overlap. */
export function sessionRunner(): (words: readonly string[], stop?: Stop) => Promise<Session> {
  const children = new Set<ChildProcess>();
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  return async (words, stop) => {
    const child = spawn(process.execPath, [command, ...words], {
      // The conditions of the tests would lead to TypeScript sources.
      env: { ...process.env, NODE_OPTIONS: '', TESSERA_BACKEND: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    const written = { out: '', err: '' };
    child.stdout.on('data', (bytes: Buffer) => (written.out += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (written.err += bytes.toString()));
    let ended = false;
    const closed = new Promise<Pick<Session, 'code' | 'signal'>>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        ended = true;
        resolve({ code, signal });
      });
    });
    const stopping = async (): Promise<void> => {
      if (stop === undefined) return;
      const { after = () => true, delayMs, signal } = stop;
      while (!ended && !after(written.err)) await sleep(5);
      await Promise.race([sleep(delayMs), closed]);
      child.kill(signal);
    };
    const [end] = await Promise.all([closed, stopping()]);
    children.delete(child);
    return { ...end, ...written, stopped: end.code === 130 || end.signal !== null };
  };
}
