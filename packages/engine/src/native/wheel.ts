// TensorFlow from its Python wheel, taken by pip without what it depends on: the libraries need none of it. The wheel is asked for by platform and Python version, so
// any Python that has pip will do.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '@tessera/core';
import { makeDirectory, readTextBounded, removePath, writeFileAtomic } from '@tessera/core/node';
import { completeFolder, missingLibrary } from './cache.ts';
import type { TensorFlowFolder } from './cache.ts';
import { problems } from './messages.ts';
import { inspectTensorFlow } from './tensorflow-folder.ts';
import type { System } from './system.ts';

/** What a wheel needs. */
export interface WheelOptions {
  readonly system: System;
  readonly cache: string;
  readonly gpu: boolean;
  readonly report: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const gibibyte = 2 ** 30;

/** Bytes of a download. */
export interface WheelSize {
  readonly download: number;
  /** What has to be free while it is unpacked. */
  readonly disk: number;
}

/** Measured with TensorFlow 2.21 for the CPU; with CUDA it is an estimate. */
export function wheelSize(gpu: boolean): WheelSize {
  return gpu ? { download: 3.5 * gibibyte, disk: 9 * gibibyte } : { download: 0.26 * gibibyte, disk: 1.8 * gibibyte };
}

/** Wheels are made per Python version; the libraries in them are the same. */
const pythonVersions = ['3.11', '3.12', '3.13'];

/** The folder of the cache in which a wheel is kept. */
export function wheelFolder(cache: string, gpu: boolean): string {
  return join(cache, 'tensorflow', gpu ? 'gpu' : 'cpu');
}

/** The TensorFlow of an earlier download, if it is complete. */
export async function keptWheel({ system, cache, gpu }: WheelOptions): Promise<TensorFlowFolder | undefined> {
  const folder = wheelFolder(cache, gpu);
  try {
    const sizes = JSON.parse(await readTextBounded(join(folder, 'complete.json'))) as Record<string, number>;
    const found = await inspectTensorFlow(folder, system.platform);
    return (await missingLibrary({ folder: found.folder, libraries: sizes })) === undefined ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Downloads and unpacks a wheel into the cache, unless it is there. Throws BackendError. */
export async function provideWheel(options: WheelOptions): Promise<TensorFlowFolder> {
  const { system, cache, gpu, report } = options;
  const kept = await keptWheel(options);
  if (kept) return kept;
  const python = await findPip(options);
  const { download, disk } = wheelSize(gpu);
  await makeDirectory(cache);
  const free = await system.freeBytes(cache);
  if (free < disk) throw new BackendError(problems.noSpace(cache, disk, free));
  const what = wheelName(system, gpu);
  report(
    `Downloading ${what} with pip (about ${(download / 1e9).toFixed(1)} GB, ${(disk / 1e9).toFixed(0)} GB on disk).`,
  );
  const folder = wheelFolder(cache, gpu);
  await completeFolder(folder, async (temporary) => {
    const pip = { ...options, python, target: temporary };
    await install([what], pip);
    if (gpu) await install(await cudaRequirements(temporary), pip);
    await prune(temporary);
    const { folder: libraryFolder, libraries } = await inspectTensorFlow(temporary, system.platform);
    if (libraryFolder !== join(temporary, 'tensorflow')) {
      throw new BackendError(problems.noTensorFlow(what, 'folder tensorflow'));
    }
    await writeFileAtomic(join(temporary, 'complete.json'), `${JSON.stringify(libraries)}\n`);
  });
  return inspectTensorFlow(folder, system.platform);
}

/** On arm64 and macOS the plain package has no CUDA in it, and there is none for the CPU alone. */
function wheelName({ platform, arch }: System, gpu: boolean): string {
  return !gpu && platform === 'linux' && arch === 'x64' ? 'tensorflow-cpu' : 'tensorflow';
}

function platformTags({ platform, arch }: System): string[] {
  if (platform === 'darwin') return arch === 'arm64' ? ['macosx_12_0_arm64'] : ['macosx_10_15_x86_64'];
  const machine = arch === 'arm64' ? 'aarch64' : 'x86_64';
  return ['manylinux_2_28', 'manylinux_2_27', 'manylinux_2_17', 'manylinux2014'].map((tag) => `${tag}_${machine}`);
}

async function findPip({ system, signal }: WheelOptions): Promise<string> {
  const named = system.env['TESSERA_PYTHON'];
  const tried = [...(named ? [named] : []), 'python3', 'python'];
  for (const python of tried) {
    const answer = await system.run(python, ['-m', 'pip', '--version'], { signal });
    if (answer?.code === 0) return python;
  }
  throw new BackendError(problems.noPip(system.platform, tried));
}

type PipOptions = WheelOptions & { readonly python: string; readonly target: string };

async function install(requirements: readonly string[], { system, signal, python, target }: PipOptions): Promise<void> {
  const flags = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-deps', '--no-compile', '--retries', '1'];
  const tags = platformTags(system).flatMap((tag) => ['--platform', tag]);
  // pip unpacks here before it moves: the system's temporary folder may be small, or on another disk.
  const scratch = join(target, '.tmp');
  let failure = '';
  for (const version of pythonVersions) {
    await makeDirectory(scratch);
    const wanted = ['--only-binary=:all:', '--implementation', 'cp', '--python-version', version, ...tags];
    const args = ['-m', 'pip', 'install', ...flags, ...wanted, '--target', target, ...requirements];
    const result = await system.run(python, args, { signal, env: { TMPDIR: scratch } });
    await removePath(scratch);
    if (result?.code === 0) return;
    failure = result?.stderr ?? `${python} cannot be run`;
    if (!/No matching distribution|Could not find a version/.test(failure) || networkFailure.test(failure)) break;
  }
  throw new BackendError(explainPip(failure, { what: requirements[0] ?? 'nothing', target }));
}

const networkFailure =
  /Temporary failure in name resolution|Name or service not known|Network is unreachable|Connection (reset|refused|aborted)|timed out|ProxyError|SSLError|NewConnectionError|NameResolutionError|Max retries/;

function explainPip(text: string, { what, target }: { readonly what: string; readonly target: string }): string {
  const lines = text.split('\n').map((line) => line.trim());
  const line = (pattern: RegExp): string => {
    const found = lines.find((candidate) => pattern.test(candidate)) ?? lines.findLast((candidate) => candidate !== '');
    return (found ?? 'it said nothing').replace(/^ERROR: /, '').replace(/\.$/, '');
  };
  if (/No space left on device|Disk quota exceeded/.test(text)) return problems.diskFull(target);
  const lost = networkFailure.exec(text);
  if (lost) return problems.noNetwork(what, lost[0]);
  if (/No matching distribution/.test(text)) return problems.noWheel(what, line(/No matching distribution/));
  return problems.pipFailed(what, line(/^ERROR: /));
}

/** What the extra `and-cuda` of the wheel asks for. */
async function cudaRequirements(folder: string): Promise<string[]> {
  const described = (await readdir(folder)).find((name) => /^tensorflow-.*\.dist-info$/.test(name));
  const metadata = described === undefined ? '' : await readTextBounded(join(folder, described, 'METADATA'));
  const wanted = [...metadata.matchAll(/^Requires-Dist: ([^;\n]+);.*extra == ['"]and-cuda['"]/gm)];
  return wanted.map((match) => match[1]!.replace(/[\s()]/g, ''));
}

/** Keeps libraries, headers and descriptions; the Python files are a good third of what was unpacked. */
async function prune(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== 'tensorflow' && name !== 'nvidia' && !name.endsWith('.dist-info'))
      await removePath(join(folder, name));
  }
  const inside = join(folder, 'tensorflow');
  for (const name of await readdir(inside).catch(() => [])) {
    if (name !== 'include' && !/^lib.*\.(so|dylib)|\.txt$/.test(name)) await removePath(join(inside, name));
  }
}
