// The errors of every Tessera package: a small tree, so that a caller can tell what went wrong by class and read what to do in the message.
// A message says where, what was expected, what came, and the way out.

/** Root of the tree; catch it to catch everything that Tessera throws on purpose. */
export class TesseraError extends Error {
  override readonly name: string = 'TesseraError';

  // Error's own constructor would show an explicit `cause: undefined` in every printed error.
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
  }
}

/** A setting or an argument is wrong. */
export class ConfigError extends TesseraError {
  override readonly name: string = 'ConfigError';
}

/** An array has the wrong shape. */
export class ShapeError extends TesseraError {
  override readonly name: string = 'ShapeError';
}

/** An array has the wrong element type. */
export class DTypeError extends TesseraError {
  override readonly name: string = 'DTypeError';
}

/** A number is NaN or infinite where it must be finite. */
export class NonFiniteError extends TesseraError {
  override readonly name: string = 'NonFiniteError';
}

/** The content of a file is wrong. */
export class FormatError extends TesseraError {
  override readonly name: string = 'FormatError';
}

/** The file system said no; `code` is its own word for it (`ENOSPC`, `EACCES`, ...). */
export class FileError extends TesseraError {
  override readonly name: string = 'FileError';
  readonly code: string | undefined;

  constructor(message: string, options: { cause?: unknown; code?: string | undefined } = {}) {
    super(message, options);
    this.code = options.code;
  }
}

/** An environment broke its contract or threw; `cause` is what it threw. */
export class EnvironmentError extends TesseraError {
  override readonly name: string = 'EnvironmentError';
}

/** A worker died, hung or threw. */
export class WorkerError extends TesseraError {
  override readonly name: string = 'WorkerError';
}

/** An engine or a back end is not available. */
export class BackendError extends TesseraError {
  override readonly name: string = 'BackendError';
}

/** The caller asked to stop, by an AbortSignal or Ctrl-C. */
export class CancelledError extends TesseraError {
  override readonly name: string = 'CancelledError';
}

/** What cannot happen did: a defect of Tessera, never of its input. The message is opened by `internal: `. */
export class InternalError extends TesseraError {
  override readonly name: string = 'InternalError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message.startsWith('internal: ') ? message : `internal: ${message}`, options);
  }
}
