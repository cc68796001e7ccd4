// A PyTorch peer as a child process: peers/*.py under the Python that TESSERA_PYTHON names, fed with the model's arrays as .npy files.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BackendError, encodeNpy } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { flatten } from '@tessera/engine';
import type { StepModel } from './models/step-model.ts';
import type { Trainer } from './trainers.ts';

// This file runs as dist/bench/peer-trainer.js.
const peers = new URL('../../bench/peers/', import.meta.url);

/** The peer of a model, or undefined where TESSERA_PYTHON is not set. Throws BackendError when it does not start. */
export async function peerTrainer<P extends object>(
  model: StepModel<P>,
  { threads, signal }: { threads: number; signal: AbortSignal },
): Promise<Trainer | undefined> {
  const python = process.env['TESSERA_PYTHON'];
  if (python === undefined || python === '') return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'tessera-peer-'));
  const arrays = new Map([...flatten<NdArray>(model.parameters), ...Object.entries(model.batch)]);
  for (const [name, array] of arrays) await writeFile(join(folder, `${name}.npy`), encodeNpy(array));
  const script = fileURLToPath(new URL(model.peer, peers));
  const child = spawn(python, [script, folder, '--threads', String(threads)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal,
  });
  const failed = new Promise<never>((_, reject) => {
    const fail = (why: string) => reject(new BackendError(`${model.peer}: ${why} (TESSERA_PYTHON is ${python}).`));
    child.once('error', ({ message }) => fail(message));
    child.once('exit', (code) => fail(`the peer ended with code ${code}`));
    child.stdin.once('error', ({ message }) => fail(message));
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await Promise.race([lines.next(), failed])).value ?? '';
  const ask = async (question: string) => {
    child.stdin.write(`${question}\n`);
    return JSON.parse(await line()) as number[];
  };
  const dispose = async () => {
    child.stdin.end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const first = await line();
    if (first !== 'READY') throw new BackendError(`${model.peer}: expected READY, got '${first}'.`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { name: 'PyTorch', losses: (count) => ask(`losses ${count}`), times: (count) => ask(String(count)), dispose };
}
