// The folder with node_api.h: beside this Node, where node-gyp keeps it, where distributions put it; at last downloaded, by npm or from where this Node says.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BackendError, CancelledError } from '@tessera/core';
import { makeDirectory, pathInfo } from '@tessera/core/node';
import { completeFolder } from './cache.ts';
import { problems } from './messages.ts';
import type { System } from './system.ts';

/** Where and how to look for the headers. */
export interface HeadersOptions {
  readonly cache: string;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The folder that holds node_api.h. Throws BackendError when it is nowhere and cannot be downloaded. */
export async function findHeaders(system: System, options: HeadersOptions): Promise<string> {
  const { node } = system.versions;
  const kept = join(options.cache, 'headers', node);
  const candidates = [...headerCandidates(system), ...downloadedCandidates(kept, node)];
  const found = await firstWithHeaders(candidates);
  if (found !== undefined) return found;
  options.report(`Downloading the headers of Node ${node} (under 10 MB).`);
  for (const download of [fromNpm, fromNode]) {
    try {
      await completeFolder(kept, (temporary) => download(temporary, system, options.signal));
      const downloaded = await firstWithHeaders(downloadedCandidates(kept, node));
      if (downloaded !== undefined) return downloaded;
    } catch (error) {
      if (error instanceof CancelledError) throw error;
    }
  }
  throw new BackendError(problems.noHeaders(node, headerCandidates(system)));
}

/** Folders that may hold the headers, the most fitting first. */
export function headerCandidates({ env, execPath, home, platform, versions, includes }: System): string[] {
  const nodedir = env['npm_config_nodedir'];
  const caches = [env['XDG_CACHE_HOME'], join(home, platform === 'darwin' ? 'Library/Caches' : '.cache')];
  return [
    ...(nodedir ? [join(nodedir, 'include', 'node')] : []),
    join(dirname(dirname(execPath)), 'include', 'node'),
    ...caches.filter((path) => !!path).map((path) => join(path!, 'node-gyp', versions.node, 'include', 'node')),
    ...packageOfHeaders(),
    ...includes.map((folder) => join(folder, 'node')),
  ];
}

function downloadedCandidates(kept: string, node: string): string[] {
  return [join(kept, 'node_modules', 'node-api-headers', 'include'), join(kept, `node-v${node}`, 'include', 'node')];
}

// Node's own headers, published as a package of their own.
function packageOfHeaders(): string[] {
  try {
    return [join(dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json')), 'include')];
  } catch {
    return [];
  }
}

async function firstWithHeaders(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) if (await pathInfo(join(folder, 'node_api.h'))) return folder;
  return undefined;
}

async function fromNpm(folder: string, system: System, signal?: AbortSignal): Promise<void> {
  const args = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
  const result = await system.run('npm', [...args, 'node-api-headers'], { cwd: folder, signal });
  if (result?.code !== 0) throw new BackendError('npm could not install node-api-headers.');
}

async function fromNode(folder: string, system: System, signal?: AbortSignal): Promise<void> {
  if (system.headersUrl === undefined) throw new BackendError('this Node does not say where its headers are.');
  const archive = join(folder, 'headers.tar.gz');
  await makeDirectory(folder);
  await writeFile(archive, await system.download(system.headersUrl, signal));
  const result = await system.run('tar', ['-xzf', archive, '-C', folder], { signal });
  if (result?.code !== 0) throw new BackendError('tar could not unpack the headers.');
}
