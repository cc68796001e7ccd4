// Puts a build where the package looks for its addon: a symbolic link, or a copy where links are not allowed (the addon is a tenth of a megabyte). What was there and is
// not ours is set aside, and comes back when the link is removed.
import { randomBytes } from 'node:crypto';
import { copyFile, lstat, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { makeDirectory } from '@tessera/core/node';
import type { AddonPackage } from './addon-package.ts';
import { cacheFolder, damageOf, hashOf, listBuilds, readBuild, suits } from './cache.ts';
import type { Build } from './cache.ts';
import { installCommand } from './messages.ts';
import { ownSourcesVersion } from './own-sources.ts';
import type { System } from './system.ts';

/** What lies where the package looks for its addon. */
export type Linked =
  | { readonly state: 'nothing' }
  /** Not made by us, or by another cache. */
  | { readonly state: 'foreign' }
  /** A link of ours whose build has gone. */
  | { readonly state: 'dangling' }
  | { readonly state: 'ours'; readonly build: Build };

/** Looks where the package looks. */
export async function linkedBuild(addon: string, cache: string): Promise<Linked> {
  const stats = await lstat(addon).catch(() => undefined);
  if (!stats) return { state: 'nothing' };
  if (stats.isSymbolicLink()) {
    const target = resolve(dirname(addon), await readlink(addon));
    if (!target.startsWith(join(cache, 'builds') + sep)) {
      return { state: (await hashOf(addon)) === undefined ? 'dangling' : 'foreign' };
    }
    const folder = join(cache, 'builds', target.slice(join(cache, 'builds').length + 1).split(sep)[0]!);
    const build = await readBuild(folder);
    return build ? { state: 'ours', build } : { state: 'dangling' };
  }
  const hash = await hashOf(addon);
  const build = (await listBuilds(cache)).find(({ record }) => record.sha256 === hash);
  return build ? { state: 'ours', build } : { state: 'foreign' };
}

/** Links a build, at once or not at all; an addon that is not ours is set aside. */
export async function linkBuild(addon: string, { folder, record }: Build, cache: string): Promise<void> {
  const target = join(folder, record.addon);
  const current = await linkedBuild(addon, cache);
  if (current.state === 'ours' && current.build.folder === folder) return;
  await makeDirectory(dirname(addon));
  if (current.state === 'foreign') await rename(addon, asideOf(addon));
  const temporary = `${addon}.${randomBytes(6).toString('hex')}`;
  try {
    await symlink(target, temporary).catch(() => copyFile(target, temporary));
    await rename(temporary, addon);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Takes a link of ours away, and says what was there; what had been set aside comes back. */
export async function unlinkBuild(addon: string, cache: string): Promise<Linked['state']> {
  const { state } = await linkedBuild(addon, cache);
  if (state === 'ours' || state === 'dangling') {
    await rm(addon, { force: true });
    await rename(asideOf(addon), addon).catch(() => undefined);
  }
  return state;
}

function asideOf(addon: string): string {
  return `${addon}.replaced`;
}

/**
 * Makes ready the addon of a package that is about to be loaded: one that was wiped by a new install is linked again if the cache has it. Gives what is in the way, or
 * undefined. It never throws.
 */
export async function prepareAddon(
  addonPackage: AddonPackage,
  system: Pick<System, 'env' | 'home' | 'platform' | 'versions' | 'arch'>,
): Promise<string | undefined> {
  const { addon } = addonPackage;
  try {
    const cache = cacheFolder(system);
    const current = await linkedBuild(addon, cache);
    if (current.state === 'ours') {
      const damage = await damageOf(current.build);
      return damage && `its native addon is damaged: ${damage}. Build it again with ${installCommand}.`;
    }
    if (current.state === 'foreign') return undefined;
    // One that was compiled from other sources of ours works as a stock one does.
    const builds = await listBuilds(cache);
    const isCurrent = ({ record }: Build): boolean => record.sources === ownSourcesVersion();
    for (const build of [...builds.filter(isCurrent), ...builds.filter((build) => !isCurrent(build))]) {
      if (!suits(build, system, addonPackage) || (await damageOf(build)) !== undefined) continue;
      await linkBuild(addon, build, cache);
      return undefined;
    }
    return `it is installed without its native addon (${addon}). Build it with ${installCommand}.`;
  } catch (error) {
    return `its native addon cannot be linked: ${(error as Error).message}. Build it with ${installCommand}.`;
  }
}
