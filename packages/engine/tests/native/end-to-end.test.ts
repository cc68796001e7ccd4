// The real thing on this machine: compiler, headers and a TensorFlow that TESSERA_TENSORFLOW names.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findCompiler } from '../../src/native/compiler.ts';
import { installEngine, removeEngine } from '../../src/native/install.ts';
import { inspectTensorFlow } from '../../src/native/tensorflow-folder.ts';
import { realSystem } from '../../src/native/system.ts';
import { temporaryFolder } from './fake-system.ts';

const named = process.env['TESSERA_TENSORFLOW'] ?? '';
const packageFolder = installedPackage();
const reason = await whyNot();

function installedPackage(): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'));
  } catch {
    return undefined;
  }
}

async function whyNot(): Promise<string | undefined> {
  if (packageFolder === undefined) return '@tensorflow/tfjs-node-gpu is not installed';
  if (named === '') return 'TESSERA_TENSORFLOW names no TensorFlow';
  try {
    await inspectTensorFlow(named, process.platform);
    await findCompiler(realSystem());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A project whose modules are those that are installed, but for the package, which is a copy without an addon. */
function project(): string {
  const root = temporaryFolder();
  const modules = dirname(dirname(packageFolder!));
  const own = join(root, 'node_modules/@tensorflow');
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(modules)) {
    if (name !== '@tensorflow') symlinkSync(join(modules, name), join(root, 'node_modules', name));
  }
  for (const name of readdirSync(join(modules, '@tensorflow'))) {
    if (name !== 'tfjs-node-gpu') symlinkSync(join(modules, '@tensorflow', name), join(own, name));
  }
  for (const name of ['package.json', 'binding']) {
    cpSync(join(packageFolder!, name), join(own, 'tfjs-node-gpu', name), { recursive: true });
  }
  return root;
}

describe.skipIf(reason !== undefined)(`a real addon${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  test('is compiled, tried, linked, found again and removed', { timeout: 120_000 }, async () => {
    const root = project();
    const system = { ...realSystem(), env: { ...process.env, TESSERA_CACHE: join(root, 'cache') } };
    const options = { system, from: pathToFileURL(join(root, 'index.js')).href, tensorflow: named };
    const built = await installEngine(options);
    expect(built.action).toBe('built');
    expect(built.build.verified).toMatchObject({ gradients: 20, version: expect.stringMatching(/^2\./) as string });
    expect((await installEngine(options)).action).toBe('unchanged');
    rmSync(join(built.addon, '../..'), { recursive: true });
    expect((await installEngine(options)).action).toBe('linked');
    expect((await removeEngine(options)).was).toBe('ours');
    expect(existsSync(built.addon)).toBe(false);
  });
});

const noGpu = reason ?? (existsSync('/proc/driver/nvidia/version') ? undefined : 'this machine has no NVIDIA driver');

describe.skipIf(noGpu !== undefined)(`on a GPU${noGpu === undefined ? '' : ` (skipped: ${noGpu})`}`, () => {
  test('a TensorFlow with CUDA computes there', { timeout: 120_000 }, async () => {
    const root = project();
    const system = { ...realSystem(), env: { ...process.env, TESSERA_CACHE: join(root, 'cache') } };
    const from = pathToFileURL(join(root, 'index.js')).href;
    const { build } = await installEngine({ system, from, tensorflow: named });
    expect(build.verified.gpu).toBe(true);
  });
});
