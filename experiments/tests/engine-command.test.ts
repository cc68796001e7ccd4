import { BackendError } from '@tessera/core';
import type { BuildRecord, EngineStatus, InstallOptions, InstallResult } from '@tessera/engine/node';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { addEngineCommands } from '../src/engine-command.ts';
import type { EngineTools } from '../src/engine-command.ts';
import { fakeIo } from './fake-experiment.ts';
import { tessera } from './tessera.ts';

const build: BuildRecord = {
  formatVersion: 1,
  strategy: 'wheel',
  why: 'no other TensorFlow was named, and pip has the newest',
  gpu: false,
  platform: 'linux',
  arch: 'x64',
  node: '20.20.2',
  modules: '115',
  napi: 8,
  tfjs: '4.22.0',
  tensorflow: { folder: 'cache/tensorflow', version: '2.21.0', libraries: {} },
  compiler: 'g++ 12.2.0',
  sources: 'abc',
  addon: 'tfjs_binding.node',
  sha256: '00',
  verified: {
    version: '2.21.0',
    gpu: false,
    route: 'function',
    ownKernels: true,
    gradients: 20,
    worst: 2.646e-7,
  },
  builtAt: '2026-01-02T03:04:05.000Z',
};

const status: EngineStatus = {
  chosen: { backend: 'tensorflow-cpu', note: 'tensorflow-cpu: TensorFlow 2.21.0.' },
  versions: { node: '20.20.2', tfjsNode: '4.22.0', tensorflow: '2.21.0' },
  addon: { path: 'modules/tfjs_binding.node', state: 'ours', damage: null },
  build,
  cache: 'cache',
  backends: [
    { backend: 'tensorflow-cpu', available: true, note: 'x', threads: 2, gflops: 99.3 },
    { backend: 'wasm', available: true, note: 'x', threads: 1, gflops: 40.5 },
    { backend: 'cpu', available: true, note: 'x', threads: 1, gflops: 0.994 },
  ],
};

interface Ran {
  readonly text: string;
  readonly installs: readonly InstallOptions[];
  readonly asked: readonly string[];
}

async function run(words: readonly string[], changes: Partial<EngineTools> = {}): Promise<Ran> {
  const io = fakeIo();
  const [installs, asked]: [InstallOptions[], string[]] = [[], []];
  const tools: EngineTools = {
    status: async () => status,
    install: async (options = {}) => {
      installs.push(options);
      options.report?.('Compiling.');
      return { action: 'built', build, addon: 'modules/tfjs_binding.node', attempts: [], seconds: 9.87 };
    },
    remove: async () => ({ was: 'ours', cache: 'cache' }),
    ask: async (question) => asked.push(question) < 0,
    ...changes,
  };
  const program = new Command('tessera').exitOverride();
  addEngineCommands(program, io, tools);
  await program.parseAsync(['engine', ...words], { from: 'user' });
  return { text: `--- stdout\n${io.out()}--- stderr\n${io.err()}`, installs, asked };
}

