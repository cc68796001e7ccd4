// The C++ compiler at hand, and the one command that it takes to build the addon. No flag depends on this machine's processor: a cache folder may travel.
import { basename, join } from 'node:path';
import { BackendError } from '@tessera/core';
import { pathInfo, removePath } from '@tessera/core/node';
import type { AddonPackage } from './addon-package.ts';
import type { TensorFlowFolder } from './cache.ts';
import { problems } from './messages.ts';
import { ownSourceFiles, ownSourceFlags, ownSourcesVersion } from './own-sources.ts';
import type { System } from './system.ts';

/** A compiler that answers. */
export interface Compiler {
  readonly command: string;
  /** First line of `--version`. */
  readonly version: string;
}

/** The compiler that CXX names, else the first that answers. Throws BackendError when none does. */
export async function findCompiler(system: System, signal?: AbortSignal): Promise<Compiler> {
  const named = system.env['CXX'];
  const tried = named !== undefined && named !== '' ? [named] : ['g++', 'clang++', 'c++'];
  for (const command of tried) {
    const answer = await system.run(command, ['--version'], { signal });
    if (answer?.code === 0) return { command, version: answer.stdout.split('\n')[0]!.trim() };
  }
  throw new BackendError(problems.noCompiler(system.platform, tried));
}

/**
 * Compiles the sources of the package into `output`, `with: 'ours'` together with our own (`own-sources.ts`), which run programs as functions and have kernels that
 * TensorFlow lacks. Throws BackendError with the first error of the compiler.
 */
export async function compileAddon(
  compiler: Compiler,
  {
    addonPackage,
    headers,
    tensorflow,
    output,
    sources: which,
  }: {
    readonly addonPackage: AddonPackage;
    readonly headers: string;
    readonly tensorflow: TensorFlowFolder;
    readonly output: string;
    readonly sources: 'ours' | 'stock';
  },
  { system, signal }: { readonly system: System; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const stock = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(addonPackage.folder, 'binding', name));
  for (const source of stock) {
    if (!(await pathInfo(source))) throw new BackendError(problems.noSources(source));
  }
  const sources = which === 'ours' ? ownSourceFiles() : stock;
  const kernels = [...ownSourceFlags, `-DTESSERA_SOURCES="${ownSourcesVersion()}"`];
  const { folder, include, libraries } = tensorflow;
  const includes = [headers, join(addonPackage.folder, 'binding'), include].map((path) => `-I${path}`);
  const flags = ['-std=c++17', ...(which === 'ours' ? kernels : ['-O2']), '-w', '-fPIC', '-pthread'];
  const napi = `-DNAPI_VERSION=${addonPackage.napi}`;
  const compilation = (source: string, object: string): string[] => [
    ...flags,
    napi,
    ...includes,
    '-c',
    source,
    '-o',
    object,
  ];
  const objects = sources.map((source) => `${output}.${basename(source)}.o`);
  try {
    // A compiler uses one core.
    const waiting = sources.map((source, i) => () => call(compiler, compilation(source, objects[i]!), system, signal));
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next();
    };
    await Promise.all(Array.from({ length: 2 }, work));
    // The libraries stay where they are; the addon remembers the folder.
    const link = [...Object.keys(libraries).map((name) => join(folder, name)), `-Wl,-rpath,${folder}`];
    // On Linux a symbol that the library lacks is found when the addon is loaded and tried, and does not end a process later on.
    const undefinedSymbols = system.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-Wl,-z,now'];
    await call(
      compiler,
      ['-shared', '-pthread', ...objects, ...link, ...undefinedSymbols, '-o', output],
      system,
      signal,
    );
  } finally {
    for (const object of objects) await removePath(object);
  }
}

async function call(
  compiler: Compiler,
  args: readonly string[],
  system: System,
  signal: AbortSignal | undefined,
): Promise<void> {
  const result = await system.run(compiler.command, args, { signal });
  if (result?.code === 0) return;
  const lines = (result?.stderr ?? 'it cannot be run').split('\n');
  if (lines.some((line) => line.includes('No space left on device'))) {
    throw new BackendError(problems.diskFull(args.at(-1)!));
  }
  const error = lines.find((line) => /\berror\b|undefined reference|cannot find/.test(line)) ?? lines[0]!;
  throw new BackendError(problems.compilerFailed(compiler.command, error.trim().replace(/\.$/, '')));
}
