// Finds the benchmarks of all packages: `<package>/dist/bench/NAME.bench.js`, each loaded only when it is run.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FormatError } from '@tessera/core';
import { listDirectory, pathInfo } from '@tessera/core/node';
import { z } from 'zod';
import type { Benchmark } from './benchmark.ts';

/** Where a benchmark is. */
export interface BenchmarkFile {
  readonly name: string;
  readonly path: string;
  /** The folder of its package. */
  readonly directory: string;
}

const ENDING = '.bench.js';

/** The benchmarks under the repository's root, sorted by name. Throws FileError. */
export async function findBenchmarks(root: string): Promise<BenchmarkFile[]> {
  const packages = [join(root, 'experiments')];
  for (const group of ['packages', 'envs']) {
    if (!(await pathInfo(join(root, group)))) continue;
    for (const name of await listDirectory(join(root, group))) packages.push(join(root, group, name));
  }
  const found: BenchmarkFile[] = [];
  for (const directory of packages) {
    const folder = join(directory, 'dist', 'bench');
    if ((await pathInfo(folder))?.kind !== 'directory') continue;
    const files = (await listDirectory(folder)).filter((file) => file.endsWith(ENDING));
    for (const file of files) found.push({ name: file.slice(0, -ENDING.length), path: join(folder, file), directory });
  }
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const shape = z.object({ name: z.string(), describe: z.string(), prepare: z.function() });

/** Loads a benchmark. Throws FormatError when the file exports none. */
export async function loadBenchmark(file: BenchmarkFile): Promise<Benchmark> {
  const module = (await import(pathToFileURL(file.path).href)) as { readonly benchmark?: Benchmark };
  const { benchmark } = module;
  if (!benchmark || !shape.safeParse(benchmark).success) {
    throw new FormatError(`${file.path}: expected an export \`benchmark\` with name, describe and prepare(options).`);
  }
  return benchmark;
}
