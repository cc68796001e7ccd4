// All runs of a folder, for `tessera list`. A broken run is listed with what is wrong with it and hides no other.

import { join } from 'node:path';
import { TesseraError } from '@tessera/core';
import { listDirectory, pathInfo } from '@tessera/core/node';
import { RunFolder } from './run-folder.ts';
import { lockHolder } from './run-lock.ts';
import type { RunConfig, RunResult } from './schemas.ts';

/** A run as a list shows it. */
export interface RunSummary {
  readonly name: string;
  readonly directory: string;
  /** Absent where `config.json` cannot be read. */
  readonly config?: RunConfig;
  /** Absent in a run that has not ended or whose result cannot be read. */
  readonly result?: RunResult;
  /** A process is working in the folder. */
  readonly running?: true;
  /** What is wrong with the folder; absent when nothing is. */
  readonly problem?: string;
}

/** The runs under `root`, oldest first; none where there is no such folder. Hidden folders and files are passed over. Throws FileError. */
export async function listRuns(root: string): Promise<RunSummary[]> {
  if (!(await pathInfo(root))) return [];
  const runs: RunSummary[] = [];
  for (const name of await listDirectory(root)) {
    const directory = join(root, name);
    if (name.startsWith('.') || (await pathInfo(directory))?.kind !== 'directory') continue;
    runs.push(await summarise(name, directory));
  }
  return runs.toSorted((a, b) => compare(timeOf(a), timeOf(b)) || compare(a.name, b.name));
}

async function summarise(name: string, directory: string): Promise<RunSummary> {
  let summary: RunSummary = { name, directory };
  try {
    const run = await RunFolder.open(directory);
    summary = { ...summary, config: run.config, ...((await lockHolder(directory)) && { running: true }) };
    const result = await run.readResult();
    return result ? { ...summary, result } : summary;
  } catch (error) {
    if (!(error instanceof TesseraError)) throw error;
    return { ...summary, problem: error.message };
  }
}

function timeOf(run: RunSummary): string {
  return run.config?.createdAt ?? '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
