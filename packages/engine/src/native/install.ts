// Installing and removing the native engine. A build that the cache has is linked in no time; else the first way that leads to a verified addon is taken. Nothing that
// worked before is touched until something better has been tried and found good.
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BackendError } from '@tessera/core';
import { removePath } from '@tessera/core/node';
import { findAddonPackage } from './addon-package.ts';
import type { AddonPackage } from './addon-package.ts';
import * as cached from './cache.ts';
import type { Build, BuildRecord, StrategyName, TensorFlowFolder } from './cache.ts';
import { compileAddon, findCompiler } from './compiler.ts';
import type { Compiler } from './compiler.ts';
import { findHeaders } from './headers.ts';
import { linkBuild, linkedBuild, unlinkBuild } from './link.ts';
import type { Linked } from './link.ts';
import { problems } from './messages.ts';
import { ownSourcesVersion } from './own-sources.ts';
import { fetchPrebuilt } from './prebuilt.ts';
import { chooseStrategies } from './strategies.ts';
import type { Confirm, Strategy, StrategyChoice } from './strategies.ts';
import { realSystem } from './system.ts';
import type { System } from './system.ts';
import { verifyAddon } from './verify.ts';

/** How to install; without a choice, a verified build of the cache or whatever works. */
export interface InstallOptions extends StrategyChoice {
  /** Asked before several gigabytes are downloaded; without it they are not. */
  readonly confirm?: Confirm | undefined;
  /** Told what happens, a line at a time. */
  readonly report?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** The module from which the package is resolved. */
  readonly from?: string;
  readonly system?: System;
}

/** What installing did. */
export interface InstallResult {
  /** `built` and linked; `linked` from the cache; `unchanged`. */
  readonly action: 'built' | 'linked' | 'unchanged';
  readonly build: BuildRecord;
  /** Where the package finds it. */
  readonly addon: string;
  /** What was tried before and did not work. */
  readonly attempts: readonly { readonly strategy: StrategyName; readonly problem: string }[];
  readonly seconds: number;
}

