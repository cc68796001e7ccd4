import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolder } from '@tessera/runs';
import { test } from '@fast-check/vitest';
import { beforeAll, describe, expect } from 'vitest';
import { buildAll, command } from '../support/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tessera, tesseraProcess } from '../support/tessera.ts';
import { galleryModule, onlyRun, tinyRun, until } from '../support/tiny-run.ts';

const timeout = 90_000;

beforeAll(() => buildAll(), 240_000);

/** A run that nobody wants to wait for. */
const endless = ['steps=1000000', 'measure.logEvery=1'];

/** Waits until the only run under `root` has lines of metrics and a checkpoint. */
async function trained(root: string): Promise<void> {
  const has = (...parts: string[]): boolean => existsSync(join(onlyRun(root), ...parts));
  const begun = (): boolean =>
    existsSync(join(root, 'runs')) && readdirSync(join(root, 'runs')).some((name) => !name.startsWith('.'));
  await until(
    () =>
      begun() &&
      has('metrics.jsonl') &&
      readdirSync(join(onlyRun(root), 'checkpoints')).some((name) => /^\d/.test(name)),
    'a first checkpoint',
  );
}

describe('the compiled command', () => {
  test('errors go to stderr and are exit codes', { timeout }, async () => {
    const root = temporaryFolder();
    const unknown = await tesseraProcess(tinyRun({ root, env: 'Breakuot-v0' }));
    expect(unknown).toMatchObject({ code: 1, out: '' });
    expect(unknown.err).toMatch(/^error: train: --env Breakuot-v0: .*Did you mean: `Breakout`\?/m);
    const misspelt = await tesseraProcess(['train', 'tokeniser']);
    expect(misspelt).toMatchObject({ code: 2, out: '' });
    expect(misspelt.err).toMatch(/unknown experiment 'tokeniser'\. Did you mean 'tokenizer'\?/);
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });

  test('an environment that throws in its worker ends it with 1', { timeout }, async () => {
    const root = temporaryFolder();
    const kwargs = { failure: 'throw', failStep: 150 } as const;
    const { code, out, err } = await tesseraProcess(tinyRun({ root, kwargs }));
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^error: rollouts: Gallery-v0 .* threw: the square left the gallery$/m);
    expect(err).not.toMatch(/^ +at /m);
  });

  // Root may write anywhere, so it becomes somebody else, who has to be able to read the command.
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  const probe = spawnSync(process.execPath, ['-e', `require('node:fs').accessSync(${JSON.stringify(command)})`], {
    uid,
  });
  const why = probe.status === 0 ? '' : ' (skipped: only root can read this copy of the repository)';
  test.skipIf(why !== '')(
    `a folder without permission to write is a message and exit code 1${why}`,
    { timeout },
    async () => {
      const root = temporaryFolder();
      const words = tinyRun({ root, env: 'Breakout-v0', set: ['rollouts.envModules=[]'] });
      mkdirSync(join(root, 'runs'));
      chmodSync(join(root, 'runs'), 0o555);
      chmodSync(root, 0o755);
      const { code, out, err } = await tesseraProcess(words, { ...(uid !== undefined && { uid }), cwd: root });
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(
        /^error: files: cannot make the folder '.*': no permission\. .*choose a folder of your own \(EACCES\)\.$/m,
      );
    },
  );
});

describe('Ctrl-C', () => {
  test('once: the step ends, everything is saved, and the run can be evaluated', { timeout }, async () => {
    const root = temporaryFolder();
    const { code, out, err } = await tesseraProcess(tinyRun({ root, set: endless }), {
      during: async (child) => {
        await trained(root);
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(err).toContain('Stopping after this step; once more stops at once.\n');
    expect(err).toContain('Stopped before the last step; what was done until then is saved.\n');
    const directory = onlyRun(root);
    expect(out).toBe(`${directory}\n`);
    const run = await RunFolder.open(directory);
    const result = await run.readResult();
    expect(result).toMatchObject({ stopped: true, backend: 'wasm' });
    const { meta } = await run.readCheckpoint();
    expect(meta['envSteps']).toBe(result!.steps);
    expect(meta['updates']).toBe((await run.readMetrics()).at(-1)!.values['updates']);
    const again = await tesseraProcess(['eval', directory, '--backend', 'wasm']);
    expect(again).toMatchObject({ code: 0 });
    // The same tokenizer on the same frames; JSON has no NaN.
    const { tokenizer } = JSON.parse(again.out) as { tokenizer: unknown };
    expect(tokenizer).toEqual(JSON.parse(JSON.stringify(result!.tokenizer)));
  });

  test('twice: ends at once, what was saved before stays', { timeout }, async () => {
    const root = temporaryFolder();
    const stuck = { failure: 'hang', failStep: 150 } as const;
    let interrupts = 0;
    const { code, out } = await tesseraProcess(tinyRun({ root, kwargs: stuck, set: endless }), {
      during: async (child) => {
        await trained(root);
        child.kill('SIGINT');
      },
      onStderr: (text, child) => {
        if (text.includes('Stopping after this step') && interrupts++ === 0) child.kill('SIGINT');
      },
    });
    expect({ code, out }).toEqual({ code: 130, out: '' });
    const directory = onlyRun(root);
    expect(await (await RunFolder.open(directory)).readResult()).toBeUndefined();
    expect(await tessera(['eval', directory, '--backend', 'wasm'])).toMatchObject({ code: 0 });
  });

  test('before anything was trained: nothing to save, and it says so', { timeout }, async () => {
    const root = temporaryFolder();
    const controller = new AbortController();
    controller.abort();
    expect(await tessera(tinyRun({ root }), controller.signal)).toMatchObject({
      code: 130,
      out: '',
      err: expect.stringMatching(/Stopped\.\n$/) as string,
    });
  });
});

describe('kill -9', () => {
  test('leaves the newest complete checkpoint, which can be evaluated', { timeout }, async () => {
    const root = temporaryFolder();
    const { code } = await tesseraProcess(tinyRun({ root, set: endless }), {
      during: async (child) => {
        await trained(root);
        child.kill('SIGKILL');
      },
    });
    expect(code).toBeNull();
    const directory = onlyRun(root);
    const run = await RunFolder.open(directory);
    expect(await run.readResult()).toBeUndefined();
    const { meta, tensors } = await run.readCheckpoint();
    expect(Number(meta['updates']) % 5).toBe(0);
    expect(tensors['counters.updates']!.data[0]).toBe(meta['updates']);
    expect((await run.readMetrics()).length).toBeGreaterThan(0);
    expect(await tessera(['eval', directory, '--backend', 'wasm'])).toMatchObject({ code: 0 });
    expect(readFileSync(join(directory, 'config.json'), 'utf8')).toContain(galleryModule);
  });
});
