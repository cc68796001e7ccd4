// Everything that can be missing, and what a person then reads.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CancelledError } from '@tessera/core';
import { fakeMachine, write, writeTensorFlow } from './fake-system.ts';

const wheel = { wheel: true };

describe('what can be missing', () => {
  test('the package', async () => {
    const machine = fakeMachine();
    rmSync(join(machine.root, 'node_modules'), { recursive: true });
    expect(await machine.failure()).toMatchInlineSnapshot(
      `"BackendError: engine install: the optional package @tensorflow/tfjs-node-gpu is not installed, and its sources are what is compiled. Install it with 'npm install --ignore-scripts @tensorflow/tfjs-node-gpu'."`,
    );
  });

  test('its sources', async () => {
    const machine = fakeMachine();
    rmSync(join(machine.root, 'node_modules/@tensorflow/tfjs-node-gpu/binding'), { recursive: true });
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: @tensorflow/tfjs-node-gpu is installed without its sources (<root>/node_modules/@tensorflow/tfjs-node-gpu/binding/tfjs_backend.cc). Install it again: 'npm install --ignore-scripts @tensorflow/tfjs-node-gpu'."`,
    );
  });

  test('a compiler, and then nothing is downloaded', async () => {
    const machine = fakeMachine();
    delete machine.commands['g++'];
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: no C++ compiler (tried g++, clang++, c++). Install it with 'apt-get install g++' (Debian, Ubuntu) or 'dnf install gcc-c++' (Fedora). Another one is named by the variable CXX."`,
    );
    expect(machine.ran.filter((line) => line.includes('pip'))).toEqual([]);
  });

  test('a compiler on macOS, and the one that CXX names', async () => {
    expect(await fakeMachine({ platform: 'darwin', env: { CXX: 'c++26' } }).failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: no C++ compiler (tried c++26). Install it with 'xcode-select --install'. Another one is named by the variable CXX."`,
    );
  });

  test('headers', async () => {
    const machine = fakeMachine({ headersUrl: 'an address' });
    rmSync(join(machine.root, 'node/include'), { recursive: true });
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: no headers of Node 20.20.2: node_api.h is in none of <root>/node/include/node, <root>/home/.cache/node-gyp/20.20.2/include/node, and it cannot be downloaded. Get it with 'npm install --no-save node-api-headers', or name a folder that holds include/node by the variable npm_config_nodedir."`,
    );
    expect(machine.ran.filter((line) => /^(npm|pip)/.test(line))).toHaveLength(1);
  });

  test('headers that npm has, or that Node says where to get', async () => {
    for (const command of ['npm', 'tar']) {
      const machine = fakeMachine({ headersUrl: 'an address', download: async () => Uint8Array.of(1) });
      rmSync(join(machine.root, 'node/include'), { recursive: true });
      machine.commands[command] = (args) => {
        const inside = command === 'npm' ? 'node_modules/node-api-headers/include' : 'node-v20.20.2/include/node';
        const folder = args[args.indexOf(command === 'npm' ? '--prefix' : '-C') + 1]!;
        return (write(join(folder, inside, 'node_api.h')), {});
      };
      expect((await machine.install()).action).toBe('built');
      rmSync(join(machine.cache, 'builds'), { recursive: true });
      expect((await machine.install()).action).toBe('built');
      expect(machine.ran.filter((line) => line.startsWith(command))).toHaveLength(1);
    }
  });

  test('pip', async () => {
    const machine = fakeMachine({ env: { TESSERA_PYTHON: '', TESSERA_CACHE: '' } });
    machine.commands['python3'] = () => ({ code: 1, stderr: 'No module named pip' });
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: no Python with pip (tried python3, python), which downloads TensorFlow. Install it with 'apt-get install python3-pip' (Debian, Ubuntu) or 'dnf install python3-pip' (Fedora). Or name a TensorFlow that is there: --tensorflow DIR."`,
    );
  });

  test('a network', async () => {
    const machine = fakeMachine();
    machine.commands['python3'] = (args) => {
      if (!args.includes('--target')) return {};
      const retry =
        "WARNING: Retrying after connection broken by 'NewConnectionError(Temporary failure in name resolution)'";
      const lost = 'ERROR: Could not find a version that satisfies the requirement tensorflow-cpu';
      return { code: 1, stderr: `${retry}\n${lost}\nERROR: No matching distribution found for tensorflow-cpu\n` };
    };
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: tensorflow-cpu cannot be downloaded: NewConnectionError. Check the network and pip's settings ('pip config list'; behind a proxy set HTTPS_PROXY), or name a TensorFlow that is there: --tensorflow DIR."`,
    );
    expect(machine.ran.filter((line) => line.includes('--target'))).toHaveLength(1);
  });

  test('a wheel for this machine; other Python versions are tried', async () => {
    const machine = fakeMachine();
    machine.commands['python3'] = (args) =>
      args.includes('--target')
        ? { code: 1, stderr: 'ERROR: No matching distribution found for tensorflow-cpu\n' }
        : {};
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: pip found no tensorflow-cpu for this machine: No matching distribution found for tensorflow-cpu. An old pip does not know new wheels: 'python3 -m pip install --upgrade pip'. Or name a TensorFlow that is there: --tensorflow DIR."`,
    );
    expect(machine.ran.flatMap((line) => /--python-version (\S+)/.exec(line)?.[1] ?? [])).toEqual([
      '3.11',
      '3.12',
      '3.13',
    ]);
  });

  test('any word of pip that is not known', async () => {
    const machine = fakeMachine();
    machine.commands['python3'] = (args) => (args.includes('--target') ? { code: 2, stderr: 'no such option' } : {});
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: pip could not get tensorflow-cpu: no such option. Try it by hand ('python3 -m pip download --no-deps tensorflow-cpu'), or name a TensorFlow that is there: --tensorflow DIR."`,
    );
  });

  test('disk space, before and while', async () => {
    const machine = fakeMachine({ freeBytes: async () => 3e8 });
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: expected 1.8 GiB of free disk space at '<root>/cache/native', got 0.28 GiB. Free some, or name a folder on another disk by the variable TESSERA_CACHE."`,
    );
    expect(await machine.failure({ prebuilt: true })).toMatchInlineSnapshot(
      `"BackendError: engine install: expected 1 GiB of free disk space at '<root>/cache/native/builds/<partial>', got 0.28 GiB. Free some, or name a folder on another disk by the variable TESSERA_CACHE."`,
    );
    const filling = fakeMachine();
    filling.commands['python3'] = (args) =>
      args.includes('--target') ? { code: 1, stderr: "OSError: [Errno 28] No space left on device: 'x'" } : {};
    expect(await filling.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: the disk of '<root>/cache/native/tensorflow/<partial>' is full. Free some space and run it again, or name a folder on another disk by the variable TESSERA_CACHE."`,
    );
  });

  test('what a named TensorFlow has to hold', async () => {
    const machine = fakeMachine();
    expect(await machine.failure({ tensorflow: join(machine.root, 'nowhere') })).toMatchInlineSnapshot(
      `"BackendError: engine install: expected a folder with TensorFlow's C library and headers, and '<root>/nowhere' has no libtensorflow_cc.so.2 and libtensorflow_framework.so.2. Name the folder 'tensorflow' of an unpacked wheel, or one with lib/ and include/ as libtensorflow is published."`,
    );
    const folder = writeTensorFlow(join(machine.root, 'python'));
    rmSync(join(folder, 'include'), { recursive: true });
    expect(await machine.failure({ tensorflow: folder })).toMatchInlineSnapshot(
      `"BackendError: engine install: expected a folder with TensorFlow's C library and headers, and '<root>/python/tensorflow' has no include/tensorflow/c/c_api.h. Name the folder 'tensorflow' of an unpacked wheel, or one with lib/ and include/ as libtensorflow is published."`,
    );
  });

  test('a Python, and TensorFlow in it', async () => {
    const machine = fakeMachine();
    expect(await machine.failure({ python: 'python9' })).toMatchInlineSnapshot(
      `"BackendError: engine install: 'python9' cannot be run as a Python. Name one with --python PYTHON, or the variable TESSERA_PYTHON."`,
    );
    machine.commands['python3'] = () => ({ stdout: '\n' });
    expect(await machine.failure({ python: 'python3' })).toMatchInlineSnapshot(
      `"BackendError: engine install: the Python 'python3' has no TensorFlow. Install it there with 'python3 -m pip install tensorflow-cpu', or leave --python out."`,
    );
  });

  test('a yes to several gigabytes', async () => {
    const machine = fakeMachine();
    expect(await machine.failure({ gpu: true })).toMatchInlineSnapshot(
      `"BackendError: engine install: the CUDA libraries were not downloaded, since nobody agreed. Run it again with --yes, or without --gpu for the CPU's."`,
    );
    const asked: string[] = [];
    await machine.failure({ gpu: true, confirm: async (question) => asked.push(question) < 0 });
    expect(asked).toMatchInlineSnapshot(`
      [
        "TensorFlow with CUDA is about 4 GB to download and 10 GB on disk, and experimental here. Go on?",
      ]
    `);
    expect(machine.ran.filter((line) => line.includes('--target'))).toEqual([]);
  });

  test('a binary of its maker', async () => {
    const machine = fakeMachine();
    machine.commands['node'] = () => ({ code: 1, stderr: 'throw er;\nError: getaddrinfo ENOTFOUND host\n  at x\n' });
    expect(await machine.failure({ prebuilt: true })).toMatchInlineSnapshot(
      `"BackendError: engine install: TensorFlow.js's own binary could not be had: Error: getaddrinfo ENOTFOUND host. It is downloaded from its maker's host and exists for few systems; without --prebuilt the addon is compiled here."`,
    );
  });

  test('a platform', async () => {
    expect(await fakeMachine({ platform: 'win32' }).failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: the addon is compiled on Linux and macOS only, and this is win32 x64. Take TensorFlow.js's own binary: 'tessera engine install --prebuilt'."`,
    );
  });
});