interface Context {
  readonly system: System;
  readonly addonPackage: AddonPackage;
  readonly cache: string;
  readonly gpu: boolean;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Provides the native addon of TensorFlow.js. Throws BackendError, whose message has the command that mends what is missing, FileError and CancelledError. */
export async function installEngine(options: InstallOptions = {}): Promise<InstallResult> {
  const { system = realSystem(), from = import.meta.url, gpu = false, report = () => undefined, signal } = options;
  const began = performance.now();
  const addonPackage = findAddonPackage(from, system.versions.napi);
  const cache = cached.cacheFolder(system);
  const context: Context = { system, addonPackage, cache, gpu, report, signal };
  const { named, strategies } = chooseStrategies(options, { ...context, confirm: options.confirm });
  const partial = await cached.removePartial(cache);
  if (partial > 0) report('An earlier run was interrupted: what it left half-made is removed.');
  const attempts: { strategy: StrategyName; problem: string }[] = [];
  const finish = async (build: Build, fresh: boolean): Promise<InstallResult> => {
    const { addon } = addonPackage;
    const before = await linkedBuild(addon, cache);
    const linked = before.state === 'ours' && before.build.folder === build.folder && !fresh;
    await linkBuild(addon, build, cache);
    const action = fresh ? 'built' : linked ? 'unchanged' : 'linked';
    return { action, build: build.record, addon, attempts, seconds: (performance.now() - began) / 1000 };
  };
  if (!named && !system.env['TESSERA_TENSORFLOW']) {
    const kept = await keptBuild(context);
    if (kept) return finish(kept, false);
  }
  for (const strategy of strategies) {
    try {
      const { build, fresh } = await follow(strategy, context);
      return await finish(build, fresh);
    } catch (error) {
      if (!(error instanceof BackendError) || named) throw error;
      attempts.push({ strategy: strategy.name, problem: error.message });
      report(error.message);
    }
  }
  const texts = attempts.map(({ strategy, problem }) => `${strategy}: ${problem.replace(/^engine install: /, '')}`);
  throw new BackendError(problems.nothingWorked([...new Set(texts)]));
}

/** The newest build of the cache that runs here and is whole; those that are not whole are removed. */
async function keptBuild({ cache, system, addonPackage, gpu, report }: Context): Promise<Build | undefined> {
  for (const build of await cached.listBuilds(cache)) {
    const { strategy, sources, gpu: withCuda } = build.record;
    if (!cached.suits(build, system, addonPackage) || (gpu && !withCuda)) continue;
    // What can be compiled is compiled from the sources as they are now.
    if (strategy !== 'prebuilt' && sources !== ownSourcesVersion()) continue;
    const damage = await cached.damageOf(build);
    if (damage === undefined) return build;
    report(`A build in the cache is damaged, and removed: ${damage}.`);
    await removePath(build.folder);
  }
  return undefined;
}

async function follow(strategy: Strategy, context: Context): Promise<{ build: Build; fresh: boolean }> {
  if (strategy.provide === undefined) return { build: await prebuilt(strategy, context), fresh: true };
  const { system, cache, addonPackage, report, signal } = context;
  if (system.platform !== 'linux' && system.platform !== 'darwin') {
    throw new BackendError(problems.platform(system.platform, system.arch));
  }
  // Before a download, which would be in vain without them.
  const compiler = await findCompiler(system, signal);
  const headers = await findHeaders(system, { cache, report, signal });
  const tensorflow = await strategy.provide();
  const { platform, arch, versions } = system;
  const { version: tfjs, napi } = addonPackage;
  const facts = {
    platform,
    arch,
    modules: versions.modules,
    napi,
    tfjs,
    compiler: compiler.version,
    gpu: context.gpu,
    sources: ownSourcesVersion(),
  };
  const folder = join(cache, 'builds', await cached.buildKey(facts, tensorflow));
  const kept = await cached.readBuild(folder);
  const damage = kept && (await cached.damageOf(kept));
  if (kept && damage === undefined) return { build: kept, fresh: false };
  if (damage !== undefined) report(`The build in the cache is damaged, and made again: ${damage}.`);
  return { build: await compile(folder, { strategy, compiler, headers, tensorflow }, context), fresh: true };
}

interface Ingredients {
  readonly strategy: Strategy;
  readonly compiler: Compiler;
  readonly headers: string;
  readonly tensorflow: TensorFlowFolder;
}

async function compile(
  folder: string,
  { strategy, compiler, headers, tensorflow }: Ingredients,
  context: Context,
): Promise<Build> {
  const { addonPackage, report } = context;
  const { folder: libraries, version } = tensorflow;
  const addon = 'tfjs_binding.node';
  await cached.completeFolder(folder, async (temporary) => {
    report(
      `Compiling the addon against TensorFlow${version === undefined ? '' : ` ${version}`} with ${compiler.version}.`,
    );
    const output = join(temporary, addon);
    const what = { addonPackage, headers, tensorflow, output };
    const beside = { folder: libraries, version, libraries: tensorflow.libraries };
    const build = { strategy, addon, tensorflow: beside, compiler: compiler.version };
    const { system, signal } = context;
    try {
      await compileAddon(compiler, { ...what, sources: 'ours' }, { system, signal });
      await record(temporary, { ...build, sources: ownSourcesVersion() }, context);
    } catch (error) {
      // A TensorFlow or a compiler that does not take our sources may well take those of tfjs-node.
      if (!(error instanceof BackendError)) throw error;
      await compileAddon(compiler, { ...what, sources: 'stock' }, { system, signal });
      report(`Without our kernels: ${error.message.replace(/^engine install: /, '')}`);
      await record(temporary, { ...build, sources: undefined }, context);
    }
  });
  return (await cached.readBuild(folder))!;
}

async function prebuilt(strategy: Strategy, context: Context): Promise<Build> {
  const { system, addonPackage, cache, gpu, report, signal } = context;
  const { version, napi } = addonPackage;
  const folder = join(
    cache,
    'builds',
    `prebuilt-${version}-napi${napi}-${system.versions.modules}${gpu ? '-gpu' : ''}`,
  );
  report("Fetching TensorFlow.js's own binary.");
  await mkdir(cache, { recursive: true });
  await cached.completeFolder(folder, async (temporary) => {
    const { addon, tensorflow } = await fetchPrebuilt(temporary, { addonPackage, system, gpu, signal });
    const beside = { ...tensorflow, folder: join(folder, tensorflow.folder) };
    await record(temporary, { strategy, addon, tensorflow: beside, compiler: undefined, sources: undefined }, context);
  });
  return (await cached.readBuild(folder))!;
}

/** Verifies the addon in a folder and writes down what it is. */
async function record(
  folder: string,
  {
    strategy,
    addon,
    tensorflow,
    compiler,
    sources,
  }: { readonly strategy: Strategy } & Pick<BuildRecord, 'addon' | 'tensorflow' | 'compiler' | 'sources'>,
  { system, addonPackage, gpu, report, signal }: Context,
): Promise<void> {
  report('Trying it: 20 gradients against the cpu backend.');
  const verified = await verifyAddon(join(folder, addon), system, signal);
  if (gpu && !verified.gpu) report('It works, but TensorFlow found no GPU that it supports: it runs on the CPU.');
  await cached.writeBuild(folder, {
    formatVersion: 1,
    strategy: strategy.name,
    why: strategy.why,
    gpu,
    platform: system.platform,
    arch: system.arch,
    node: system.versions.node,
    modules: system.versions.modules,
    napi: addonPackage.napi,
    tfjs: addonPackage.version,
    tensorflow: { ...tensorflow, version: verified.version },
    compiler,
    sources,
    addon,
    sha256: (await cached.hashOf(join(folder, addon)))!,
    verified,
    builtAt: new Date().toISOString(),
  });
}

/** What removing did. */
export interface RemoveResult {
  /** What lay where the package looks; `foreign` is left there. */
  readonly was: Linked['state'];
  /** The folder that was emptied. */
  readonly cache: string;
}

/** Undoes installing: link, builds, downloads. An addon that came from elsewhere stays. Throws FileError. */
export async function removeEngine(options: Pick<InstallOptions, 'from' | 'system'> = {}): Promise<RemoveResult> {
  const { system = realSystem(), from = import.meta.url } = options;
  const cache = cached.cacheFolder(system);
  let was: Linked['state'] = 'nothing';
  try {
    was = await unlinkBuild(findAddonPackage(from, system.versions.napi).addon, cache);
  } catch (error) {
    // Without the package there is no link to remove, and the cache goes all the same.
    if (!(error instanceof BackendError)) throw error;
  }
  for (const part of ['builds', 'tensorflow', 'headers']) await removePath(join(cache, part));
  await rmdir(cache).catch(() => undefined);
  return { was, cache };
}
