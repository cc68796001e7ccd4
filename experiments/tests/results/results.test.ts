// `tessera results`: what runs of several seeds become, and which runs it refuses.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { injectFaults } from '@tessera/core/node';
import { RunFolder } from '@tessera/runs';
import type { RunResult } from '@tessera/runs';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { main } from '../../src/program.ts';
import { resultsChart, resultsPage } from '../../src/results/page.ts';
import { parseResults, resultsText } from '../../src/results/schema.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';

function scores(returns: readonly number[]) {
  const meanReturn = returns.reduce((sum, x) => sum + x, 0) / returns.length;
  return { meanReturn, standardError: 0.5, episodes: returns.length, meanLength: 9, truncated: 0, returns };
}

interface FakeRun {
  readonly seed?: number;
  readonly experiment?: string;
  readonly env?: string;
  readonly config?: Record<string, unknown>;
  readonly returns?: readonly number[];
  /** What the result has instead. */
  readonly result?: Partial<RunResult>;
}

const settings = { steps: 500, width: 8, rollouts: { envKwargs: {} }, evaluation: { episodes: 2, maxSteps: 30 } };

/** A run folder whose agent had these returns; gives its path. */
async function fakeRun(root: string, fake: FakeRun = {}): Promise<string> {
  const { seed = 0, experiment = 'breakout', env = 'Breakout-v0', config = settings, returns = [1, 2] } = fake;
  const command = `tessera train ${experiment} --seed ${seed}`;
  const run = await RunFolder.create({ root: join(root, 'runs'), experiment, env, seed, command, config });
  await run.writeResult({
    experiment,
    env,
    seed,
    steps: config['steps'] as number,
    wallSeconds: 60 + seed,
    backend: 'cpu',
    versions: {},
    command,
    commit: 'c0ffee',
    machine: '2 cores',
    evaluation: { ...scores(returns), policy: 'sampled', greedy: scores(returns.map((x) => x + 1)) },
    baselines: { random: { ...scores([0, seed]), note: 'every action equally likely' } },
    ...fake.result,
  });
  return run.directory;
}

async function results(root: string, ...words: readonly string[]) {
  const io = fakeIo();
  const code = await main(['results', ...words, '--out', join(root, 'results')], io);
  const clean = (text: string) => text.replaceAll(root, '<root>').replaceAll(/-\d{8}T\d{6}Z(-\d+)?/g, '-<time>');
  return { code, out: clean(io.out()), err: clean(io.err()) };
}

