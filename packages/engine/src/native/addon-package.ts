// Where the optional package @tensorflow/tfjs-node-gpu is, what it is compiled from, and where it looks for its addon.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BackendError } from '@tessera/core';
import { packageName, problems } from './messages.ts';

/** The installed package. */
export interface AddonPackage {
  readonly folder: string;
  readonly version: string;
  /** Version of Node-API that the addon is compiled for. */
  readonly napi: number;
  /** Where the package looks for its addon. */
  readonly addon: string;
}

interface PackageJson {
  readonly version: string;
  readonly binary: { readonly napi_versions: readonly number[] };
}

/** Reads the package's description. Throws what reading and parsing throw. */
export function readAddonPackage(packageFile: string, napiOfNode: string = process.versions.napi!): AddonPackage {
  const { version, binary } = JSON.parse(readFileSync(packageFile, 'utf8')) as PackageJson;
  // What @mapbox/node-pre-gyp computes: the newest Node-API version that both the package and this Node know.
  const napi = Math.max(...binary.napi_versions.filter((known) => known <= Number(napiOfNode)));
  const folder = dirname(packageFile);
  return { folder, version, napi, addon: join(folder, 'lib', `napi-v${napi}`, 'tfjs_binding.node') };
}

/** Finds the package as the module `from` would. Throws BackendError when it is not installed. */
export function findAddonPackage(from: string, napiOfNode?: string): AddonPackage {
  let packageFile: string;
  try {
    packageFile = createRequire(from).resolve(`${packageName}/package.json`);
  } catch (cause) {
    throw new BackendError(problems.noPackage(), { cause });
  }
  return readAddonPackage(packageFile, napiOfNode);
}
