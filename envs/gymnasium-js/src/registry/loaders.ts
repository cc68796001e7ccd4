// Ids that are loaded rather than looked up: `python:ALE/Pong-v5` goes to the loader of its prefix, `some-package:Env-v0` imports a module.
// Both take time, so they belong to makeVec; make only says so.
import { ConfigError } from '@tessera/core';
import type { MakeVecOptions } from '../make-vec.ts';
import type { VectorEnv } from '../vector/vector-env.ts';

/** Builds a vector environment for the part of an id behind the prefix. */
export type VectorLoader = (id: string, options: MakeVecOptions) => Promise<VectorEnv>;

// Known by name before their package is imported, so that the error can name it.
const packages: Readonly<Record<string, string>> = { python: '@tessera/env-python' };
const loaders = new Map<string, VectorLoader>();

/** Sends ids `prefix:...` of makeVec to `loader`. Throws ConfigError for a prefix that is no word. */
export function registerLoader(prefix: string, loader: VectorLoader): void {
  if (!/^[\w-]+$/.test(prefix)) {
    throw new ConfigError(
      `registerLoader: expected a prefix of letters, digits, _ and -, got ${JSON.stringify(prefix)}.`,
    );
  }
  loaders.set(prefix, loader);
}

/** An id with something in front of it. */
export type LoadedId =
  | { readonly kind: 'loader'; readonly prefix: string; readonly id: string }
  | { readonly kind: 'module'; readonly module: string; readonly id: string };

/** Takes the prefix or module off an id; undefined for a plain id. The module may itself contain colons, like a file URL. */
export function splitLoadedId(id: string): LoadedId | undefined {
  const first = id.indexOf(':');
  if (first < 0) return undefined;
  const prefix = id.slice(0, first);
  if (loaders.has(prefix) || Object.hasOwn(packages, prefix))
    return { kind: 'loader', prefix, id: id.slice(first + 1) };
  const last = id.lastIndexOf(':');
  return { kind: 'module', module: id.slice(0, last), id: id.slice(last + 1) };
}

/** The loader of a prefix; throws ConfigError that names the import when it is missing. */
export function loaderOf(prefix: string): VectorLoader {
  const loader = loaders.get(prefix);
  if (loader !== undefined) return loader;
  throw new ConfigError(`makeVec: no loader for "${prefix}:" ids. Add the line: import '${packages[prefix]}';`);
}

/** Imports a module that registers environments; throws ConfigError when that fails. */
export async function importModule(specifier: string): Promise<void> {
  try {
    await import(/* @vite-ignore */ specifier);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const check = `Check whether '${specifier}' registers environments and can be imported from gymnasium-js`;
    const wayOut = "a package name, or an absolute URL like import.meta.resolve('./my-envs.js')";
    throw new ConfigError(`Environment registration via importing a module failed: ${why}. ${check}: ${wayOut}.`, {
      cause,
    });
  }
}
