// What building the native addon needs of the machine, as one interface, so that tests can put a machine without a compiler, a network or disk space in its place.
import { spawn } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { BackendError, CancelledError } from '@tessera/core';

/** How a command ended. */
export interface CommandResult {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how long a command runs. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The machine. */
export interface System {
  readonly platform: string;
  readonly arch: string;
  /** This Node. */
  readonly execPath: string;
  readonly versions: { readonly node: string; readonly napi: string; readonly modules: string };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Where the system keeps headers. */
  readonly includes: readonly string[];
  /** Where this Node says that its headers can be downloaded. */
  readonly headersUrl: string | undefined;
  /** Runs a command without a shell; undefined when there is no such command. Throws CancelledError. */
  readonly run: (
    command: string,
    args: readonly string[],
    options?: CommandOptions,
  ) => Promise<CommandResult | undefined>;
  /** Bytes free for this user on the disk of an existing folder. */
  readonly freeBytes: (path: string) => Promise<number>;
  /** Throws BackendError when the address cannot be read. */
  readonly download: (url: string, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** Characters of output that are kept: compilers can be talkative. */
const maxOutput = 200_000;

/** The machine that this process runs on. */
export function realSystem(): System {
  return {
    platform: process.platform,
    arch: process.arch,
    execPath: process.execPath,
    versions: process.versions as unknown as System['versions'],
    env: process.env,
    home: homedir(),
    includes: ['/usr/include', '/usr/local/include'],
    headersUrl: process.release.headersUrl,
    run: runCommand,
    async freeBytes(path) {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
    async download(url, signal) {
      try {
        const response = await fetch(url, signal ? { signal } : {});
        if (!response.ok) throw new Error(`status ${response.status}`);
        return new Uint8Array(await response.arrayBuffer());
      } catch (cause) {
        if (signal?.aborted === true) throw stopped(cause);
        throw new BackendError(`engine install: cannot download ${url}: ${reasonOf(cause)}.`, { cause });
      }
    },
  };
}

function runCommand(
  command: string,
  args: readonly string[],
  { cwd, env, signal }: CommandOptions = {},
): Promise<CommandResult | undefined> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(stopped(signal.reason));
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd !== undefined && { cwd }),
      ...(signal && { signal }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] = (output[name] + text).slice(-maxOutput);
      });
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted === true) reject(stopped(error));
      else if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    child.on('close', (code) => {
      if (signal?.aborted === true) reject(stopped(signal.reason));
      else resolve({ code, ...output });
    });
  });
}

function stopped(cause: unknown): CancelledError {
  return new CancelledError('engine install: stopped. What was complete is kept; the next run goes on from there.', {
    cause,
  });
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}
