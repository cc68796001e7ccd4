// Tries an addon in a process of its own, which it may crash: it loads, multiplies, and its gradients are those of the `cpu` backend.
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BackendError } from '@tessera/core';
import { explainLoadFailure, problems } from './messages.ts';
import type { System } from './system.ts';

/** What a test of an addon found. */
export interface Verification {
  /** What the library says of itself. */
  readonly version: string;
  readonly gpu: boolean;
  /** Whether programs run as functions that share their state with eager code, or as graphs of sessions of their own. */
  readonly route: 'function' | 'session';
  /** Whether TensorFlow took our kernels. */
  readonly ownKernels: boolean;
  /** How many gradients were compared. */
  readonly gradients: number;
  /** The largest difference to the `cpu` backend, as a part of the gradient's largest element. */
  readonly worst: number;
}

/** Differences are roundings of float32 in sums of up to a few hundred products. */
export const tolerance = 1e-4;

/** Tests the addon. Throws BackendError, which says what is wrong with it. */
export async function verifyAddon(addon: string, system: System, signal?: AbortSignal): Promise<Verification> {
  const env = { TF_CPP_MIN_LOG_LEVEL: system.env['TF_CPP_MIN_LOG_LEVEL'] ?? '3', TESSERA_BACKEND: '' };
  const result = await system.run(system.execPath, [...childProgram(), addon], { env, signal });
  if (!result || result.code === null)
    throw new BackendError(problems.notVerified('the process that tried it crashed'));
  const answer = lastJson(result.stdout);
  if (answer === undefined) {
    const line =
      result.stderr.split('\n').find((text) => /^\s*\w*Error( \[\w+\])?: /.test(text)) ??
      `it ended with exit code ${result.code}`;
    throw new BackendError(problems.notVerified(line.trim().replace(/\.$/, '')));
  }
  if ('failure' in answer) throw new BackendError(problems.notVerified(explainLoadFailure(answer.failure)));
  // JSON makes null of NaN, and null <= 1 is true.
  if (typeof answer.worst !== 'number' || !(answer.worst <= tolerance)) {
    const difference = `${answer.gradients} gradients differ from those of the cpu backend by up to ${answer.worst}`;
    throw new BackendError(problems.notVerified(difference));
  }
  return answer;
}

/** The answer of the process that tries: its last line. */
export type VerifyAnswer = Verification | { readonly failure: string };

function lastJson(text: string): VerifyAnswer | undefined {
  try {
    return JSON.parse(text.trim().split('\n').at(-1)!) as VerifyAnswer;
  } catch {
    return undefined;
  }
}

/** Arguments for Node that run `verify-worker`, in the compiled package and straight from source. */
function childProgram(): string[] {
  if (!import.meta.url.endsWith('.ts')) return [fileURLToPath(new URL('./verify-worker.js', import.meta.url))];
  const require = createRequire(import.meta.url);
  const { exports } = require('tsx/package.json') as { exports: Record<'.', string> };
  const tsx = new URL(exports['.'], pathToFileURL(require.resolve('tsx/package.json'))).href;
  const entry = fileURLToPath(new URL('./verify-worker.ts', import.meta.url));
  return ['--conditions', '@tessera/source', '--import', tsx, entry];
}