describe('engine', () => {
  test('shows what is installed, what runs and why, and how fast', async () => {
    expect((await run([])).text).toMatchInlineSnapshot(`
      "--- stdout
      --- stderr
      engine           tensorflow-cpu  tensorflow-cpu: TensorFlow 2.21.0.
      addon                 installed  modules/tfjs_binding.node
      TensorFlow from           wheel  no other TensorFlow was named, and pip has the newest; cache/tensorflow
      built                2026-01-02  in Node 20.20.2 by g++ 12.2.0; 20 gradients within 2.646e-7 of the cpu backend
      versions           Node 20.20.2  tfjs-node 4.22.0, TensorFlow 2.21.0
      cache                     cache  TESSERA_CACHE names another

      back end        GFLOPS  threads
      tensorflow-cpu  99      2
      wasm            41      1
      cpu             0.99    1
      "
    `);
  });

  test('an addon that is damaged is not called installed', async () => {
    const damaged: EngineStatus = { ...status, addon: { ...status.addon, damage: 'it was cut off' } };
    const { text } = await run([], { status: async () => damaged });
    expect(text).toMatch(/^addon +damaged +it was cut off$/m);
  });

  test('says what is missing', async () => {
    const reason = "backend 'tensorflow': the optional package is not installed.";
    const without: EngineStatus = {
      ...status,
      chosen: { backend: 'wasm', note: 'wasm: one thread.' },
      versions: { node: '20.20.2', tfjsNode: null, tensorflow: null },
      addon: { path: null, state: 'nothing', damage: null },
      build: null,
      backends: [{ backend: 'tensorflow', available: false, note: reason, threads: null, gflops: null }],
    };
    expect((await run([], { status: async () => without })).text).toMatchInlineSnapshot(`
      "--- stdout
      --- stderr
      engine            wasm  wasm: one thread.
      addon             none  the package is not installed
      versions  Node 20.20.2  tfjs-node -, TensorFlow -
      cache            cache  TESSERA_CACHE names another

      back end    GFLOPS  threads
      tensorflow  -       -        backend 'tensorflow': the optional package is not installed.
      "
    `);
  });

  test('--json puts all of it on stdout', async () => {
    const { text } = await run(['--json']);
    expect(JSON.parse(/--- stdout\n(.*)\n/.exec(text)![1]!)).toEqual(status);
  });
});

describe('engine install', () => {
  test('tells people what happens, and scripts with --json', async () => {
    expect((await run(['install'])).text).toMatchInlineSnapshot(`
      "--- stdout
      --- stderr
      Compiling.
      Built, tried and linked in 9.9 s: TensorFlow 2.21.0 on the CPU; 20 gradients agree within 2.646e-7.
      "
    `);
    const { text } = await run(['install', '--json']);
    const result = JSON.parse(/--- stdout\n(.*)\n/.exec(text)![1]!) as InstallResult;
    expect([result.action, result.build]).toEqual(['built', build]);
  });

  test('passes on what was asked for', async () => {
    const words = ['install', '--tensorflow', 'a', '--python', 'b', '--wheel', '--prebuilt', '--gpu'];
    const chosen = { tensorflow: 'a', python: 'b', wheel: true, prebuilt: true, gpu: true };
    expect((await run(words)).installs).toMatchObject([chosen]);
  });

  test('asks before a large download, unless --yes', async () => {
    const answers: (boolean | undefined)[] = [];
    const install: EngineTools['install'] = async (options = {}) => {
      answers.push(await options.confirm?.('9 GB?'));
      return { action: 'unchanged', build, addon: 'x', attempts: [], seconds: 0.01 };
    };
    expect((await run(['install', '--gpu'], { install })).asked).toEqual(['9 GB?']);
    expect((await run(['install', '--gpu', '--yes'], { install })).asked).toEqual([]);
    expect(answers).toEqual([false, true]);
  });

  test('fails with the message of what is missing', async () => {
    const install = (): Promise<never> => Promise.reject(new BackendError('engine install: no C++ compiler.'));
    await expect(run(['install'], { install })).rejects.toThrow('no C++ compiler');
  });
});

test('engine remove says what was there', async () => {
  const texts: string[] = [];
  for (const was of ['ours', 'nothing', 'foreign', 'dangling'] as const) {
    texts.push((await run(['remove'], { remove: async () => ({ was, cache: 'cache' }) })).text.split('\n')[2]!);
  }
  expect(texts).toMatchInlineSnapshot(`
    [
      "The native engine is removed; 'cache' holds no builds or downloads now.",
      "No native engine was linked; 'cache' holds no builds or downloads now.",
      "An addon that came from elsewhere is left where it is; 'cache' holds no builds or downloads now.",
      "The link to the native engine is removed; 'cache' holds no builds or downloads now.",
    ]
  `);
});

test('flags that exclude one another end the program with 1', async () => {
  const text = await tessera(['engine', 'install', '--wheel', '--prebuilt']);
  expect(text).toMatchInlineSnapshot(`
    "exit 1
    --- stdout
    --- stderr
    error: engine install: --wheel and --prebuilt exclude one another. Give one of them.
    "
  `);
});
