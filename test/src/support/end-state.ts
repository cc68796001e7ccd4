// Everything that a finished agent run leaves behind and that must not depend on how often it was stopped: all but times.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolder } from '@tessera/runs';
import type { RunResult } from '@tessera/runs';

/** What is compared; long arrays and files as digests, so that a difference says where and not what. */
export interface EndState {
  readonly tensors: Readonly<Record<string, string>>;
  /** Counters, generators, environments, replay mark. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Digests of files by path. */
  readonly files: Readonly<Record<string, string>>;
  readonly metrics: readonly { readonly step: number; readonly values: Readonly<Record<string, number>> }[];
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

/** Reads the end of a run. */
export async function endState(directory: string): Promise<EndState> {
  const run = await RunFolder.open(directory);
  const { tensors, meta } = await run.readCheckpoint();
  const { wallSeconds: _, trainer, ...rest } = meta;
  const { phases: __, ...training } = trainer as Record<string, unknown>;
  const digests = Object.entries(tensors).map(([name, { dtype, shape, data }]) => [
    name,
    `${dtype} [${shape.join(', ')}] ${digest(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))}`,
  ]);
  const result = await run.readResult();
  return {
    tensors: Object.fromEntries(digests) as Record<string, string>,
    meta: { ...rest, ...training },
    files: Object.fromEntries(
      ['replay', 'agent', 'media'].flatMap((folder) =>
        filesIn(join(directory, folder)).map((path) => [path.slice(directory.length + 1), digest(readFileSync(path))]),
      ),
    ),
    metrics: (await run.readMetrics()).map(({ step, values }) => ({ step, values: withoutSpeed(values) })),
    result: result && withoutTimes(result),
  };
}

function withoutSpeed(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !name.startsWith('speed/')));
}

/** Everything but how long it took, and what was typed. */
function withoutTimes(result: RunResult): Record<string, unknown> {
  const rest = Object.entries(result).filter(([name]) => !/^(wallSeconds|phases|command)$/.test(name));
  const { imaginedStepsPerSecond: _, ...worldModel } = result.worldModel ?? {};
  return { ...Object.fromEntries(rest), worldModel };
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]));
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
