// Where in a model an op was called, for errors that come when the program runs, long after the line that was wrong. A stack is kept for each op and read only then.

/** The place as `file:line:column`, or undefined where the stack does not tell (other engines than V8, code in one bundle). */
export type CallSite = () => string | undefined;

// Frames of this package and of the layers on top of it are not the model's.
const here = import.meta.url.replace(/record\/call-site\.[jt]s.*$/, '');
const own = [here, new URL('../../nn/', here).href];

/** Remembers the present line. */
export function callSite(): CallSite {
  if (typeof Error.captureStackTrace !== 'function') return () => undefined;
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  // V8 makes the text when `stack` is read.
  Error.captureStackTrace(holder, callSite);
  Error.stackTraceLimit = limit;
  return () => modelFrame(holder.stack);
}

/** Adds the place to the message of an error that a run of a recorded op gave. */
export function located<E>(error: E, op: string, site: CallSite | undefined): E {
  const place = site?.();
  if (place !== undefined && error instanceof Error) error.message += ` (${op} at ${place})`;
  return error;
}

function modelFrame(stack: string | undefined): string | undefined {
  for (const line of (stack ?? '').split('\n')) {
    const place = /(?:\(|at )((?:file:|\/|[A-Za-z]:\\|https?:).*:\d+:\d+)\)?$/.exec(line)?.[1];
    if (place === undefined) continue;
    const url = place.startsWith('/') ? `file://${place}` : place;
    if (!own.some((folder) => url.startsWith(folder))) return place.replace(/^file:\/\//, '');
  }
  return undefined;
}
