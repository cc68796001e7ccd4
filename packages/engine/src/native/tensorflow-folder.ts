// Looks at a folder that is said to hold TensorFlow: as a Python wheel unpacks (libraries beside include/) or as libtensorflow is published (lib/ and include/).
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BackendError } from '@tessera/core';
import { pathInfo, readTextBounded } from '@tessera/core/node';
import type { TensorFlowFolder } from './cache.ts';
import { problems } from './messages.ts';

/** Libraries to link with: those of a wheel, else those of libtensorflow. */
function librarySets(platform: string): readonly (readonly string[])[] {
  const names = (base: string): string => (platform === 'darwin' ? `${base}.2.dylib` : `${base}.so.2`);
  const framework = names('libtensorflow_framework');
  return [
    [names('libtensorflow_cc'), framework],
    [names('libtensorflow'), framework],
  ];
}

/** Throws BackendError, which names what is missing, when the folder holds no TensorFlow. */
export async function inspectTensorFlow(named: string, platform: string): Promise<TensorFlowFolder> {
  const given = resolve(named);
  const candidates = [
    { folder: given, include: join(given, 'include') },
    { folder: join(given, 'lib'), include: join(given, 'include') },
    { folder: join(given, 'tensorflow'), include: join(given, 'tensorflow', 'include') },
  ];
  const sets = librarySets(platform);
  let missing: string = sets[0]!.join(' and ');
  for (const { folder, include } of candidates) {
    for (const names of sets) {
      const sizes = await Promise.all(names.map(async (name) => (await pathInfo(join(folder, name)))?.bytes ?? 0));
      if (sizes.includes(0)) continue;
      missing = 'include/tensorflow/c/c_api.h';
      if (!(await pathInfo(join(include, 'tensorflow', 'c', 'c_api.h')))) continue;
      const libraries = Object.fromEntries(names.map((name, i) => [name, sizes[i]!]));
      return { folder, include, version: await versionBeside(folder), libraries };
    }
  }
  throw new BackendError(problems.noTensorFlow(named, missing));
}

/** The version in the description that pip leaves beside a package. */
async function versionBeside(folder: string): Promise<string | undefined> {
  const above = dirname(folder);
  const names = await readdir(above).catch(() => []);
  const described = names.find((name) => /^tensorflow(_\w+)?-[\d.]+\S*\.dist-info$/.test(name));
  if (described === undefined) return undefined;
  const metadata = await readTextBounded(join(above, described, 'METADATA')).catch(() => '');
  return /^Version: (\S+)/m.exec(metadata)?.[1];
}
