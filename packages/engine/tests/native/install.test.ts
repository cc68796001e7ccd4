// Installing, again and again, on machines where everything is there.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findAddonPackage } from '../../src/native/addon-package.ts';
import { prepareAddon } from '../../src/native/link.ts';
import { pathToFileURL } from 'node:url';
import { fakeMachine, write, writeTensorFlow } from './fake-system.ts';
import type { FakeMachine } from './fake-system.ts';

const compiled = ({ ran }: FakeMachine): number => ran.filter((line) => line.includes('-shared')).length;
const downloaded = ({ ran }: FakeMachine): number => ran.filter((line) => line.includes('--target')).length;

function prepare({ root, system }: FakeMachine): Promise<string | undefined> {
  return prepareAddon(findAddonPackage(pathToFileURL(join(root, 'index.js')).href, '9'), system);
}

describe('install', () => {
  test('takes a wheel, compiles, tries and links; the second time nothing is run', async () => {
    const machine = fakeMachine();
    const { action, build, attempts } = await machine.install();
    expect({ action, attempts, strategy: build.strategy, version: build.tensorflow.version }).toEqual({
      action: 'built',
      attempts: [],
      strategy: 'wheel',
      version: '2.21.0',
    });
    expect(readFileSync(machine.addon, 'utf8')).toBe('an addon');
    expect(lstatSync(machine.addon).isSymbolicLink()).toBe(true);
    expect(machine.reported).toMatchInlineSnapshot(`
      [
        "Downloading tensorflow-cpu with pip (about 0.3 GB, 2 GB on disk).",
        "Compiling the addon against TensorFlow 2.21.0 with g++ 12.2.0.",
        "Trying it: 20 gradients against the cpu backend.",
      ]
    `);
    const ran = machine.ran.length;
    expect((await machine.install()).action).toBe('unchanged');
    expect(machine.ran).toHaveLength(ran);
  });

  test('copies no library: the addon remembers where they are', async () => {
    const machine = fakeMachine();
    await machine.install();
    const line = machine.ran.find((command) => command.includes('-shared'))!;
    const shown = line
      .replaceAll(/partial-\S+?\//g, 'partial/')
      .replace(/(?<=TESSERA_SOURCES=")\w+/, 'VERSION')
      .replaceAll(/\/\S+(?=\/packages\/engine\/native)/g, '<repository>');
    expect(shown).toMatchInlineSnapshot(
      `"g++ -shared -pthread <root>/cache/native/builds/.partial/tfjs_binding.node.activations.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.addon.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.attention.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.binding.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.convolutions.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.gemm.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.kernels.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.nearest.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.op.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.products.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.rows.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.runtime.cc.o <root>/cache/native/builds/.partial/tfjs_binding.node.variables.cc.o <root>/cache/native/tensorflow/cpu/tensorflow/libtensorflow_cc.so.2 <root>/cache/native/tensorflow/cpu/tensorflow/libtensorflow_framework.so.2 -Wl,-rpath,<root>/cache/native/tensorflow/cpu/tensorflow -Wl,-z,now -o <root>/cache/native/builds/.partial/tfjs_binding.node"`,
    );
  });

  test('where our sources do not compile, it is the addon of tfjs-node, and that is told', async () => {
    const machine = fakeMachine();
    const compile = machine.commands['g++']!;
    machine.commands['g++'] = (args, options) =>
      args.some((arg) => arg.endsWith('addon.cc'))
        ? { code: 1, stderr: 'addon.cc:7: error: no such header' }
        : compile(args, options);
    const lines: string[] = [];
    const { action, build } = await machine.install({ report: (line) => lines.push(line) });
    expect([action, build.sources]).toEqual(['built', undefined]);
    expect(lines.find((line) => line.startsWith('Without'))).toMatchInlineSnapshot(
      `"Without our kernels: g++ could not compile the addon: addon.cc:7: error: no such header. The compiler must know C++17; name another one by the variable CXX, or another TensorFlow with --tensorflow DIR."`,
    );
    expect((await machine.install()).action).toBe('unchanged');
  });

  test('where the addon with our sources does not work, it is that of tfjs-node', async () => {
    const machine = fakeMachine();
    const trial = machine.commands['node']!;
    let trials = 0;
    machine.commands['node'] = (args, options) =>
      ++trials === 1 ? { stdout: JSON.stringify({ failure: 'undefined symbol: TF_Something' }) } : trial(args, options);
    const lines: string[] = [];
    const { action, build } = await machine.install({ report: (line) => lines.push(line) });
    expect([action, build.sources, trials]).toEqual(['built', undefined, 2]);
    expect(lines.find((line) => line.startsWith('Without'))).toMatch(/undefined symbol: TF_Something/);
  });

  test('keeps libraries and headers of a wheel, and nothing of its Python', async () => {
    const machine = fakeMachine();
    await machine.install();
    expect(readdirSync(join(machine.cache, 'tensorflow/cpu')).toSorted()).toEqual([
      'complete.json',
      'tensorflow',
      'tensorflow_cpu-2.21.0.dist-info',
    ]);
    expect(readdirSync(join(machine.cache, 'tensorflow/cpu/tensorflow')).toSorted()).toEqual([
      'include',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
  });

  test('an addon that a new install of the packages wiped is linked again: by install, and when an engine is made', async () => {
    const machine = fakeMachine();
    await machine.install();
    rmSync(join(machine.addon, '../..'), { recursive: true });
    expect((await machine.install()).action).toBe('linked');
    rmSync(join(machine.addon, '../..'), { recursive: true });
    expect(await prepare(machine)).toBeUndefined();
    expect(existsSync(machine.addon)).toBe(true);
    expect(compiled(machine)).toBe(1);
  });

  test('a named TensorFlow, a named Python, and those that variables name', async () => {
    const machine = fakeMachine();
    const folder = writeTensorFlow(join(machine.root, 'site'), '2.18.0');
    machine.commands['python3'] = (args) => (args[0] === '-c' ? { stdout: `${folder}\n` } : { code: 1 });
    expect((await machine.install({ tensorflow: folder })).build.strategy).toBe('tensorflow');
    expect((await machine.install({ tensorflow: folder })).action).toBe('unchanged');
    // The same facts are the same build, however they were found.
    expect((await machine.install({ python: 'python3' })).action).toBe('unchanged');
    for (const variable of [{ TESSERA_TENSORFLOW: folder }, { TESSERA_PYTHON: 'python3' }]) {
      const env = { TESSERA_CACHE: join(machine.root, Object.keys(variable)[0]!), ...variable };
      const { install } = fakeMachine({ env, run: machine.system.run, execPath: machine.system.execPath });
      expect((await install()).build.why).toMatch(Object.keys(variable)[0]!);
    }
  });

  test('another TensorFlow, compiler or Node is another build', async () => {
    const machine = fakeMachine();
    const folder = writeTensorFlow(join(machine.root, 'site'));
    await machine.install({ tensorflow: folder });
    writeFileSync(join(folder, 'libtensorflow_cc.so.2'), 'a newer library');
    expect((await machine.install({ tensorflow: folder })).action).toBe('built');
    const before = machine.commands['g++']!;
    machine.commands['g++'] = (args, options) =>
      args.includes('--version') ? { stdout: 'g++ 15' } : before(args, options);
    expect((await machine.install({ tensorflow: folder })).action).toBe('built');
    const versions = { node: '22.0.0', napi: '9', modules: '127' };
    const { env, run, execPath } = machine.system;
    const other = fakeMachine({ versions, env, run, execPath });
    expect((await other.install({ tensorflow: folder })).action).toBe('built');
    expect(compiled(machine)).toBe(4);
  });

  test('falls through to the next way, and says what did not work', async () => {
    const machine = fakeMachine();
    delete machine.commands['g++'];
    const trial = machine.commands['node']!;
    machine.commands['node'] = (args, options) => {
      if (!args[0]!.endsWith('install.js')) return trial(args, options);
      write(join(options.cwd!, 'lib/napi-v8/tfjs_binding.node'), 'a binary');
      write(join(options.cwd!, 'deps/lib/libtensorflow.so.2'), 'an old library');
      return {};
    };
    const { action, build, attempts } = await machine.install();
    expect([action, build.strategy, build.compiler]).toEqual(['built', 'prebuilt', undefined]);
    expect(attempts.map(({ strategy }) => strategy)).toEqual(['wheel']);
    expect(readFileSync(machine.addon, 'utf8')).toBe('a binary');
    expect((await machine.install()).action).toBe('unchanged');
  });

  test('takes the CUDA libraries that the wheel asks for, after a yes', async () => {
    const machine = fakeMachine();
    const pip = machine.commands['python3']!;
    machine.commands['python3'] = (args, options) => {
      const wanted = args.at(-1)!;
      if (wanted !== 'tensorflow') return wanted.startsWith('nvidia') ? {} : pip(args, options);
      const target = args[args.indexOf('--target') + 1]!;
      writeTensorFlow(target);
      const extra = 'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5; extra == "and-cuda"\nRequires-Dist: numpy>=1.26\n';
      write(join(target, 'tensorflow-2.21.0.dist-info/METADATA'), `Version: 2.21.0\n${extra}`);
      return {};
    };
    const { build } = await machine.install({ gpu: true, confirm: async () => true });
    expect(build.gpu).toBe(true);
    expect(machine.reported.at(-1)).toMatch('found no GPU');
    expect(machine.ran.filter((line) => line.includes('--target')).map((line) => line.split(' ').at(-1))).toEqual([
      'tensorflow',
      'nvidia-cublas-cu12<13.0,>=12.5',
    ]);
  });
});

describe('a cache that was damaged', () => {
  test('an addon that was cut off is built again, and until then it is not loaded', async () => {
    const machine = fakeMachine();
    await machine.install();
    writeFileSync(machine.addon, 'an add');
    expect(
      (await prepare(machine))!.replaceAll(machine.root, '<root>').replace(/2\.21\.0-\w+/, '<key>'),
    ).toMatchInlineSnapshot(
      `"its native addon is damaged: '<root>/cache/native/builds/<key>/tfjs_binding.node' is not what was built. Build it again with 'tessera engine install' (in this repository: npm run engine:native)."`,
    );
    expect((await machine.install()).action).toBe('built');
    expect([compiled(machine), downloaded(machine)]).toEqual([2, 1]);
    expect(await prepare(machine)).toBeUndefined();
  });

  test('the same with a TensorFlow that is named', async () => {
    const machine = fakeMachine();
    const tensorflow = writeTensorFlow(join(machine.root, 'site'));
    await machine.install({ tensorflow });
    writeFileSync(machine.addon, 'an add');
    expect((await machine.install({ tensorflow })).action).toBe('built');
    expect(readFileSync(machine.addon, 'utf8')).toBe('an addon');
  });

  test('a library that was cut off is downloaded again', async () => {
    const machine = fakeMachine();
    await machine.install();
    writeFileSync(join(machine.cache, 'tensorflow/cpu/tensorflow/libtensorflow_cc.so.2'), 'a');
    expect(await prepare(machine)).toMatch('has 1 bytes instead of 9');
    expect((await machine.install()).action).toBe('built');
    expect([compiled(machine), downloaded(machine)]).toEqual([2, 2]);
  });

  test('a record that cannot be read is no build', async () => {
    const machine = fakeMachine();
    await machine.install();
    for (const name of readdirSync(join(machine.cache, 'builds'))) {
      writeFileSync(join(machine.cache, 'builds', name, 'build.json'), '{"formatVersion":1');
    }
    expect((await machine.install()).action).toBe('built');
  });

  test('a cache that is gone leaves a dangling link, and that is told', async () => {
    const machine = fakeMachine();
    await machine.install();
    rmSync(machine.cache, { recursive: true });
    expect((await prepare(machine))!.replaceAll(machine.root, '<root>')).toMatchInlineSnapshot(
      `"it is installed without its native addon (<root>/node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node). Build it with 'tessera engine install' (in this repository: npm run engine:native)."`,
    );
    expect((await machine.install()).action).toBe('built');
  });

  test('what an interrupted run left is removed, what a running one makes stays', async () => {
    const machine = fakeMachine();
    const gone = join(machine.cache, 'tensorflow/.partial-999999999-abc123');
    const running = join(machine.cache, `builds/.partial-${process.ppid}-abc123`);
    for (const folder of [gone, running]) mkdirSync(folder, { recursive: true });
    await machine.install();
    expect([existsSync(gone), existsSync(running)]).toEqual([false, true]);
    expect(machine.reported[0]).toBe('An earlier run was interrupted: what it left half-made is removed.');
  });

  test('a download that fails leaves nothing, and the next run goes on', async () => {
    const machine = fakeMachine();
    const pip = machine.commands['python3']!;
    machine.commands['python3'] = (args, options) => {
      pip(args, options);
      return { code: args.includes('--target') ? 1 : 0, stderr: 'ERROR: killed' };
    };
    expect(await machine.failure({ wheel: true })).toMatch('pip could not get tensorflow-cpu: killed');
    expect(readdirSync(join(machine.cache, 'tensorflow'))).toEqual([]);
    machine.commands['python3'] = pip;
    expect((await machine.install()).action).toBe('built');
  });
});

describe('remove', () => {
  test('takes away the link, the builds and the downloads', async () => {
    const machine = fakeMachine();
    await machine.install();
    expect((await machine.remove()).was).toBe('ours');
    expect([existsSync(machine.addon), existsSync(machine.cache)]).toEqual([false, false]);
    expect((await machine.remove()).was).toBe('nothing');
  });

  test('an addon from elsewhere is set aside by install, and comes back', async () => {
    const machine = fakeMachine();
    write(machine.addon, 'made by hand');
    expect((await machine.remove()).was).toBe('foreign');
    expect(readFileSync(machine.addon, 'utf8')).toBe('made by hand');
    await machine.install();
    expect(readlinkSync(machine.addon)).toContain(machine.cache);
    await machine.remove();
    expect(readFileSync(machine.addon, 'utf8')).toBe('made by hand');
  });

  test('a copy is known as ours', async () => {
    const machine = fakeMachine();
    await machine.install();
    rmSync(machine.addon);
    writeFileSync(machine.addon, 'an addon');
    expect((await machine.install()).action).toBe('unchanged');
    expect((await machine.remove()).was).toBe('ours');
  });

  test('what else is in the cache folder stays', async () => {
    const machine = fakeMachine();
    await machine.install();
    write(join(machine.cache, 'notes.txt'), 'mine');
    await machine.remove();
    expect(readdirSync(machine.cache)).toEqual(['notes.txt']);
  });
});
