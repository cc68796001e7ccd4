// What made a result: versions, the commit of the sources, and the machine.

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolVersion } from './version.ts';

/** Versions of what ran. */
export function toolVersions(): Record<string, string> {
  return { node: process.versions.node, tessera: toolVersion() };
}

/** Processor and cores, such as `2 cores of AMD EPYC 7B13, linux x64`. */
export function machineText(): string {
  const model = cpus()[0]?.model.trim() || 'an unknown processor';
  return `${availableParallelism()} cores of ${model}, ${process.platform} ${process.arch}`;
}

/** The commit of the sources, with `-dirty` after it where they differ from it; undefined outside of a clone. To be asked at the start of a run: later there may be others. */
export function sourceCommit(): string | undefined {
  const folder = dirname(dirname(fileURLToPath(import.meta.url)));
  const git = (...words: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', ['-C', folder, ...words], { encoding: 'utf8', timeout: 10_000 });
    return status === 0 ? stdout.trim() : undefined;
  };
  // An installed package may lie inside of a repository that is not Tessera's.
  if (git('ls-files', '--error-unmatch', 'package.json') === undefined) return undefined;
  return git('describe', '--always', '--abbrev=40', '--dirty', '--exclude=*') || undefined;
}
