// A machine whose commands are functions, and a project folder with the package whose addon is built. Compiler, pip and the trial process leave the files that the real ones would.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { installEngine, removeEngine } from '../../src/native/install.ts';
import type { InstallOptions, InstallResult, RemoveResult } from '../../src/native/install.ts';
import type { CommandOptions, CommandResult, System } from '../../src/native/system.ts';

type Answer = Partial<CommandResult> | undefined;
type Command = (args: readonly string[], options: CommandOptions) => Answer;

export const succeeded: CommandResult = { code: 0, stdout: '', stderr: '' };

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-native-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function write(path: string, content = ''): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** What a wheel unpacks to, the Python files that are not wanted included. */
export function writeTensorFlow(folder: string, version = '2.21.0'): string {
  const inside = join(folder, 'tensorflow');
  write(join(inside, 'libtensorflow_cc.so.2'), 'a library');
  write(join(inside, 'libtensorflow_framework.so.2'), 'another library');
  write(join(inside, 'include/tensorflow/c/c_api.h'));
  write(join(inside, 'python/big.py'));
  write(join(folder, `tensorflow_cpu-${version}.dist-info/METADATA`), `Name: tensorflow_cpu\nVersion: ${version}\n`);
  return inside;
}

const answer = { version: '2.21.0', gpu: false, gradients: 20, worst: 1e-7 };

/** What the commands of a machine answer where everything is there; undefined stands for a command that is not. */
export function goodCommands(): Record<string, Command> {
  return {
    'g++': (args) => {
      if (args.includes('--version')) return { stdout: 'g++ 12.2.0\nand more' };
      write(args.at(-1)!, 'an addon');
      return {};
    },
    python3: (args) => {
      if (args.includes('--target')) writeTensorFlow(args[args.indexOf('--target') + 1]!);
      return {};
    },
    node: (args) => (/verify-worker/.test(args.at(-2)!) ? { stdout: JSON.stringify(answer) } : { code: 1 }),
  };
}

/** A machine, a project on it, and what was done there. */
export interface FakeMachine {
  readonly root: string;
  readonly cache: string;
  readonly addon: string;
  readonly system: System;
  readonly commands: Record<string, Command>;
  /** Commands that were run, as lines. */
  readonly ran: string[];
  /** Lines that were reported. */
  readonly reported: string[];
  readonly install: (options?: InstallOptions) => Promise<InstallResult>;
  /** The message with which installing fails, with the folder taken out. */
  readonly failure: (options?: InstallOptions) => Promise<string>;
  readonly remove: () => Promise<RemoveResult>;
}

export function fakeMachine(changes: Partial<System> = {}): FakeMachine {
  const root = temporaryFolder();
  const commands = goodCommands();
  const [ran, reported]: string[][] = [[], []];
  const home = join(root, 'home');
  const packageFolder = join(root, 'node_modules/@tensorflow/tfjs-node-gpu');
  const description = { version: '4.22.0', main: 'index.js', binary: { napi_versions: [3, 8] } };
  write(join(packageFolder, 'package.json'), JSON.stringify(description));
  for (const name of ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc', 'binding.gyp', 'scripts/install.js']) {
    write(join(packageFolder, name));
  }
  write(join(root, 'node/include/node/node_api.h'));
  const system: System = {
    platform: 'linux',
    arch: 'x64',
    execPath: join(root, 'node/bin/node'),
    versions: { node: '20.20.2', napi: '9', modules: '115' },
    env: { TESSERA_CACHE: join(root, 'cache') },
    home,
    includes: [],
    headersUrl: undefined,
    async run(command, args, options = {}) {
      ran!.push([command, ...args].join(' ').replaceAll(root, '<root>'));
      const name = command === system.execPath ? 'node' : command;
      const result = commands[name]?.(args, options);
      return result && { ...succeeded, ...result };
    },
    freeBytes: async () => 2 ** 40,
    download: () => Promise.reject(new Error('no network')),
    ...changes,
  };
  const from = pathToFileURL(join(root, 'index.js')).href;
  const install = (options: InstallOptions = {}): Promise<InstallResult> =>
    installEngine({ system, from, report: (line) => void reported!.push(line.replaceAll(root, '<root>')), ...options });
  return {
    root,
    cache: join(root, 'cache/native'),
    addon: join(packageFolder, 'lib/napi-v8/tfjs_binding.node'),
    system,
    commands,
    ran: ran!,
    reported: reported!,
    install,
    async failure(options) {
      const error = await install(options).then(
        () => new Error('it was installed'),
        (cause: unknown) => cause as Error,
      );
      return `${error.name}: ${error.message}`.replaceAll(root, '<root>').replaceAll(/\.partial-\d+-\w+/g, '<partial>');
    },
    remove: () => removeEngine({ system, from }),
  };
}
