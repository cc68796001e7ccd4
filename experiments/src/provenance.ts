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

/** The commit of the sources, with `-dirty` after it where tracked files differ from it, those of `experiments/results` aside; undefined outside of a clone. To be asked at the start of a run: later there may be others. */
export function sourceCommit(folder: string = dirname(dirname(fileURLToPath(import.meta.url)))): string | undefined {
  const git = (...words: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync('git', ['-C', folder, ...words], { encoding: 'utf8', timeout: 10_000 });
    return status === 0 ? stdout.trim() : undefined;
  };
  // An installed package may lie inside of a repository that is not Tessera's.
  if (git('ls-files', '--error-unmatch', 'package.json') === undefined) return undefined;
  const commit = git('rev-parse', 'HEAD');
  if (commit === undefined) return undefined;
  // Results of one task are written before the runs of the next one begin, and none is a source.
  const clean = git('diff', '--quiet', 'HEAD', '--', ':(top)', ':(top,exclude)experiments/results') !== undefined;
  return clean ? commit : `${commit}-dirty`;
}
