// Says why a worker is gone, in the worker's own words.
import { WorkerError } from '../errors.ts';

/** How a worker ended: what its `error` event brought, or the code of its `exit` event. */
export type WorkerEnd = { readonly error: unknown } | { readonly exitCode: number };

/** The WorkerError of a worker's `error` or `exit` event; it repeats the worker's message, its `cause` is the worker's error and its stack goes on with the worker's. */
export function workerError(name: string, end: WorkerEnd): WorkerError {
  if (!('error' in end)) {
    return new WorkerError(
      `worker '${name}': ended with exit code ${end.exitCode} before its work was done, without an error of its own.`,
    );
  }
  const { error: cause } = end;
  const told = cause instanceof Error ? `${cause.name}: ${cause.message}` : `it threw ${String(cause)}`;
  const wayOut = isOutOfMemory(cause) ? ' Use fewer or smaller workers, or raise resourceLimits.' : '';
  const error = new WorkerError(`worker '${name}': ${told}${wayOut}`, { cause });
  if (cause instanceof Error && cause.stack !== undefined)
    error.stack = `${error.stack}\n  in the worker: ${cause.stack}`;
  return error;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
