// The surroundings of a command in a real process: signals, streams that close early, and errors that nobody caught.

import { reportError } from './program.ts';
import type { Io } from './io.ts';
import type { Experiment } from './experiment.ts';

const INTERRUPTED = 130;

/**
 * Connects a command to this process. The first SIGINT or SIGTERM aborts `signal`, so that the command can save its work; the
 * second ends the process at once. Errors that nobody caught are shown like others and end the process.
 */
export function processIo(experiments: readonly Experiment[]): Io {
  const controller = new AbortController();
  const io: Io = {
    // Looked at, it is opened.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    variables: process.env,
    signal: controller.signal,
    nowMs: () => performance.now(),
    experiments,
  };
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    process.stderr.write('\nStopping after this step; once more stops at once.\n');
    controller.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('unhandledRejection', (error) => process.exit(reportError(error, io)));
  process.on('uncaughtException', (error) => process.exit(reportError(error, io)));
  // `tessera list | head`: the reader has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return io;
}

/** Ends the process with `code` once what was written to a pipe has left. */
export function exitWhenWritten(code: number): void {
  process.stdout.write('', () => {
    process.stderr.write('', () => process.exit(code));
  });
}
