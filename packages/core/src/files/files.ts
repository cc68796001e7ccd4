// All file access of Tessera. A file that is written is there complete or not at all: bytes go to a temporary name in the same folder, are flushed, and the name is
// changed; what cannot be written is cleared away. Every failure is a FileError with the file system's code and a way out.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigError, FileError, FormatError } from '../errors.ts';
import { passFaults } from './faults.ts';
import { codeOf, fileError } from './file-error.ts';

const defaultMaxBytes = 2 ** 30;
/** Bytes of one system call at most; Node refuses 2 GiB and more. */
const maxPiece = 2 ** 30;
const temporaryName = /^\.[0-9a-f]{16}\.tessera-tmp$/;

/** What is at a path. */
export interface PathInfo {
  readonly kind: 'file' | 'directory' | 'other';
  /** Size of a file in bytes. */
  readonly bytes: number;
  /** When it was last changed, milliseconds since 1970. */
  readonly modifiedMs: number;
}

/**
 * Writes a file so that, whatever fails and whenever, the old file is intact or the new one is complete, and no other file stays behind.
 *
 * The content is on the disk, not only on its way, when the promise resolves. The folder must exist. Throws FileError.
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await explained('write', path, async () => {
    const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tessera-tmp`);
    try {
      await withHandle(temporary, 'wx', async (handle) => {
        await writeAll(handle, temporary, bytes);
        await sync(handle, temporary);
      });
      passFaults('rename', path);
      await rename(temporary, path);
    } catch (error) {
      await removeIfThere(temporary);
      throw error;
    }
    await syncDirectory(dirname(path));
  });
}

/** Reads a file of at most `maxBytes` (default 1 GiB), whose size is checked before memory is taken. Throws FileError; one that is too large has code `EFBIG`. */
export async function readFileBounded(path: string, options: { maxBytes?: number } = {}): Promise<Uint8Array> {
  const { maxBytes = defaultMaxBytes } = options;
  return explained('read', path, async () => {
    const size = await sizeOfFile(path);
    if (size > maxBytes) {
      const message = `files: cannot read '${path}': it has ${size} bytes, more than the ${maxBytes} allowed here. Is it the right file?`;
      throw new FileError(message, { code: 'EFBIG' });
    }
    return withHandle(path, 'r', (handle) => readExactly(handle, path, { offset: 0, length: size }));
  });
}

/** Reads a UTF-8 text of at most `maxBytes` (default 1 GiB). Throws FileError, and FormatError for bytes that are no UTF-8. */
export async function readTextBounded(path: string, options: { maxBytes?: number } = {}): Promise<string> {
  const bytes = await readFileBounded(path, options);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`files: expected '${path}' to be UTF-8 text, but its bytes are not. Is it the right file?`, {
      cause,
    });
  }
}

/** Reads `length` bytes of a file from `offset` on. Throws FileError when the file ends before. */
export async function readFileRange(path: string, range: { offset: number; length: number }): Promise<Uint8Array> {
  const { offset, length } = range;
  if (!(Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0)) {
    throw new ConfigError(`readFileRange: expected whole numbers >= 0, got offset ${offset} and length ${length}.`);
  }
  return explained('read', path, async () => {
    const size = await sizeOfFile(path);
    if (offset + length > size) throw endsEarly(path, offset + length, size);
    return withHandle(path, 'r', (handle) => readExactly(handle, path, range));
  });
}

/**
 * Appends to a file, made if it is not there. When that fails the file gets its old length back, so that nothing half-written stays. Throws FileError.
 * Appends to one file must not overlap in time. The bytes are not flushed: a power cut may lose the last of them.
 */
export async function appendToFile(path: string, content: Uint8Array | string): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  await explained('append to', path, () =>
    withHandle(path, 'a', async (handle) => {
      passFaults('stat', path);
      const { size } = await handle.stat();
      try {
        await writeAll(handle, path, bytes);
      } catch (error) {
        await truncateQuietly(handle, path, size);
        throw error;
      }
    }),
  );
}

/** `appendToFile` for lines of text; throws ConfigError when the last one is not ended by a line break. */
export async function appendLines(path: string, lines: string): Promise<void> {
  if (lines !== '' && !lines.endsWith('\n')) {
    throw new ConfigError(
      `appendLines: expected lines that end in a line break, got ${JSON.stringify(lines.slice(-40))}.`,
    );
  }
  await appendToFile(path, lines);
}

