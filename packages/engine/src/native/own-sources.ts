// The C++ sources of this package that are compiled into the addon with those of tfjs-node (`native/` beside `src/`).
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the sources; the same from `src/native` and from `dist/native`. */
export const ownSourcesFolder: string = fileURLToPath(new URL('../../native/', import.meta.url));

/** What the compiler is told about our sources. */
export const ownSourceFlags: readonly string[] = ['-O3', '-fno-math-errno', '-fno-trapping-math', '-fopenmp-simd'];

let version: string | undefined;

/** A name for the content of the sources and their flags: an addon that was compiled from other ones has another. `none` where they did not come along, as in a bundle. */
export function ownSourcesVersion(): string {
  version ??= existsSync(ownSourcesFolder) ? hashOfSources() : 'none';
  return version;
}

function hashOfSources(): string {
  const hash = createHash('sha256').update(ownSourceFlags.join(' '));
  for (const name of readdirSync(ownSourcesFolder).toSorted()) {
    hash.update(`${name}\n`).update(readFileSync(join(ownSourcesFolder, name)));
  }
  return hash.digest('hex').slice(0, 12);
}

/** What has to be compiled: `binding.cc`, which takes in the sources of tfjs-node, and what it adds to them. */
export function ownSourceFiles(): string[] {
  return readdirSync(ownSourcesFolder)
    .filter((name) => name.endsWith('.cc'))
    .map((name) => join(ownSourcesFolder, name));
}
