// Where tests make the file system fail: every operation of `files.ts` passes here first. Without injected faults it costs one comparison.
// A full disk, a missing permission or a torn write is rare on a developer's machine, and root never sees EACCES at all.

/** The operations in which a fault can be injected. */
export type FileOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'close'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'stat'
  | 'mkdir'
  | 'readdir'
  | 'remove';

/**
 * What happens to a call of an operation: a code such as `'ENOSPC'` makes it fail with that code; a number makes a `write` or `read` move at most that many
 * bytes; nothing lets it pass. `bytes` is what a `write` or `read` was asked to move, 0 elsewhere.
 */
export type Fault = (call: { path: string; bytes: number }) => string | number | undefined;

/** Faults by operation. */
export type Faults = { readonly [O in FileOperation]?: Fault };

let active: Faults | undefined;

/** Lets file operations of this thread fail as told until the returned function is called (or disposed of); for tests. Faults injected before come back then. */
export function injectFaults(faults: Faults): (() => void) & Disposable {
  const previous = active;
  active = faults;
  const restore = (): void => {
    active = previous;
  };
  return Object.assign(restore, { [Symbol.dispose]: restore });
}

/** Throws the injected failure of this call, or gives the number of bytes that it may move. */
export function passFaults(operation: FileOperation, path: string, bytes = 0): number {
  if (active === undefined) return bytes;
  const outcome = active[operation]?.({ path, bytes });
  if (typeof outcome === 'string') {
    throw Object.assign(new Error(`${outcome}: injected, ${operation} '${path}'`), {
      code: outcome,
      syscall: operation,
    });
  }
  return Math.min(bytes, outcome ?? bytes);
}