describe('tessera results', () => {
  test('merges seeds and baselines, shows a table, and keeps every return', async () => {
    const root = temporaryFolder();
    const seeds = [
      [1, 2],
      [4, 6],
      [7, 7],
      [30, 50],
    ];
    const runs = await Promise.all(seeds.map(async (returns, seed) => fakeRun(root, { seed, returns })));
    const ppo = await fakeRun(root, { experiment: 'ppo', returns: [3, 3] });
    const longer = await fakeRun(root, { experiment: 'ppo', returns: [3, 5], config: { ...settings, steps: 900 } });
    const { code, out, err } = await results(root, ...runs.toReversed(), '--baseline', ppo, longer, '--task', 'b-500');
    // Interquartile mean of 1.5, 5, 7 and 40: (5 + 7) / 2.
    expect(err).toMatchInlineSnapshot(`
      "policy                     seeds  mean   IQM   95 % interval  time
      breakout, sampled          4      13.38  6.00  1.50 to 40.00  1 min 02 s
      breakout, greedy           4      14.38  7.00  2.50 to 41.00
      random                     4      0.75   0.75  0.00 to 1.50
      ppo, sampled               1      3.00   3.00  -              1 min 00 s
      ppo, greedy                1      4.00   4.00  -
      ppo at 900 steps, sampled  1      4.00   4.00  -              1 min 00 s
      ppo at 900 steps, greedy   1      5.00   5.00  -
      "
    `);
    expect([code, out]).toEqual([0, '<root>/results/b-500.json\n']);
    const path = join(root, 'results', 'b-500.json');
    const file = parseResults(readFileSync(path, 'utf8'), path);
    expect(file).toMatchObject({
      task: 'b-500',
      env: 'Breakout-v0',
      experiment: 'breakout',
      command: 'tessera train breakout --seed 0',
      commit: 'c0ffee',
      machine: '2 cores',
      backend: 'cpu',
      steps: 500,
      config: settings,
    });
    expect(Object.keys(file.seeds)).toEqual(['0', '1', '2', '3']);
    for (const [seed, returns] of seeds.entries()) {
      const { episodes: _, ...own } = scores(returns);
      expect(file.seeds[seed]).toMatchObject({ ...own, policy: 'sampled', wallSeconds: 60 + seed });
      expect(file.seeds[seed]!.greedy!.returns).toEqual(returns.map((x) => x + 1));
    }
    expect(Object.keys(file.baselines)).toEqual(['random', 'ppo', 'ppo at 900 steps']);
    expect(file.baselines['random']!.seeds['3']!.returns).toEqual([0, 3]);
    expect(file.baselines['ppo']).toMatchObject({ experiment: 'ppo', steps: 500, seeds: { 0: { returns: [3, 3] } } });
    expect(readFileSync(path, 'utf8')).toContain('"returns": [30, 50]');
  });

  test('one seed has no interval', async () => {
    const root = temporaryFolder();
    const { err } = await results(root, await fakeRun(root), '--task', 'one');
    expect(err).toMatchInlineSnapshot(`
      "policy             seeds  mean  IQM   95 % interval  time
      breakout, sampled  1      1.50  1.50  -              1 min 00 s
      breakout, greedy   1      2.50  2.50  -
      random             1      0.00  0.00  -
      "
    `);
  });

  test('makes the page of all tasks of the folder', async () => {
    const root = temporaryFolder();
    const worldModel = {
      tokens: 0.99,
      changedTokens: 0.95,
      openLoop: {
        windows: 4,
        horizon: 2,
        tokens: 0.9,
        changedTokens: 0.8,
        lastRealFrame: 0.7,
        tokensByStep: [0.95, 0.9],
        changedTokensByStep: [0.9, 0.8],
      },
      endF1: NaN,
      imaginedSteps: 12_345,
    };
    const phases = { 'world model': { seconds: 90, flops: 9e11, gflops: 10 } };
    const first = await fakeRun(root, { result: { worldModel, phases } });
    const second = await fakeRun(root, { seed: 1, returns: [-3, 5], result: { worldModel, phases } });
    const other = await fakeRun(root, { experiment: 'ppo', returns: [-1, -2] });
    expect((await results(root, first, second, '--task', 'later', '--baseline', other)).code).toBe(0);
    const folder = join(root, 'results');
    const picture = readFileSync(join(folder, 'later.svg'), 'utf8');
    expect((await results(root, other, '--task', 'earlier')).code).toBe(0);
    expect(readFileSync(join(folder, 'later.svg'), 'utf8')).toBe(picture);
    expect(picture).not.toMatch(/NaN|="-/);
    expect(readFileSync(join(folder, 'tables.md'), 'utf8')).toMatchInlineSnapshot(`
      "# Results

      Made by \`tessera results\` from the files beside it, which hold every return. Over seeds: the mean of their mean returns, its interquartile mean (IQM) and a 95 % bootstrap interval of that; time is the mean of the wall times, with evaluation.

      ## earlier

      Breakout-v0, 500 environment steps, 2 episodes a seed. cpu on 2 cores, commit \`c0ffee\`. The first seed again: \`tessera train ppo --seed 0\`.

      | policy | seeds | mean | IQM | 95 % interval | time |
      | --- | --: | --: | --: | --: | --: |
      | ppo, sampled | 1 | -1.50 | -1.50 | - | 1 min 00 s |
      | ppo, greedy | 1 | -0.50 | -0.50 | - |  |
      | random | 1 | 0.00 | 0.00 | - |  |

      ![earlier](earlier.svg)

      ## later

      Breakout-v0, 500 environment steps, 2 episodes a seed. cpu on 2 cores, commit \`c0ffee\`. The first seed again: \`tessera train breakout --seed 0\`.

      | policy | seeds | mean | IQM | 95 % interval | time |
      | --- | --: | --: | --: | --: | --: |
      | breakout, sampled | 2 | 1.25 | 1.25 | 1.00 to 1.50 | 1 min 01 s |
      | breakout, greedy | 2 | 2.25 | 2.25 | 2.00 to 2.50 |  |
      | random | 2 | 0.25 | 0.25 | 0.00 to 0.50 |  |
      | ppo, sampled | 1 | -1.50 | -1.50 | - | 1 min 00 s |
      | ppo, greedy | 1 | -0.50 | -0.50 | - |  |

      ![later](later.svg)

      | measured | mean [smallest, largest] |
      | --- | --: |
      | tokens right, one step, % | 99 |
      | of the tokens that change, % | 95 |
      | tokens right, 10 steps open loop, % | 90 |
      | the last real frame copied, % | 70 |
      | imagined steps | 12300 |
      | world model, time | 1 min 30 s |
      | world model, GFLOPS | 10 |
      "
    `);

    const before = readFileSync(join(folder, 'tables.md'), 'utf8');
    writeFileSync(join(folder, 'package.json'), '{}');
    writeFileSync(join(folder, 'earlier.json'), readFileSync(join(folder, 'earlier.json'), 'utf8').slice(0, 99));
    const refused = await results(root, first, '--task', 'third');
    expect([refused.code, refused.err.split('\n')[0]]).toMatchInlineSnapshot(`
      [
        1,
        "error: <root>/results/earlier.json: expected the results of a task, got text that is no JSON.",
      ]
    `);
    expect(readFileSync(join(folder, 'tables.md'), 'utf8')).toBe(before);
    expect(existsSync(join(folder, 'third.json'))).toBe(false);
  });

  test('replaces a file only when it is told to, and whole or not at all', async () => {
    const root = temporaryFolder();
    const path = join(root, 'results', 'b.json');
    const [first, second] = [await fakeRun(root), await fakeRun(root, { seed: 1 })];
    expect((await results(root, first, '--task', 'b')).code).toBe(0);
    const before = readFileSync(path, 'utf8');
    const refused = await results(root, first, second, '--task', 'b');
    expect([refused.code, refused.err]).toMatchInlineSnapshot(`
      [
        1,
        "error: results: there is a file '<root>/results/b.json' already. Choose another task, or replace it with --overwrite.
      ",
      ]
    `);
    const disk = injectFaults({ rename: () => 'ENOSPC' });
    try {
      expect((await results(root, first, second, '--task', 'b', '--overwrite')).code).toBe(1);
    } finally {
      disk();
    }
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect((await results(root, first, second, '--task', 'b', '--overwrite')).code).toBe(0);
    expect(Object.keys(parseResults(readFileSync(path, 'utf8'), path).seeds)).toEqual(['0', '1']);
    expect(readdirSync(join(root, 'results'))).toEqual(['b.json', 'b.svg', 'tables.md']);
  });

  test('takes different commits and machines with --mixed, and says whose each seed is', async () => {
    const root = temporaryFolder();
    const other = { commit: 'beef-dirty', machine: '4 cores' };
    const runs = [await fakeRun(root, { seed: 5 }), await fakeRun(root, { seed: 6, result: other })];
    const refused = await results(root, ...runs, '--task', 'm');
    expect([refused.code, refused.err]).toMatchInlineSnapshot(`
      [
        1,
        "error: results: '<root>/runs/breakout-Breakout-v0-s5-<time>' and '<root>/runs/breakout-Breakout-v0-s6-<time>' do not belong together:
      commit: "c0ffee" and "beef-dirty".
      machine: "2 cores" and "4 cores".
      --mixed takes runs of different commits and machines; the file then says which seed is whose.
      ",
      ]
    `);
    expect((await results(root, ...runs, '--task', 'm', '--mixed')).code).toBe(0);
    const file = parseResults(readFileSync(join(root, 'results', 'm.json'), 'utf8'), 'm');
    expect(file).toMatchObject({ commit: 'c0ffee', machine: '2 cores', seeds: { 6: other } });
    expect(file.seeds['5']).not.toHaveProperty('commit');
  });

  test('refuses runs that do not belong together', async () => {
    const root = temporaryFolder();
    const first = await fakeRun(root);
    const narrow = { ...settings, width: 4, evaluation: { episodes: 2, maxSteps: 10 } };
    const wrong: FakeRun[][] = [
      [{ seed: 1, config: { ...settings, steps: 400 } }],
      [{ seed: 1, config: narrow }],
      [{ seed: 1, env: 'Catch-v0' }],
      [{ seed: 1, experiment: 'agent' }],
      [{ seed: 1, returns: [1, 2, 3] }],
      [{ seed: 1, result: { backend: 'wasm' } }],
      [{ seed: 0 }],
      [{ seed: 1, result: { stopped: true } }],
      [{ seed: 1, result: { steps: 300 } }],
      [{ seed: 1, result: { evaluation: undefined } }],
    ];
    const messages: string[] = [];
    for (const runs of wrong) {
      const others = await Promise.all(runs.map(async (fake) => fakeRun(root, fake)));
      const { code, err } = await results(root, first, ...others, '--task', 'w');
      messages.push(`${code} ${err}`);
    }
    for (const baseline of [{}, { experiment: 'ppo', config: narrow }, { experiment: 'ppo', env: 'Catch-v0' }]) {
      const { code, err } = await results(root, first, '--baseline', await fakeRun(root, baseline), '--task', 'w');
      messages.push(`${code} ${err}`);
    }
    for (const words of [[first, '--task', '../w'], [first], ['--task', 'w'], [join(root, 'nothing'), '--task', 'w']]) {
      const { code, err } = await results(root, ...words);
      messages.push(`${code} ${err}`);
    }
    expect(messages.join('')).toMatchInlineSnapshot(`
      "1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Breakout-v0-s1-<time>' do not belong together:
      steps: 500 and 400.
      config.steps: 500 and 400.
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Breakout-v0-s1-<time>' do not belong together:
      config.width: 8 and 4.
      config.evaluation.maxSteps: 30 and 10.
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Catch-v0-s1-<time>' do not belong together:
      env: "Breakout-v0" and "Catch-v0".
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/agent-Breakout-v0-s1-<time>' do not belong together:
      experiment: "breakout" and "agent".
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Breakout-v0-s1-<time>' do not belong together:
      episodes: 2 and 3.
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Breakout-v0-s1-<time>' do not belong together:
      backend: "cpu" and "wasm".
      Runs of one task differ in their seed alone.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/breakout-Breakout-v0-s0-<time>' are both of seed 0. Name one of them.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s1-<time>' has not ended. Go on with it first: tessera train breakout --resume <root>/runs/breakout-Breakout-v0-s1-<time>
      1 error: results: '<root>/runs/breakout-Breakout-v0-s1-<time>' has not ended. Go on with it first: tessera train breakout --resume <root>/runs/breakout-Breakout-v0-s1-<time>
      1 error: results: '<root>/runs/breakout-Breakout-v0-s1-<time>' is a run of 'breakout', which plays no episodes: it has no returns.
      1 error: results: --baseline '<root>/runs/breakout-Breakout-v0-s0-<time>' is of the same experiment as the runs, 'breakout'.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/ppo-Breakout-v0-s0-<time>' do not belong together:
      maxSteps: 30 and 10.
      A baseline plays as many episodes in the same environment.
      1 error: results: '<root>/runs/breakout-Breakout-v0-s0-<time>' and '<root>/runs/ppo-Catch-v0-s0-<time>' do not belong together:
      env: "Breakout-v0" and "Catch-v0".
      A baseline plays as many episodes in the same environment.
      2 error: --task ../w: expected a name of letters, digits, '-', '_' and '.', such as breakout-40k.
      2 error: required option '--task <name>' not specified
      (--help shows what there is)
      2 error: missing required argument 'runs'
      (--help shows what there is)
      1 error: open run: there is no folder '<root>/nothing'. \`tessera list\` shows the runs that there are.
      "
    `);
    expect(existsSync(join(root, 'results'))).toBe(false);
  });

  test('refuses damaged results in words', async () => {
    const root = temporaryFolder();
    const own = scores([1, 2]);
    const wrong: Partial<RunResult>[] = [
      { evaluation: { ...own, meanReturn: 7, policy: 'sampled' } },
      { evaluation: { ...own, meanReturn: NaN, policy: 'sampled' } },
      { evaluation: { meanReturn: 1, episodes: 2 } },
      { evaluation: { ...own, returns: [], policy: 'sampled' } },
      { evaluation: { ...own, policy: 'sampled', greedy: { ...own, returns: [5, 'x'] } } },
      { baselines: { constructor: { ...own, returns: [1, 9] } } },
    ];
    const messages: string[] = [];
    for (const [seed, result] of wrong.entries()) {
      const { code, err } = await results(root, await fakeRun(root, { seed, result }), '--task', 'd');
      messages.push(`${code} ${err}`);
    }
    expect(messages.join('')).toMatchInlineSnapshot(`
      "1 error: <root>/runs/breakout-Breakout-v0-s0-<time>: result.json: ✖ is not the mean of returns.
        → at evaluation.meanReturn
      1 error: <root>/runs/breakout-Breakout-v0-s1-<time>: result.json: ✖ Invalid input: expected number, received NaN
        → at evaluation.meanReturn
      1 error: <root>/runs/breakout-Breakout-v0-s2-<time>: result.json: ✖ Invalid input: expected number, received undefined
        → at evaluation.standardError
      ✖ Invalid input: expected number, received undefined
        → at evaluation.meanLength
      ✖ Invalid input: expected number, received undefined
        → at evaluation.truncated
      ✖ Invalid input: expected array, received undefined
        → at evaluation.returns
      ✖ Invalid option: expected one of "sampled"|"greedy"
        → at evaluation.policy
      1 error: <root>/runs/breakout-Breakout-v0-s3-<time>: result.json: ✖ Too small: expected array to have >=1 items
        → at evaluation.returns
      ✖ is not the mean of returns.
        → at evaluation.meanReturn
      1 error: <root>/runs/breakout-Breakout-v0-s4-<time>: result.json: ✖ Invalid input: expected number, received string
        → at evaluation.greedy.returns[1]
      1 error: <root>/runs/breakout-Breakout-v0-s5-<time>: result.json: ✖ is not the mean of returns.
        → at baselines.constructor.meanReturn
      "
    `);
  });

  test('a baseline may have any name', async () => {
    const root = temporaryFolder();
    const result = { baselines: { constructor: scores([1, 9]), toString: scores([2]) } };
    expect((await results(root, await fakeRun(root, { result }), '--task', 'n')).code).toBe(0);
    const file = parseResults(readFileSync(join(root, 'results', 'n.json'), 'utf8'), 'n');
    expect(Object.keys(file.baselines)).toEqual(['constructor', 'toString']);
  });
});

describe('the file', () => {
  test.prop([fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), fc.string()])(
    'comes back as it went in',
    (values, note) => {
      const list = values.map((value) => value / values.length);
      const of = {
        standardError: 0,
        meanLength: 1,
        truncated: 0,
        returns: list,
        meanReturn: list.reduce((a, b) => a + b / list.length, 0),
      };
      fc.pre(Number.isFinite(of.meanReturn));
      const results = {
        formatVersion: 1 as const,
        task: 't',
        env: 'e',
        experiment: 'x',
        command: 'c',
        commit: '[\\n1, 2]',
        machine: '[\n1,\n2]',
        backend: 'cpu',
        steps: 1,
        config: { note, list, empty: [] },
        seeds: { 0: { ...of, policy: 'greedy' as const, wallSeconds: 1 } },
        baselines: { random: { note, seeds: { 0: of } } },
      };
      const text = resultsText(results);
      expect(parseResults(text, 'file')).toEqual(JSON.parse(JSON.stringify(results)));
      expect(text.split('\n').length).toBeLessThan(70);
    },
  );

  test('is refused in words when it is none', () => {
    const messages = ['', '{"formatVersion": 2}', '{"formatVersion": 1, "task": ""}'].map((text) => {
      try {
        parseResults(text, 'file');
      } catch (error) {
        return String(error);
      }
      return 'no error';
    });
    expect(messages.join('\n')).toMatchInlineSnapshot(`
      "FormatError: file: expected the results of a task, got text that is no JSON.
      FormatError: file: its formatVersion is 2, and this Tessera reads up to 1. Upgrade Tessera to read it.
      FormatError: file: ✖ Too small: expected string to have >=1 characters
        → at task
      ✖ Invalid input: expected string, received undefined
        → at env
      ✖ Invalid input: expected string, received undefined
        → at experiment
      ✖ Invalid input: expected string, received undefined
        → at command
      ✖ Invalid input: expected string, received undefined
        → at commit
      ✖ Invalid input: expected string, received undefined
        → at machine
      ✖ Invalid input: expected string, received undefined
        → at backend
      ✖ Invalid input: expected number, received undefined
        → at steps
      ✖ Invalid input: expected record, received undefined
        → at config
      ✖ Invalid input: expected record, received undefined
        → at seeds
      ✖ Invalid input: expected record, received undefined
        → at baselines"
    `);
  });

  test('those of the repository can be read, and its page and pictures are made of them', () => {
    const folder = join(import.meta.dirname, '..', '..', 'results');
    const all = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => {
        const results = parseResults(readFileSync(join(folder, name), 'utf8'), name);
        expect(`${results.task}.json`).toBe(name);
        expect(readFileSync(join(folder, `${results.task}.svg`), 'utf8')).toBe(`${resultsChart(results)}\n`);
        return results;
      });
    expect(readFileSync(join(folder, 'tables.md'), 'utf8')).toBe(resultsPage(all));
  });
});
