// Errors that cross a thread. A structured clone of an error loses its class and its own fields; this keeps class, message, stack and causes.

import {
  BackendError,
  CancelledError,
  ConfigError,
  DTypeError,
  EnvironmentError,
  FileError,
  FormatError,
  InternalError,
  NonFiniteError,
  ShapeError,
  TesseraError,
  WorkerError,
} from '@tessera/core';

/** An error as plain data. */
export interface CarriedError {
  /** Class names, from the error's own up to `Error`; empty for a thrown value that is no error. */
  readonly kinds: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: CarriedError | undefined;
}

// A chain of causes may be circular.
const deepestCause = 8;

/** The error as data that can be posted. */
export function carryError(error: unknown, depth = 0): CarriedError {
  if (!(error instanceof Error)) return { kinds: [], name: typeof error, message: String(error) };
  const kinds: string[] = [];
  for (let type: unknown = error.constructor; typeof type === 'function' && type.name !== '';) {
    kinds.push(type.name);
    type = Object.getPrototypeOf(type);
  }
  const code = 'code' in error ? String(error.code) : undefined;
  const cause = error.cause === undefined || depth === deepestCause ? undefined : carryError(error.cause, depth + 1);
  return { kinds, name: error.name, message: error.message, stack: error.stack, code, cause };
}

/** The error again: of the nearest class of ours, else a plain Error; name, stack (the one of the other thread) and causes are kept. */
export function uncarryError(carried: CarriedError): unknown {
  if (carried.kinds.length === 0) return carried.message;
  const cause = carried.cause === undefined ? undefined : uncarryError(carried.cause);
  const kind = carried.kinds.find((name) => name in ours) as keyof typeof ours | undefined;
  const error =
    kind === undefined
      ? new Error(carried.message, cause === undefined ? undefined : { cause })
      : new ours[kind](carried.message, { cause });
  if (error.name !== carried.name) Object.defineProperty(error, 'name', { value: carried.name });
  if (carried.code !== undefined) Object.defineProperty(error, 'code', { value: carried.code, enumerable: true });
  if (carried.stack !== undefined) error.stack = carried.stack;
  return error;
}

const ours = {
  BackendError,
  CancelledError,
  ConfigError,
  DTypeError,
  EnvironmentError,
  FileError,
  FormatError,
  InternalError,
  NonFiniteError,
  ShapeError,
  TesseraError,
  WorkerError,
} satisfies Record<string, new (message: string, options: { cause?: unknown }) => Error>;