describe('what can go wrong', () => {
  test('the compiler fails, and its first error is told', async () => {
    const machine = fakeMachine();
    const errors = 'In file included from x\ntfjs_backend.cc:3:1: error: no type named int9.\nx: error: second\n';
    machine.commands['g++'] = (args) =>
      args.includes('--version') ? { stdout: 'g++ 4' } : { code: 1, stderr: errors };
    expect(await machine.failure(wheel)).toMatchInlineSnapshot(
      `"BackendError: engine install: g++ could not compile the addon: tfjs_backend.cc:3:1: error: no type named int9. The compiler must know C++17; name another one by the variable CXX, or another TensorFlow with --tensorflow DIR."`,
    );
  });

  test('the addon crashes, does not load, or computes nonsense; the old one stays', async () => {
    const machine = fakeMachine();
    write(machine.addon, 'the old one');
    const answers = [
      { code: null },
      { stdout: JSON.stringify({ failure: 'libtensorflow_cc.so.2: cannot open shared object file: No such file' }) },
      { stdout: JSON.stringify({ version: '2.21.0', gpu: false, gradients: 20, worst: 0.5 }) },
      // What JSON makes of NaN.
      { stdout: JSON.stringify({ version: '2.21.0', gpu: false, gradients: 20, worst: null }) },
      { code: 1, stderr: '    throw new TypeError(\nTypeError: binding.x is not a function\n' },
    ];
    const failures: string[] = [];
    for (const answer of answers) {
      machine.commands['node'] = () => answer;
      failures.push(await machine.failure(wheel));
    }
    expect(failures.map((text) => text.replace(/ Nothing was linked.*/, ''))).toMatchInlineSnapshot(`
      [
        "BackendError: engine install: the addon was built, but does not work: the process that tried it crashed.",
        "BackendError: engine install: the addon was built, but does not work: libtensorflow_cc.so.2: cannot open shared object file: No such file. The TensorFlow that it was built against has gone.",
        "BackendError: engine install: the addon was built, but does not work: 20 gradients differ from those of the cpu backend by up to 0.5.",
        "BackendError: engine install: the addon was built, but does not work: 20 gradients differ from those of the cpu backend by up to null.",
        "BackendError: engine install: the addon was built, but does not work: TypeError: binding.x is not a function.",
      ]
    `);
    machine.commands['node'] = () => undefined;
    expect((await machine.install().catch((error: Error) => error.message)) as string).toMatch(
      'the process that tried it crashed',
    );
  });

  test('flags exclude one another', async () => {
    expect(await fakeMachine().failure({ wheel: true, prebuilt: true, python: 'x' })).toMatchInlineSnapshot(
      `"ConfigError: engine install: --python and --wheel and --prebuilt exclude one another. Give one of them."`,
    );
  });

  test('nothing works: each way says why', async () => {
    const machine = fakeMachine();
    delete machine.commands['python3'];
    machine.commands['node'] = () => ({ code: 1, stderr: 'Error: getaddrinfo ENOTFOUND host' });
    expect(await machine.failure()).toMatchInlineSnapshot(`
      "BackendError: engine install: no way led to a native engine.
        - wheel: no Python with pip (tried python3, python), which downloads TensorFlow. Install it with 'apt-get install python3-pip' (Debian, Ubuntu) or 'dnf install python3-pip' (Fedora). Or name a TensorFlow that is there: --tensorflow DIR.
        - prebuilt: TensorFlow.js's own binary could not be had: Error: getaddrinfo ENOTFOUND host. It is downloaded from its maker's host and exists for few systems; without --prebuilt the addon is compiled here."
    `);
  });

  test('Ctrl-C stops it, and no other way is tried', async () => {
    const machine = fakeMachine();
    machine.commands['python3'] = () => {
      throw new CancelledError('stopped');
    };
    expect(await machine.failure()).toBe('CancelledError: stopped');
    expect(machine.ran.filter((line) => line.includes('install.js'))).toEqual([]);
  });
});
