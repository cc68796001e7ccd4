// Exclusive use of a run folder by one process: the file `.lock` says which. A process that was killed leaves its lock behind, so a lock
// counts only while its process lives; a process id that the system has given to another program since is told by its start time.
// It keeps apart processes of one machine; a lock from another machine is believed.

import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, FileError } from '@tessera/core';
import { listDirectory, pathInfo, readTextBounded, removePath } from '@tessera/core/node';
import { z } from 'zod';
import { isRunning, processStart } from './processes.ts';
import { checkValue } from './parse-config.ts';

const LOCK = '.lock';
/** A lock that cannot be read may be in the middle of being written; after so many looks, its writer died there. */
const LOOKS = 20;
const LOOK_MS = 50;

/** Who holds a run folder. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's own terms; null where the system does not say. */
  readonly processStart: string | null;
  /** When the lock was taken: UTC, ISO 8601. */
  readonly since: string;
  /** Tells two locks of one process apart. */
  readonly id: string;
}

const holderSchema: z.ZodType<LockHolder> = z.strictObject({
  pid: z.int().min(1),
  host: z.string(),
  processStart: z.string().nullable(),
  since: z.string(),
  // It becomes part of a file's name.
  id: z.uuid(),
});

/**
 * Takes the lock of a folder for this process and returns the lock's text, which `releaseLock` wants. A lock whose process has ended is taken over.
 * Throws ConfigError while another one lives, FileError.
 */
export async function takeLock(directory: string, options: { readonly now: Date }): Promise<string> {
  const mine: LockHolder = {
    pid: process.pid,
    host: hostname(),
    processStart: processStart(process.pid) ?? null,
    since: options.now.toISOString(),
    id: randomUUID(),
  };
  const text = `${JSON.stringify(mine)}\n`;
  const other = await take(join(directory, LOCK), text);
  if (other) throw inUse(directory, other);
  return text;
}

/** Makes the file, in place of one whose process has ended. Returns the holder when it lives. */
async function take(path: string, text: string): Promise<LockHolder | undefined> {
  for (let looks = 1; !(await writeNew(path, text));) {
    const found = await readLock(path);
    if (found === undefined) continue;
    if (found.holder && isHeld(found.holder)) return found.holder;
    if (!found.holder && looks++ < LOOKS) await sleep(LOOK_MS);
    else await removeAbandoned(path, found, text);
  }
  return undefined;
}

/**
 * Removes the lock of a process that has ended, and no other. Two that find it at once must not both remove it, or the second would remove what the
 * first has put there since; so who removes it holds a lock for that, named after the one to remove, which is taken over like any other.
 */
async function removeAbandoned(path: string, found: FoundLock, text: string): Promise<void> {
  const right = `${path}-${found.holder?.id ?? 'unreadable'}`;
  if (await take(right, text)) return sleep(LOOK_MS);
  if ((await readLock(path))?.text === found.text) await removePath(path);
  await removePath(right);
}

/** Removes the lock whose text is `text`; one that is not there any more, or is another's, is left alone. Throws FileError. */
export async function releaseLock(directory: string, text: string): Promise<void> {
  const path = join(directory, LOCK);
  if ((await readLock(path))?.text === text) await removePath(path);
}

/** Clears away what processes left that ended while they took over a lock. Only the holder of the lock may call it. Throws FileError. */
export async function tidyLocks(directory: string): Promise<void> {
  for (const name of await listDirectory(directory)) {
    if (name.startsWith(`${LOCK}-`)) await removePath(join(directory, name));
  }
}

/** The process that holds a folder; undefined where none does. Throws FileError. */
export async function lockHolder(directory: string): Promise<LockHolder | undefined> {
  const holder = (await readLock(join(directory, LOCK)))?.holder;
  return holder && isHeld(holder) ? holder : undefined;
}

/** False where the file exists already. */
async function writeNew(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') return false;
    // Whatever was made of it is no lock that anyone should wait for.
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') await removePath(path).catch(() => undefined);
    const advice = 'To train in a run folder, it must be writable and the disk must have room.';
    throw new FileError(`lock run: cannot write '${path}' (${code}). ${advice}`, { cause, code });
  }
}

interface FoundLock {
  readonly text: string;
  /** Absent where the text is no lock. */
  readonly holder?: LockHolder;
}

async function readLock(path: string): Promise<FoundLock | undefined> {
  try {
    if (!(await pathInfo(path))) return undefined;
    const text = await readTextBounded(path, { maxBytes: 2 ** 16 });
    const holder = parseHolder(text);
    return { text, ...(holder && { holder }) };
  } catch (error) {
    // It was released between the look and the reading.
    if (error instanceof FileError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const checked = checkValue(holderSchema, JSON.parse(text), LOCK);
    return 'value' in checked ? checked.value : undefined;
  } catch {
    return undefined;
  }
}

function isHeld(holder: LockHolder): boolean {
  return holder.host !== hostname() || isRunning(holder);
}

function inUse(directory: string, { pid, host, since, processStart: start }: LockHolder): ConfigError {
  const wait = 'Wait until it has ended, or stop it (one Ctrl-C saves its work), and try again.';
  const lock = join(directory, LOCK);
  if (host !== hostname()) {
    return new ConfigError(
      `lock run: '${directory}' is in use by process ${pid} of the machine '${host}', since ${since}. ${wait} If it is gone, remove '${lock}'.`,
    );
  }
  const itself = pid === process.pid ? ', which is this one' : '';
  const doubt = start === null ? ` If process ${pid} is another program by now, remove '${lock}'.` : '';
  return new ConfigError(
    `lock run: '${directory}' is in use by process ${pid}${itself}, since ${since}. ${wait}${doubt}`,
  );
}
