// The folder that keeps what was downloaded and built: `TESSERA_CACHE/native`, by default in the user's cache directory. Each thing is made under a temporary name
// that holds the maker's process id, and gets its own name when it is complete; so what an interrupted run leaves is known as such, and removed by the next one.
import { createHash, randomBytes } from 'node:crypto';
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeDirectory, pathInfo, readTextBounded, removePath, renamePath, writeFileAtomic } from '@tessera/core/node';
import type { System } from './system.ts';
import type { Verification } from './verify.ts';

/** Ways to a TensorFlow. */
export type StrategyName = 'tensorflow' | 'python' | 'wheel' | 'prebuilt';

/** The TensorFlow that an addon was built against. */
export interface TensorFlowFolder {
  /** Holds the libraries. */
  readonly folder: string;
  readonly include: string;
  /** As its package says; the library's own word is known once it is loaded. */
  readonly version: string | undefined;
  /** Sizes in bytes of the libraries, by file name. */
  readonly libraries: Readonly<Record<string, number>>;
}

/** A build, as `build.json` in its folder tells it. */
export interface BuildRecord {
  readonly formatVersion: 1;
  readonly strategy: StrategyName;
  /** Why this strategy was taken. */
  readonly why: string;
  readonly gpu: boolean;
  readonly platform: string;
  readonly arch: string;
  readonly node: string;
  /** Version of Node's binary interface. */
  readonly modules: string;
  readonly napi: number;
  /** Version of the package. */
  readonly tfjs: string;
  readonly tensorflow: Omit<TensorFlowFolder, 'include'>;
  /** First line of what it says of itself; undefined for a binary that came compiled. */
  readonly compiler: string | undefined;
  /** Version of our sources that are compiled in (`own-sources.ts`); undefined for an addon without them. */
  readonly sources: string | undefined;
  /** The addon, from the build's folder on. */
  readonly addon: string;
  readonly sha256: string;
  readonly verified: Verification;
  /** ISO 8601. */
  readonly builtAt: string;
}

/** A build with its folder. */
export interface Build {
  readonly folder: string;
  readonly record: BuildRecord;
}

const recordName = 'build.json';
const partialName = /^\.partial-(\d+)-[0-9a-f]+$/;

/** The folder of native builds that the variables name. */
export function cacheFolder({ env, home, platform }: Pick<System, 'env' | 'home' | 'platform'>): string {
  const named = env['TESSERA_CACHE'];
  if (named !== undefined && named !== '') return resolve(named, 'native');
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg !== undefined && xdg !== '') return resolve(xdg, 'tessera', 'native');
  return join(home, ...(platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']), 'tessera', 'native');
}

/** Makes `make(temporary folder)` appear as `folder`, complete or not at all; what was there is replaced. */
export async function completeFolder(folder: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const above = dirname(folder);
  await makeDirectory(above);
  const temporary = join(above, `.partial-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    await makeDirectory(temporary);
    await make(temporary);
    await removePath(folder);
    await renamePath(temporary, folder);
  } finally {
    await removePath(temporary);
  }
}

/** Removes what runs that are over have left half-made, and gives the number of such folders. */
export async function removePartial(cache: string): Promise<number> {
  let removed = 0;
  for (const part of ['builds', 'tensorflow', 'headers']) {
    for (const name of await namesIn(join(cache, part))) {
      const maker = partialName.exec(name)?.[1];
      if (maker === undefined || isRunning(Number(maker))) continue;
      await removePath(join(cache, part, name));
      removed++;
    }
  }
  return removed;
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Every build of the cache that has a readable record, the newest first. */
export async function listBuilds(cache: string): Promise<Build[]> {
  const builds: Build[] = [];
  for (const name of await namesIn(join(cache, 'builds'))) {
    const build = partialName.test(name) ? undefined : await readBuild(join(cache, 'builds', name));
    if (build) builds.push(build);
  }
  return builds.toSorted((a, b) => b.record.builtAt.localeCompare(a.record.builtAt));
}

/** The build in a folder; undefined when there is none, or its record cannot be read. */
export async function readBuild(folder: string): Promise<Build | undefined> {
  try {
    const record = JSON.parse(await readTextBounded(join(folder, recordName), { maxBytes: 2 ** 20 })) as BuildRecord;
    const complete = record.formatVersion === 1 && [record.addon, record.sha256, record.builtAt].every(isText);
    return complete && isText(record.tensorflow?.folder) ? { folder, record } : undefined;
  } catch {
    return undefined;
  }
}

const isText = (value: unknown): boolean => typeof value === 'string';

export async function writeBuild(folder: string, record: BuildRecord): Promise<void> {
  await writeFileAtomic(join(folder, recordName), `${JSON.stringify(record, null, 2)}\n`);
}

/** What is wrong with the files of a build; undefined when they are as they were built. A library's size stands for its content, which takes a second to read. */
export async function damageOf({ folder, record }: Build): Promise<string | undefined> {
  const addon = join(folder, record.addon);
  if ((await hashOf(addon)) !== record.sha256) return `'${addon}' is not what was built`;
  return missingLibrary(record.tensorflow);
}

/** The first library that is not there with its size; undefined when all are. */
export async function missingLibrary({
  folder,
  libraries,
}: Pick<TensorFlowFolder, 'folder' | 'libraries'>): Promise<string | undefined> {
  for (const [name, bytes] of Object.entries(libraries)) {
    const found = await pathInfo(join(folder, name));
    if (found === undefined) return `TensorFlow's '${join(folder, name)}' is gone`;
    if (found.bytes !== bytes)
      return `TensorFlow's '${join(folder, name)}' has ${found.bytes} bytes instead of ${bytes}`;
  }
  return undefined;
}

/** SHA-256 of a file's content; undefined when it cannot be read. */
export async function hashOf(path: string): Promise<string | undefined> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch {
    return undefined;
  }
}

/** Whether a build runs in this Node under this version of the package. */
export function suits(
  { record }: Build,
  { versions, platform, arch }: Pick<System, 'versions' | 'platform' | 'arch'>,
  { version, napi }: { readonly version: string; readonly napi: number },
): boolean {
  const machine = record.platform === platform && record.arch === arch;
  return machine && record.modules === versions.modules && record.napi === napi && record.tfjs === version;
}

/** A name for what these facts lead to: the same facts, the same name. */
export async function buildKey(
  facts: Readonly<Record<string, unknown>>,
  tensorflow: TensorFlowFolder,
): Promise<string> {
  const { folder, version, libraries } = tensorflow;
  const changed = await Promise.all(
    Object.keys(libraries).map(async (name) => (await stat(join(folder, name))).mtimeMs),
  );
  const all = JSON.stringify({ ...facts, folder: await realpath(folder), version, libraries, changed });
  return `${version ?? 'unknown'}-${createHash('sha256').update(all).digest('hex').slice(0, 12)}`;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch {
    return [];
  }
}
