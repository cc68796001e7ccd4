// TensorFlow.js's own binary: its install script, run on a copy of the package's small files in the cache, since it rewrites package.json and npm ci would wipe what it fetches.
import { cp, readdir, stat, symlink } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { BackendError } from '@tessera/core';
import { makeDirectory, pathInfo } from '@tessera/core/node';
import type { AddonPackage } from './addon-package.ts';
import type { TensorFlowFolder } from './cache.ts';
import { problems } from './messages.ts';
import type { System } from './system.ts';

const neededBytes = 2 ** 30;

/** A binary in `folder`, and the TensorFlow beside it. */
export interface Prebuilt {
  /** From the folder on. */
  readonly addon: string;
  readonly tensorflow: Omit<TensorFlowFolder, 'include'>;
}

/** Fetches the binary into an empty folder. Throws BackendError. */
export async function fetchPrebuilt(
  folder: string,
  {
    addonPackage,
    system,
    gpu,
    signal,
  }: {
    readonly addonPackage: AddonPackage;
    readonly system: System;
    readonly gpu: boolean;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Prebuilt> {
  const free = await system.freeBytes(folder);
  if (free < neededBytes) throw new BackendError(problems.noSpace(folder, neededBytes, free));
  for (const name of ['package.json', 'binding.gyp', 'binding', 'scripts']) {
    const from = join(addonPackage.folder, name);
    if (!(await pathInfo(from))) throw new BackendError(problems.noSources(from));
    await cp(from, join(folder, name), { recursive: true });
  }
  // The script's own modules are found as those of the package are: .../node_modules/@tensorflow/tfjs-node-gpu.
  const modules = dirname(dirname(addonPackage.folder));
  await symlink(modules, join(folder, 'node_modules'), 'junction');
  const path = [join(modules, '.bin'), system.env['PATH'] ?? ''].join(delimiter);
  const args = [join('scripts', 'install.js'), gpu ? 'gpu' : 'cpu', 'download'];
  const result = await system.run(system.execPath, args, { cwd: folder, env: { PATH: path }, signal });
  const addon = join('lib', `napi-v${addonPackage.napi}`, 'tfjs_binding.node');
  if (result?.code === 0 && (await pathInfo(join(folder, addon)))) {
    return { addon, tensorflow: await librariesOf(join(folder, 'deps', 'lib'), folder) };
  }
  const lines = `${result?.stdout ?? ''}\n${result?.stderr ?? ''}`.split('\n').map((line) => line.trim());
  const error = lines.find((line) => /^\w*Error: |failed with error/.test(line)) ?? 'it left no addon';
  throw new BackendError(problems.prebuiltFailed(error.replace(/\.$/, '')));
}

async function librariesOf(folder: string, root: string): Promise<Omit<TensorFlowFolder, 'include'>> {
  await makeDirectory(folder);
  const names = (await readdir(folder)).filter((name) => name.includes('libtensorflow'));
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(folder, name))).size] as const));
  return { folder: relative(root, folder), version: undefined, libraries: Object.fromEntries(sizes) };
}
