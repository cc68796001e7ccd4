import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackendError } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { main } from '../src/program.ts';
import { fakeExperiment, fakeIo } from './fake-experiment.ts';
import type { FakeIo, FakeOptions } from './fake-experiment.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { tessera } from './tessera.ts';

/** Surroundings that press Ctrl-C before the first step. */
function interrupted(options: FakeOptions = {}): FakeIo {
  const io: FakeIo = fakeIo({
    experiments: [fakeExperiment({ ...options, run: () => Promise.resolve(io.controller.abort()) })],
  });
  return io;
}

/** The folder of a run with 8 codes and seed 3 that was stopped before its first step of four. */
async function stoppedRun(options: FakeOptions = {}): Promise<string> {
  const io = interrupted(options);
  const words = ['train', options.name ?? 'tokenizer', '--seed', '3', '--set', 'codes=8', '--runs', temporaryFolder()];
  expect(await main(words, io)).toBe(130);
  return io.out().trim();
}

const resume = (directory: string, ...words: string[]): string[] => [
  'train',
  'tokenizer',
  '--resume',
  directory,
  ...words,
];

describe('train --resume', () => {
  test('goes on with the settings, the environment and the seed of the run', async () => {
    const directory = await stoppedRun();
    expect(await tessera(resume(directory), fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>
      --- stderr
      training: 3/4 steps (75 %), 0.5 steps/s, 2 s left, loss 0.3333
      training: 4/4 steps (100 %), 0.4444 steps/s, loss 0.25
      steps  4  of 4
      "
    `);
    expect(await (await RunFolder.open(directory)).readResult()).toMatchObject({ steps: 4, seed: 3, stopped: false });
    expect(readdirSync(directory)).not.toContain('.lock');
  });

  test('options that say what the run was started with are fine', async () => {
    const directory = await stoppedRun();
    const file = join(directory, '..', 'same.json');
    writeFileSync(file, '{ "codes": 8, "optimizer": { "learningRate": 3e-4 } }');
    const same = ['--env', 'Breakout-v0', '--seed', '3', '--steps', '4', '--set', 'codes=8', '--config', file];
    expect(await main(resume(directory, ...same, '--runs', join(directory, '..')), fakeIo())).toBe(0);
  });

  test('options that say something else are named, with what the run has', async () => {
    const directory = await stoppedRun();
    const before = readFileSync(join(directory, 'config.json'), 'utf8');
    const file = join(directory, '..', 'other.json');
    writeFileSync(file, '{ "optimizer": { "learningRate": 0.5 } }');
    const other = ['--env', 'Catch-v0', '--seed', '4', '--steps', '3', '--set', 'codes=9', '--config', file];
    expect(await tessera(resume(directory, ...other, '--runs', 'elsewhere'), fakeIo(), join(directory, '..')))
      .toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: train tokenizer --resume: '<root>/tokenizer-Breakout-v0-s3-20260131T120000Z' goes on as it was started; only steps may differ, and be larger.
      --env Catch-v0: the run has Breakout-v0.
      --seed 4: the run has 3.
      --runs elsewhere: the run is in <root>.
      --steps 3: steps: the run has 4, got 3; a run can be made longer, not shorter.
      --set codes=9: codes: the run has 8, got 9.
      <root>/other.json: optimizer.learningRate: the run has 0.0003, got 0.5.
      Leave these options out, or start a new run without --resume.
      "
    `);
    expect(await tessera(resume(directory, '--set', 'code=9'), fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: --set code=9: unknown field 'code'. Did you mean 'codes'?
      "
    `);
    expect(await tessera(resume(directory, '--seed', 'x'), fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --seed: expected a whole number >= 0, got "x".
      "
    `);
    expect(readFileSync(join(directory, 'config.json'), 'utf8')).toBe(before);
    expect(readdirSync(directory)).not.toContain('.lock');
  });

  test.prop([fc.integer({ min: 1, max: 12 }), fc.constantFrom('--steps', '--set')], { numRuns: 20 })(
    'steps may grow and not shrink; the settings remember it',
    async (steps, how) => {
      const directory = await stoppedRun();
      const given = how === '--steps' ? ['--steps', String(steps)] : ['--set', `steps=${steps}`];
      const code = await main(resume(directory, ...given), fakeIo());
      const run = await RunFolder.open(directory);
      const result = await run.readResult();
      if (steps < 4) {
        expect([code, run.config.config['steps'], result?.steps]).toEqual([1, 4, 0]);
        return;
      }
      expect([code, run.config.config['steps'], result?.steps]).toEqual([0, steps, steps]);
      expect(run.config.command).toBe(
        `tessera train tokenizer --env Breakout-v0 --seed 3 --set codes=8${steps === 4 ? '' : ` --steps ${steps}`}`,
      );
      expect(result?.command).toBe(run.config.command);
    },
  );

  test('a finished run is left as it is, unless it is given more steps', async () => {
    const directory = await stoppedRun();
    await main(resume(directory), fakeIo());
    const before = readFileSync(join(directory, 'result.json'), 'utf8');
    expect(await tessera(resume(directory), fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>
      --- stderr
      The run is finished: it has made its 4 steps. To go on with it, give it more: --steps 8.
      "
    `);
    expect(readFileSync(join(directory, 'result.json'), 'utf8')).toBe(before);
    expect(await tessera(resume(directory, '--steps', '6'), fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>
      --- stderr
      training: 6/6 steps (100 %), 1.5 steps/s, loss 0.1667
      steps  6  of 6, from 4 on
      "
    `);
  });

  test('a run that was killed while it was made longer is not finished', async () => {
    const directory = await stoppedRun();
    await main(resume(directory), fakeIo());
    const dies = fakeExperiment({ run: () => Promise.reject(new BackendError('the engine is gone.')) });
    expect(await main(resume(directory, '--steps', '6'), fakeIo({ experiments: [dies] }))).toBe(1);
    const io = fakeIo();
    expect(await main(resume(directory), io)).toBe(0);
    expect(io.err()).toContain('steps  6  of 6, from 4 on');
  });

  test('Ctrl-C again', async () => {
    const directory = await stoppedRun();
    expect(await tessera(resume(directory), interrupted(), directory)).toMatchInlineSnapshot(`
      "exit 130
      --- stdout
      <root>
      --- stderr
      training: 0/4 steps (0 %), 0 steps/s, ? left
      steps  0  of 4
      Stopped before the last step; what was done until then is saved.
      Continue with: tessera train tokenizer --resume <root>
      "
    `);
    expect(readdirSync(directory)).not.toContain('.lock');
  });

  test('a folder that another object holds', async () => {
    const directory = await stoppedRun();
    const release = await (await RunFolder.open(directory)).lock();
    const io = fakeIo();
    expect(await main(resume(directory), io)).toBe(1);
    expect(io.err()).toMatch(/^error: lock run: '.*' is in use by process \d+, which is this one, since/);
    const list = fakeIo();
    await main(['list', '--runs', join(directory, '..')], list);
    expect(list.out()).toMatch(/running\n$/);
    await release();
    expect(await main(resume(directory), fakeIo())).toBe(0);
  });

  test('a run of another experiment, of one that cannot go on, no run, and --dry-run', async () => {
    const experiments = [fakeExperiment(), fakeExperiment({ name: 'catch', fixedEnv: 'Catch-v0', once: true })];
    const directory = await stoppedRun();
    const io = (): FakeIo => fakeIo({ experiments });
    expect(await tessera(['train', 'catch', '--resume', directory], io(), directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: train catch --resume: '<root>' is a run of the experiment 'tokenizer', not of 'catch'. Use: tessera train tokenizer --resume <root>
      "
    `);
    const once = await stoppedRun({ name: 'catch', fixedEnv: 'Catch-v0', once: true });
    expect(await tessera(['train', 'catch', '--resume', once], io(), once)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: train catch --resume: runs of the experiment 'catch' cannot go on once they have ended. Start a new one without --resume; tessera eval <root> measures what this one saved.
      "
    `);
    expect(await tessera(resume(join(directory, 'none')), io(), directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: open run: there is no folder '<root>/none'. \`tessera list\` shows the runs that there are.
      "
    `);
    expect(await tessera(resume(directory, '--dry-run'), io(), directory)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --dry-run: it plans a new run, and --resume goes on with one. Leave one of them out.
      "
    `);
    expect(await tessera(resume(directory, '--backend', 'wsam'), io(), directory)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --backend: unknown back end 'wsam'. Did you mean 'wasm'? There are: tensorflow, wasm, cpu.
      "
    `);
  });

  test('settings that a newer schema refuses, and a run without a checkpoint', async () => {
    const root = temporaryFolder();
    const options = { root, experiment: 'tokenizer', env: 'Catch-v0', seed: 0 };
    const old = await RunFolder.create({ ...options, config: { steps: 1, codebook: 2 } });
    expect(await tessera(resume(old.directory), fakeIo(), old.directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/config.json: config: unknown field 'codebook'. Known: steps, codes, optimizer.
      "
    `);
    const empty = await RunFolder.create({ ...options, config: { steps: 1 } });
    expect(await tessera(resume(empty.directory), fakeIo(), empty.directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/checkpoints: no checkpoint yet. The run ended before it wrote one.
      "
    `);
    expect(readdirSync(empty.directory)).not.toContain('.lock');
  });
});

describe('watch', () => {
  test('prints the path of the film on stdout', async () => {
    const directory = await stoppedRun();
    expect(await tessera(['watch', directory], fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>/media/watch.gif
      --- stderr
      episode  Breakout-v0 from seed 3 on any
      "
    `);
    const words = ['watch', directory, '--seed', '12', '--backend', 'cpu'];
    expect(await tessera(words, fakeIo(), directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>/media/watch.gif
      --- stderr
      episode  Breakout-v0 from seed 12 on cpu
      "
    `);
  });

  test('of what cannot be watched', async () => {
    const once = await stoppedRun({ once: true });
    const experiments = [fakeExperiment({ once: true })];
    expect(await tessera(['watch', once], fakeIo({ experiments }), once)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: watch: a run of the experiment 'tokenizer' has no episode to show. Its pictures are in '<root>/media', and tessera eval measures it.
      "
    `);
    expect(await tessera(['watch', join(once, 'none')], fakeIo(), once)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: open run: there is no folder '<root>/none'. \`tessera list\` shows the runs that there are.
      "
    `);
    expect(await tessera(['watch', once, '--seed', '-1'], fakeIo(), once)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --seed: expected a whole number >= 0, got "-1".
      "
    `);
    expect(await tessera(['watch', once, '--backend', 'gpu'], fakeIo(), once)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --backend: unknown back end 'gpu'. Did you mean 'cpu'? There are: tensorflow, wasm, cpu.
      "
    `);
    expect(await tessera(['watch'], fakeIo(), once)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: missing required argument 'dir'
      (--help shows what there is)
      "
    `);
    const other = await stoppedRun({ name: 'catch' });
    expect(await tessera(['watch', other], fakeIo(), other)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: watch: '<root>' is a run of the experiment 'catch', which is not known here. There are: tokenizer. Update Tessera if a newer one wrote it.
      "
    `);
  });
});

describe('eval --episodes', () => {
  test('reaches the experiment; less than one is refused', async () => {
    const directory = await stoppedRun();
    const io = fakeIo();
    expect(await main(['eval', directory, '--episodes', '7'], io)).toBe(0);
    expect(JSON.parse(io.out())).toMatchObject({ episodes: 7 });
    expect(await tessera(['eval', directory, '--episodes', '0'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --episodes: expected a whole number >= 1, got "0".
      "
    `);
  });
});

describe('an experiment with an environment of its own', () => {
  const experiments = [fakeExperiment({ name: 'catch', fixedEnv: 'Catch-v0' })];

  test('trains in it and offers no --env', async () => {
    const runs = temporaryFolder();
    const io = fakeIo({ experiments });
    expect(await main(['train', 'catch', '--runs', runs], io)).toBe(0);
    const { config } = await RunFolder.open(io.out().trim());
    expect(config).toMatchObject({ env: 'Catch-v0', config: { codes: 16 }, command: 'tessera train catch --seed 0' });
    expect(await tessera(['train', 'catch', '--env', 'Breakout-v0'], fakeIo({ experiments }))).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: unknown option '--env'
      (--help shows what there is)
      "
    `);
    const help = fakeIo({ experiments });
    await main(['train', 'catch', '--help'], help);
    expect(help.out()).not.toContain('--env');
  });
});
