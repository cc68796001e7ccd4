// A peer in Python as a child process, under the Python that TESSERA_PYTHON names.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { BackendError, decodeNpy, encodeNpy, TesseraError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Peer, Side } from './benchmark.ts';

/** There is no peer to compare with on this machine. */
export class NoPeerError extends TesseraError {
  override readonly name: string = 'NoPeerError';
}

/** How a peer is started. */
export interface PeerOptions {
  readonly python: string;
  /** Folder of the package whose benchmark it is. */
  readonly directory: string;
  readonly threads: number;
  /** Further arguments, as people gave them. */
  readonly extra: readonly string[];
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The Python that TESSERA_PYTHON names. Throws NoPeerError where it is unset, does not start, or has not all of `modules`. */
export async function findPython(
  variables: Readonly<Record<string, string | undefined>>,
  modules: readonly string[] = ['torch', 'numpy'],
): Promise<string> {
  const python = variables['TESSERA_PYTHON'];
  const list = `${modules.slice(0, -1).join(', ')} and ${modules.at(-1)}`;
  const wayOut = `Set TESSERA_PYTHON to a Python with ${list}, or measure our side alone with --alone.`;
  if (python === undefined || python === '') {
    const where = modules.includes('torch') ? 'PyTorch' : 'Python';
    throw new NoPeerError(`bench: the peer runs in ${where}, and TESSERA_PYTHON is not set. ${wayOut}`);
  }
  try {
    await promisify(execFile)(python, ['-c', `import ${modules.toReversed().join(', ')}`], { env: { ...variables } });
  } catch (cause) {
    const { stderr, message } = cause as { stderr?: string; message: string };
    const why = (stderr?.trim() || message).split('\n').at(-1)!;
    throw new NoPeerError(`bench: '${python}' (TESSERA_PYTHON) cannot import ${list}: ${why}. ${wayOut}`, {
      cause,
    });
  }
  return python;
}

/** Starts a peer with the arrays that it begins from. Throws BackendError when it ends before it is ready. */
export async function startPeer(peer: Peer, options: PeerOptions): Promise<Side> {
  const { python, directory, threads, extra, variables, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tessera-peer-'));
  for (const [name, array] of Object.entries(peer.arrays)) {
    await writeFile(join(folder, `${name}.npy`), encodeNpy(array));
  }
  const script = join(directory, peer.script);
  const child = spawn(python, [script, folder, '--threads', String(threads), ...peer.arguments, ...extra], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...variables },
    signal,
  });
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string): void => {
      reject(
        signal.aborted ? signal.reason : new BackendError(`${peer.script}: ${why} (TESSERA_PYTHON is ${python}).`),
      );
    };
    child.once('error', ({ message }) => fail(message));
    child.once('exit', (code) => fail(`the peer ended with code ${code}`));
    child.stdin.once('error', ({ message }) => fail(message));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    // The end of its output comes before the news of its exit, which says more.
    return done === true ? failed : value;
  };
  const ask = async (question: string): Promise<unknown> => {
    child.stdin.write(`${question}\n`);
    return JSON.parse(await line());
  };
  const dispose = async (): Promise<void> => {
    child.stdin.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [first, ...name] = (await line()).split(' ');
    if (first !== 'READY') throw new BackendError(`${peer.script}: expected READY, got '${first}'.`);
    return {
      name: name.join(' ') || 'peer',
      values: async () => {
        const names = (await ask('values')) as string[];
        const read = async (array: string): Promise<[string, NdArray]> => [
          array,
          decodeNpy(await readFile(join(folder, 'values', `${array}.npy`))),
        ];
        return Object.fromEntries(await Promise.all(names.map(read)));
      },
      times: async (count) => (await ask(String(count))) as number[],
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