/** What is at a path, symbolic links followed; undefined when nothing is. Throws FileError. */
export async function pathInfo(path: string): Promise<PathInfo | undefined> {
  return explained('look at', path, async () => {
    try {
      passFaults('stat', path);
      const stats = await stat(path);
      const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
      return { kind, bytes: kind === 'file' ? stats.size : 0, modifiedMs: stats.mtimeMs };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  });
}

/** The names in a folder, sorted by code unit; files that are just being written are left out. Throws FileError. */
export async function listDirectory(path: string): Promise<string[]> {
  const names = await explained('list', path, async () => {
    passFaults('readdir', path);
    return readdir(path);
  });
  return names.filter((name) => !temporaryName.test(name)).toSorted();
}

/** Makes a folder and those above it; one that exists already is fine. Throws FileError. */
export async function makeDirectory(path: string): Promise<void> {
  await explained('make the folder', path, async () => {
    passFaults('mkdir', path);
    await mkdir(path, { recursive: true });
  });
}

/** Changes a name; the folder above it is flushed. A file there is replaced, a folder there must be empty. Throws FileError. */
export async function renamePath(from: string, to: string): Promise<void> {
  await explained('rename', from, async () => {
    passFaults('rename', to);
    await rename(from, to);
    await syncDirectory(dirname(to));
  });
}

/** Removes a file, or a folder with all it holds; nothing there is fine. Throws FileError. */
export async function removePath(path: string): Promise<void> {
  await explained('remove', path, async () => {
    passFaults('remove', path);
    await rm(path, { recursive: true, force: true });
  });
}

/** Removes what killed processes left half-written in a folder, which no process may be writing to, and gives the number of files. Throws FileError. */
export async function removeTemporaryFiles(path: string): Promise<number> {
  return explained('tidy', path, async () => {
    passFaults('readdir', path);
    const names = (await readdir(path)).filter((name) => temporaryName.test(name));
    for (const name of names) await removeIfThere(join(path, name));
    return names.length;
  });
}

async function explained<T>(action: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw fileError(action, path, error);
  }
}

/** Opens, works and closes; a failure to close counts, for it can be the last word on a write. */
async function withHandle<T>(path: string, flags: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  passFaults('open', path);
  const handle = await open(path, flags);
  let result: T;
  try {
    result = await work(handle);
  } catch (error) {
    await handle.close().catch(() => undefined);
    throw error;
  }
  await handle.close();
  passFaults('close', path);
  return result;
}

async function writeAll(handle: FileHandle, path: string, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    // The system may write less than it was asked to.
    const length = passFaults('write', path, Math.min(bytes.length - done, maxPiece));
    const { bytesWritten } = await handle.write(bytes, done, length);
    if (bytesWritten === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' });
    done += bytesWritten;
  }
}

async function readExactly(
  handle: FileHandle,
  path: string,
  { offset, length }: { offset: number; length: number },
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const wanted = passFaults('read', path, Math.min(length - done, maxPiece));
    const { bytesRead } = await handle.read(bytes, done, wanted, offset + done);
    if (bytesRead === 0) throw endsEarly(path, offset + length, offset + done);
    done += bytesRead;
  }
  return bytes;
}

async function sizeOfFile(path: string): Promise<number> {
  passFaults('stat', path);
  // Asked before opening: to open a pipe would wait for ever.
  const stats = await stat(path);
  if (stats.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
  if (!stats.isFile())
    throw new FileError(`files: cannot read '${path}': it is no regular file. Name a file.`, { code: 'EINVAL' });
  return stats.size;
}

async function sync(handle: FileHandle, path: string): Promise<void> {
  passFaults('sync', path);
  await handle.sync();
}

/** Makes a changed name last. Windows cannot open folders and needs no flush. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await withHandle(path, 'r', (handle) => sync(handle, path));
}

async function removeIfThere(path: string): Promise<void> {
  try {
    passFaults('unlink', path);
    await unlink(path);
  } catch {
    // The failure that led here is the one to tell; a file left over is found by removeTemporaryFiles.
  }
}

async function truncateQuietly(handle: FileHandle, path: string, size: number): Promise<void> {
  try {
    passFaults('truncate', path);
    await handle.truncate(size);
  } catch {
    // The failed write is the one to tell.
  }
}

function endsEarly(path: string, wanted: number, size: number): FileError {
  return new FileError(
    `files: cannot read '${path}' up to byte ${wanted}: it ends at byte ${size}. It was cut off or changed meanwhile.`,
    {
      code: 'EOF',
    },
  );
}
