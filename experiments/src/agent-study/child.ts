// A `tessera` command as a child process, so that the crash of one costs one run.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WorkerError } from '@tessera/core';

/** What a child is started with. */
export interface ChildRequest {
  /** After `tessera`. */
  readonly words: readonly string[];
  /** Environment variables beside those of this process. */
  readonly variables: Readonly<Record<string, string>>;
  /** Aborted: the child is asked to stop and to save. */
  readonly signal: AbortSignal;
}

/** How a child ended. */
export interface ChildEnd {
  /** Its exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  /** The end of what it wrote to stderr. */
  readonly said: string;
}

/** Runs a child to its end. Rejects with WorkerError where it cannot be started. */
export type RunChild = (request: ChildRequest) => Promise<ChildEnd>;

/** The program of this package. */
const program = fileURLToPath(new URL('../../bin/tessera.js', import.meta.url));

const kept = 2000;

/** Runs children of Node with `flags`, by default those of the `tessera` program. */
export function nodeChildren(flags: readonly string[] = [program]): RunChild {
  return ({ words, variables, signal }) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...flags, ...words], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...variables },
        // Ctrl-C reaches the whole group of a terminal, and a second interrupt would end a child before it has saved: it gets one from here alone.
        detached: true,
        windowsHide: true,
      });
      const interrupt = (): void => void child.kill('SIGINT');
      signal.addEventListener('abort', interrupt);
      // The second Ctrl-C ends this process at once; it is the second of the children too.
      process.on('exit', interrupt);
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-kept);
      });
      const tidy = (): void => {
        signal.removeEventListener('abort', interrupt);
        process.off('exit', interrupt);
      };
      child.once('error', (cause) => {
        tidy();
        reject(new WorkerError(`tessera ${words.join(' ')}: the process did not start: ${cause.message}`, { cause }));
      });
      child.once('close', (code, killedBy) => {
        tidy();
        resolve({ code: code ?? killedBy!, said: said.trim() });
      });
      if (signal.aborted) interrupt();
    });
}
