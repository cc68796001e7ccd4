import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';
import { describe, expect } from 'vitest';
import { test } from '@fast-check/vitest';
import { ConfigError, npRandom, WorkerError } from '@tessera/core';
import { spawnWorker, workerError } from '@tessera/core/node';

/** The end of a worker that is expected to die. */
async function deathOf(worker: Worker): Promise<WorkerError> {
  return new Promise((resolve) => {
    worker.once('error', (error) => resolve(workerError('player', { error })));
    worker.once('exit', (exitCode) => resolve(workerError('player', { exitCode })));
  });
}

describe('spawnWorker from TypeScript', () => {
  test('the worker imports packages by name, with the conditions of its parent', async () => {
    const { port1, port2 } = new MessageChannel();
    const worker = spawnWorker(import.meta.url, 'fixtures/echo-worker', {
      workerData: { seed: 5, port: port2 },
      transferList: [port2],
    });
    const [[message], [through]] = (await Promise.all([once(worker, 'message'), once(port1, 'message')])) as [
      [{ draw: number; execArgv: string[] }],
      [unknown],
    ];
    expect(message.draw).toBe(npRandom(5).random());
    expect(message.execArgv).toEqual(process.execArgv);
    expect(through).toBe('through the port');
    port1.close();
    await worker.terminate();
  });

  test.each([
    ['throw', "worker 'player': ShapeError: step: expected [4], got [5]."],
    ['throw a string', "worker 'player': it threw out of fuel"],
    ['reject', "worker 'player': RangeError: later"],
    ['exit', "worker 'player': ended with exit code 3 before its work was done, without an error of its own."],
  ])('a worker that dies by %s says so', async (death, message) => {
    const error = await deathOf(spawnWorker(import.meta.url, 'fixtures/dying-worker', { workerData: death }));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toBe(message);
  });

  test('the stack goes on with the one of the worker', async () => {
    const error = await deathOf(spawnWorker(import.meta.url, 'fixtures/dying-worker', { workerData: 'throw' }));
    expect(error.stack).toMatch(/in the worker: ShapeError: step: .*\n +at .*dying-worker\.ts/);
    expect(error.cause).toMatchObject({ name: 'ShapeError', message: 'step: expected [4], got [5].' });
  });

  test('a worker beyond its memory says what to do', async () => {
    const resourceLimits = { maxOldGenerationSizeMb: 40 };
    const options = { workerData: 'memory', resourceLimits };
    const { message } = await deathOf(spawnWorker(import.meta.url, 'fixtures/dying-worker', options));
    expect(message).toMatch(/^worker 'player': .*memory.* Use fewer or smaller workers, or raise resourceLimits\.$/);
  });

  test('a missing module is an error event', async () => {
    const { message } = await deathOf(spawnWorker(import.meta.url, 'fixtures/no-such-worker'));
    expect(message).toMatch(/Cannot find module .*no-such-worker\.ts/);
  });

  test('wrong arguments', () => {
    expect(() => spawnWorker(import.meta.url, 'fixtures/echo-worker.ts')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: spawnWorker: expected the module's name without its ending, got "fixtures/echo-worker.ts".]`,
    );
    expect(() => spawnWorker('echo-worker', 'x')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: spawnWorker: expected import.meta.url of the calling module, a file: address, got "echo-worker".]`,
    );
    expect(() => spawnWorker('https://example.org/a.js', 'x')).toThrow(ConfigError);
    expect(() => spawnWorker('file:///nowhere/at/all.ts', 'x')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: spawnWorker: to run workers from TypeScript source needs tsx. Install it as a development dependency, or run the compiled package.]`,
    );
  });
});

test('spawnWorker from JavaScript starts the .js file beside its parent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-spawn-'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(
    join(folder, 'child.js'),
    "import { parentPort, workerData } from 'node:worker_threads'; parentPort.postMessage(workerData + 1);",
  );
  const worker = spawnWorker(pathToFileURL(join(folder, 'parent.js')).href, 'child', { workerData: 41 });
  expect(await once(worker, 'message')).toEqual([42]);
  await worker.terminate();
  await rm(folder, { recursive: true });
});
