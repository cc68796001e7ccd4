import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CancelledError } from '@tessera/core';
import { RunFolder } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { main } from '../src/program.ts';
import { fakeExperiment, fakeIo } from './fake-experiment.ts';
import type { FakeIo } from './fake-experiment.ts';
import { tessera } from './tessera.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('usage', () => {
  test('--help lists the commands', async () => {
    expect(await tessera(['--help'])).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      Usage: tessera [options] [command]

      World-model reinforcement learning in TypeScript.

      Options:
        -V, --version                              output the version number
        -h, --help                                 display help for command

      Commands:
        train [experiment]                         Train an experiment: tokenizer.
        eval [options] <dir>                       Measure a run again, from its newest checkpoint.
        watch [options] <dir>                      Make a film of an episode of a run, as a GIF.
        play [options] [game]                      Play a game yourself, or an agent's dream of it, in the terminal.
        study                                      Run a study: a fixed protocol, measured, with a report.
        list [options]                             List the runs.
        results [options] <runs...>                Merge runs of several seeds into a file of raw scores and a page of all such files; show what they say.
        tokenize [options] <tokenizer> <frames>    Turn PNGs or the frames of a replay into tokens.
        detokenize [options] <tokenizer> <tokens>  Turn tokens back into PNGs.
        export                                     Write a tokenizer as models for other runtimes.
        engine [options]                           Show the engine: what is installed, what runs and why, and how fast.
        help [command]                             display help for command
      --- stderr
      "
    `);
  });

  test('train tokenizer --help lists every setting with meaning, default and unit', async () => {
    expect(await tessera(['train', 'tokenizer', '--help'])).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      Usage: tessera train tokenizer [options]

      Learn a tokenizer.

      Options:
        --env <id>             environment (default: Breakout-v0)
        --seed <n>             seed of every generator (default: 0)
        --steps <n>            environment steps to learn from (the setting \`steps\`)
        --config <file>        settings as JSON
        --set <setting=value>  one setting; may be repeated
        --runs <dir>           folder in which the run folder is made (default: runs)
        --resume <dir>         go on with this run instead, as it was started; --steps
                               may be larger
        --backend <name>       back end: tensorflow, wasm, cpu; default: the fastest
                               there is
        --dry-run              show settings, parameters, FLOPs, memory and expected
                               time, and stop
        -h, --help             display help for command

      Settings (for --config FILE, as JSON, and --set setting=value):
        setting                 default  unit   type          meaning
        steps                   4        steps  integer >= 1  Environment steps to learn from
        codes                   64              integer >= 2  Size of the codebook
        optimizer.learningRate  0.0003          number > 0    Step size

      --- stderr
      "
    `);
  });

  test('--version', async () => {
    expect(await tessera(['--version'])).toMatch(/^exit 0\n--- stdout\n\d+\.\d+\.\d+\n--- stderr\n$/);
  });

  test('an unknown command or experiment is suggested, and ends with 2', async () => {
    expect(await tessera(['trian'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: unknown command 'trian'
      (Did you mean train?)
      (--help shows what there is)
      "
    `);
    expect(await tessera(['train', 'tokeniser', '--env', 'Catch-v0'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: train: unknown experiment 'tokeniser'. Did you mean 'tokenizer'? There are: tokenizer.
      "
    `);
    expect(await tessera(['train'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: train: name an experiment. There are: tokenizer.
      "
    `);
  });

  test('an unknown or incomplete option ends with 2', async () => {
    expect(await tessera(['train', 'tokenizer', '--sede', '1'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: unknown option '--sede'
      (Did you mean --seed?)
      (--help shows what there is)
      "
    `);
    expect(await tessera(['train', 'tokenizer', '--seed', '1.5'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --seed: expected a whole number >= 0, got "1.5".
      "
    `);
    expect(await tessera(['train', 'tokenizer', '--config'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: option '--config <file>' argument missing
      (--help shows what there is)
      "
    `);
    expect(await tessera(['eval'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: missing required argument 'dir'
      (--help shows what there is)
      "
    `);
  });

  test('nothing to do shows the help and ends with 2', async () => {
    const io = fakeIo();
    expect(await main([], io)).toBe(2);
    expect(io.out()).toBe('');
    expect(io.err()).toContain('Commands:');
  });

  test.prop(
    [
      fc.array(
        fc.oneof(
          fc.constantFrom('train', 'tokenizer', 'list', 'eval', 'watch', '--set', '--seed', '--resume', '--'),
          fc.string(),
        ),
        {
          maxLength: 5,
        },
      ),
    ],
    { numRuns: 50 },
  )('whatever the words, it ends with a code and without a stack', async (words) => {
    const io = fakeIo();
    const runs = temporaryFolder();
    // The folder comes first, so that no run is made anywhere else.
    const safe = words.flatMap((word) => (word === 'tokenizer' || word === 'list' ? [word, '--runs', runs] : [word]));
    expect([0, 1, 2]).toContain(await main(safe, io));
    expect(io.err()).not.toMatch(/^ +at .*:\d+/m);
    expect(io.err()).not.toContain('internal');
  });
});

describe('train', () => {
  test('makes a run and prints its folder on stdout, everything else on stderr', async () => {
    const runs = temporaryFolder();
    const io = fakeIo();
    const words = ['train', 'tokenizer', '--seed', '3', '--steps', '5', '--set', 'codes=8', '--runs', runs];
    expect(await tessera(words, io, runs)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      <root>/tokenizer-Breakout-v0-s3-20260131T120000Z
      --- stderr
      training: 3/5 steps (60 %), 0.5 steps/s, 4 s left, loss 0.3333
      training: 5/5 steps (100 %), 0.4545 steps/s, loss 0.2
      steps  5  of 5
      "
    `);
    const { config } = await RunFolder.open(io.out().trim());
    expect(config).toMatchObject({
      env: 'Breakout-v0',
      seed: 3,
      config: { steps: 5, codes: 8, optimizer: { learningRate: 3e-4 } },
    });
    expect(config.command).toBe('tessera train tokenizer --env Breakout-v0 --seed 3 --steps 5 --set codes=8');
  });

  test('--dry-run shows the plan and the resolved settings: defaults < environment < file < command line', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'small.json');
    writeFileSync(file, '{ "steps": 7, "optimizer": { "learningRate": 0.1 } }');
    const words = ['train', 'tokenizer', '--env', 'Catch-v0', '--config', file, '--set', 'steps=9', '--dry-run'];
    expect(await tessera(words)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {
        "experiment": "tokenizer",
        "env": "Catch-v0",
        "seed": 0,
        "config": {
          "steps": 9,
          "codes": 16,
          "optimizer": {
            "learningRate": 0.1
          }
        },
        "plan": {
          "parameters": 12345,
          "flopsPerStep": 6700000000,
          "memoryBytes": 805306368,
          "minutes": 2.5
        }
      }
      --- stderr
      parameters                 12.3 k
      FLOPs a training step       6.7 G
      memory                    768 MiB
      expected time          2 min 30 s
      "
    `);
  });

  test('wrong settings name the layer, the field, what was expected and what came', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'bad.json');
    writeFileSync(file, '{ "code": 7, "optimizer": { "learningRate": "fast" } }');
    expect(await tessera(['train', 'tokenizer', '--config', file, '--steps', '0'], fakeIo(), folder))
      .toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/bad.json: unknown field 'code'. Did you mean 'codes'?
      --steps 0: steps: expected integer >= 1, got 0.
      <root>/bad.json: optimizer.learningRate: expected number > 0, got "fast".
      "
    `);
    writeFileSync(file, '{ "steps": 7');
    expect(await tessera(['train', 'tokenizer', '--config', file], fakeIo(), folder)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/bad.json: expected JSON, such as {"steps": 1000}: Expected ',' or '}' after property value in JSON at position 12
      "
    `);
    expect(await tessera(['train', 'tokenizer', '--config', join(folder, 'none.json')], fakeIo(), folder))
      .toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: files: cannot read '<root>/none.json': no such file or folder. Check the path; folders are made with makeDirectory (ENOENT).
      "
    `);
    expect(await tessera(['train', 'tokenizer', '--set', 'codes'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --set codes: expected path.to.field=value, as in --set steps=1000.
      "
    `);
    expect(await tessera(['train', 'tokenizer', '--backend', 'wsam'])).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --backend: unknown back end 'wsam'. Did you mean 'wasm'? There are: tensorflow, wasm, cpu.
      "
    `);
  });

  const failing = (error: unknown): FakeIo =>
    fakeIo({ experiments: [fakeExperiment({ run: () => Promise.reject(error as Error) })] });

  test('an error that is a defect says so; TESSERA_DEBUG shows where', async () => {
    const runs = temporaryFolder();
    const words = ['train', 'tokenizer', '--runs', runs];
    expect(await tessera(words, failing(new TypeError('x is not a function')))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      training: 0/4 steps (0 %), 0 steps/s, ? left
      error: internal: x is not a function (a defect of Tessera; TESSERA_DEBUG=1 shows where)
      "
    `);
    const io = { ...failing(new TypeError('x is not a function')), variables: { TESSERA_DEBUG: '1' } };
    expect(await tessera(words, io)).toMatch(/TypeError: x is not a function\n +at /);
  });

  test('Ctrl-C lets the step finish, keeps the run and ends with 130', async () => {
    const runs = temporaryFolder();
    const io: FakeIo = fakeIo({
      experiments: [
        fakeExperiment({
          run: () => {
            io.controller.abort();
            return Promise.resolve();
          },
        }),
      ],
    });
    expect(await tessera(['train', 'tokenizer', '--runs', runs], io, runs)).toMatchInlineSnapshot(`
      "exit 130
      --- stdout
      <root>/tokenizer-Breakout-v0-s0-20260131T120000Z
      --- stderr
      training: 0/4 steps (0 %), 0 steps/s, ? left
      steps  0  of 4
      Stopped before the last step; what was done until then is saved.
      Continue with: tessera train tokenizer --resume <root>/tokenizer-Breakout-v0-s0-20260131T120000Z
      "
    `);
  });

  test('a cancelled experiment ends with 130 too', async () => {
    const io = failing(new CancelledError('rollouts: cancelled'));
    expect(await main(['train', 'tokenizer', '--runs', temporaryFolder()], io)).toBe(130);
    expect(io.err()).toMatch(/Stopped\.\n$/);
    expect(io.out()).toBe('');
  });
});

describe('list and eval', () => {
  test('list shows runs, and what is wrong with broken ones', async () => {
    const runs = temporaryFolder();
    await main(['train', 'tokenizer', '--runs', runs], fakeIo());
    mkdirSync(join(runs, 'broken'));
    expect(await tessera(['list', '--runs', runs], fakeIo(), runs)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      run                                        steps  time  NMSE  return  state
      broken                                                                broken
      tokenizer-Breakout-v0-s0-20260131T120000Z  4      2 s   0.25  4       done
      --- stderr
      broken: open run: '<root>/broken' is not a run folder: it has no config.json.
      "
    `);
    const io = fakeIo();
    await main(['list', '--json', '--runs', runs], io);
    expect(
      io
        .out()
        .trim()
        .split('\n')
        .map((line) => Object.keys(JSON.parse(line) as object)),
    ).toMatchInlineSnapshot(`
      [
        [
          "name",
          "directory",
          "problem",
        ],
        [
          "name",
          "directory",
          "config",
          "result",
        ],
      ]
    `);
  });

  test('list of nothing', async () => {
    expect(await tessera(['list', '--runs', 'no-such-folder'])).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      --- stderr
      No runs in 'no-such-folder'. \`tessera train\` makes one; --runs DIR looks elsewhere.
      "
    `);
  });

  test('eval gives JSON on stdout and a table on stderr', async () => {
    const runs = temporaryFolder();
    const trained = fakeIo();
    await main(['train', 'tokenizer', '--runs', runs, '--set', 'codes=32'], trained);
    expect(await tessera(['eval', trained.out().trim()])).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"run":"tokenizer-Breakout-v0-s0-20260131T120000Z","codes":32}
      --- stderr
      codes  32
      "
    `);
  });

  test('eval of what is no run, of an unknown experiment, of settings that do not fit any more', async () => {
    const runs = temporaryFolder();
    expect(await tessera(['eval', join(runs, 'none')], fakeIo(), runs)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: open run: there is no folder '<root>/none'. \`tessera list\` shows the runs that there are.
      "
    `);
    const options = { root: runs, experiment: 'tokeniser', env: 'Catch-v0', seed: 0, config: {} };
    const other = await RunFolder.create(options);
    expect(await tessera(['eval', other.directory], fakeIo(), other.directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: eval: '<root>' is a run of the experiment 'tokeniser', which is not known here. Did you mean 'tokenizer'? There are: tokenizer. Update Tessera if a newer one wrote it.
      "
    `);
    const old = await RunFolder.create({ ...options, experiment: 'tokenizer', config: { steps: 1, codebook: 2 } });
    expect(await tessera(['eval', old.directory], fakeIo(), old.directory)).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/config.json: config: unknown field 'codebook'. Known: steps, codes, optimizer.
      "
    `);
  });
});
