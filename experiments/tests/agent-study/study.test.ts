// The ablations with children that are made up, and with one that is real: what has ended is not run again, what was interrupted goes on, a crash costs one run.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunFolder } from '@tessera/runs';
import { describe, expect, test } from 'vitest';
import { nodeChildren } from '../../src/agent-study/child.ts';
import type { ChildRequest, RunChild } from '../../src/agent-study/child.ts';
import { agentStudyWith } from '../../src/agent-study/study.ts';
import type { AgentUnit } from '../../src/agent-study/unit.ts';
import { createReporter } from '../../src/reporter.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { agentUnit } from './units.ts';

const after = (words: readonly string[], option: string): string | undefined =>
  words.includes(option) ? words[words.indexOf(option) + 1] : undefined;

/** Does what `tessera train breakout` does with its folder; `until` are the steps at which it stops, if before the last. */
async function fakeTraining({ words }: ChildRequest, until = Infinity): Promise<void> {
  const begun = after(words, '--resume');
  const seed = Number(after(words, '--seed'));
  const run =
    begun === undefined
      ? await RunFolder.create({
          root: after(words, '--runs')!,
          experiment: 'breakout',
          env: 'Breakout-v0',
          seed,
          config: { steps: Number(after(words, '--steps')) },
          command: `tessera ${words.join(' ')}`,
        })
      : await RunFolder.open(begun);
  const wanted = run.config.config['steps'] as number;
  if (until < wanted) return;
  const { drawn, greedy, baselines, result } = agentUnit('default', run.config.seed);
  await run.writeResult({
    ...result,
    experiment: 'breakout',
    env: 'Breakout-v0',
    seed: run.config.seed,
    steps: wanted,
    versions: {},
    command: run.config.command,
    evaluation: { ...drawn, episodes: drawn.returns.length, policy: 'sampled', greedy },
    baselines: { random: { ...baselines['random']!, episodes: 2 } },
  });
}

/** Children that are remembered by the folder that they work in. */
function children(end: (unit: string, request: ChildRequest) => Promise<{ code: number; said: string }>) {
  const started: string[] = [];
  const requests: ChildRequest[] = [];
  const runChild: RunChild = async (request) => {
    const path = (after(request.words, '--runs') ?? after(request.words, '--resume'))!;
    const unit = /runs[\\/]([^\\/]+)/.exec(path)![1]!;
    started.push(`${request.words.includes('--resume') ? 'resume' : 'start'} ${unit}`);
    requests.push(request);
    return end(unit, request);
  };
  return { started, requests, runChild };
}

const ends = async (_: string, request: ChildRequest) => {
  await fakeTraining(request);
  return { code: 0, said: '' };
};

interface Options {
  readonly runChild: RunChild;
  readonly directory?: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

const some = { variants: ['default', 'ema', 'state'], seeds: 2, steps: 2048, jobs: 2 };

/** Runs the study as the command does. */
async function study({ runChild, directory, values = some }: Options) {
  const io = fakeIo();
  const own = agentStudyWith(runChild);
  const config = own.readConfig([{ source: 'test', values }]);
  const settings = { experiment: 'agent', env: 'Breakout-v0', seed: 0, config, command: 'tessera study agent' };
  const run =
    directory === undefined
      ? await RunFolder.create({ root: temporaryFolder(), ...settings })
      : await RunFolder.open(directory);
  const reporter = createReporter(io.stderr, io.nowMs);
  const work = (signal = io.signal) =>
    own.run({ config, seed: 0, backend: 'wasm', signal, reporter, nowMs: io.nowMs, command: settings.command, run });
  return { run, work, io };
}

describe('a study whose children are made up', () => {
  test('runs every unit once and leaves table, picture and all numbers', async () => {
    const { runChild, started, requests } = children(ends);
    const { run, work, io } = await study({ runChild });
    expect((await work()).stopped).not.toBe(true);
    expect(started.toSorted()).toEqual(
      ['default', 'ema', 'state'].flatMap((name) => [`start ${name}-s0`, `start ${name}-s1`]),
    );
    for (const { words } of requests) {
      expect(words.slice(0, 2)).toEqual(['train', 'breakout']);
      expect(after(words, '--backend')).toBe('wasm');
    }
    const table = readFileSync(join(run.directory, 'table.md'), 'utf8');
    for (const name of some.variants) expect(table).toContain(` | ${name} | 2 | `);
    expect(io.err()).toContain(table.trim());
    expect(readFileSync(join(run.directory, 'ablations.svg'), 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
    const { units, failed } = (await run.readResult())!.study as { units: AgentUnit[]; failed: string[] };
    expect(units.map(({ variant, seed }) => `${variant}-s${seed}`)).toEqual(
      [0, 1].flatMap((seed) => some.variants.map((name) => `${name}-s${seed}`)),
    );
    expect(failed).toEqual([]);
    for (const { command, drawn, seed } of units) {
      expect(command).toContain(`tessera train breakout --seed ${seed} --steps 2048`);
      expect(drawn.returns).toEqual([1, 2, 3, 10]);
    }
  });

  test('keeps `jobs` of them at work, and gives each its share of the cores', async () => {
    let [now, most] = [0, 0];
    const { runChild, requests } = children(async (unit, request) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now--;
      return ends(unit, request);
    });
    await (await study({ runChild, values: { ...some, jobs: 3 } })).work();
    expect(most).toBe(3);
    expect(Number(requests[0]!.variables['TF_NUM_INTRAOP_THREADS'])).toBeGreaterThanOrEqual(1);
    const alone = children(ends);
    await (await study({ runChild: alone.runChild, values: { ...some, seeds: 1, jobs: 1 } })).work();
    expect(alone.requests.map(({ variables }) => variables)).toEqual([{}, {}, {}]);
  });

  test('stopped, it starts nothing more; then it reads what has ended and goes on with the rest', async () => {
    const controller = new AbortController();
    const first = children(async (unit, request) => {
      if (unit !== 'ema-s0') return ends(unit, request);
      controller.abort();
      await fakeTraining(request, 1024);
      return { code: 130, said: 'Stopped.' };
    });
    const stopped = await study({ runChild: first.runChild, values: { ...some, jobs: 1 } });
    expect((await stopped.work(controller.signal)).stopped).toBe(true);
    expect(first.started).toEqual(['start default-s0', 'start ema-s0']);
    expect(existsSync(join(stopped.run.directory, 'table.md'))).toBe(false);

    const second = children(ends);
    const { run, work } = await study({ ...second, directory: stopped.run.directory, values: { ...some, jobs: 1 } });
    await work();
    expect(second.started).toEqual([
      'resume ema-s0',
      'start state-s0',
      'start default-s1',
      'start ema-s1',
      'start state-s1',
    ]);
    expect(((await run.readResult())!.study!['units'] as AgentUnit[]).length).toBe(6);

    const third = children(ends);
    await (await study({ ...third, directory: run.directory })).work();
    expect(third.started).toEqual([]);
  });

  test('one that fails costs its own run: the message says which, how, and its last words; the others are kept', async () => {
    const first = children(async (unit, request) => {
      if (unit === 'ema-s1') return { code: 3, said: 'line one\nerror: out of memory' };
      if (unit === 'state-s0') return { code: 0, said: '' };
      return ends(unit, request);
    });
    const { run, work } = await study({ runChild: first.runChild, values: { ...some, jobs: 1 } });
    const message = await work().then(String, String);
    expect(message.replaceAll(run.directory, 'DIR').replaceAll(/ --set \S+/g, '')).toMatchInlineSnapshot(`
      "WorkerError: study agent: 2 of 6 runs failed; the others are kept.
      state, seed 0: the run ended with code 0 and left no result. It said nothing.
      Its command: tessera train breakout --seed 0 --steps 2048 --runs DIR/runs/state-s0 --backend wasm
      ema, seed 1: the run ended with code 3. The end of what it said:
        line one
        error: out of memory
      Its command: tessera train breakout --seed 1 --steps 2048 --runs DIR/runs/ema-s1 --backend wasm
      Try these again with: tessera study agent --resume DIR"
    `);
    expect(first.started).toHaveLength(6);
    const { units, failed } = (await run.readResult())!.study as { units: AgentUnit[]; failed: string[] };
    expect(units).toHaveLength(4);
    expect(failed).toEqual(['state, seed 0', 'ema, seed 1']);
    expect(readFileSync(join(run.directory, 'table.md'), 'utf8')).toContain('ema, seed 1 failed.');

    const second = children(ends);
    await (await study({ ...second, directory: run.directory })).work();
    expect(second.started.toSorted()).toEqual(['start ema-s1', 'start state-s0']);
    expect(readFileSync(join(run.directory, 'table.md'), 'utf8')).not.toContain('failed');
  });
});

describe('children', () => {
  const script = (text: string) => nodeChildren(['-e', text, '--']);
  const request = (signal = new AbortController().signal): ChildRequest => ({
    words: ['one', 'two words'],
    variables: { SHARE: '2' },
    signal,
  });

  test('are given words and variables; the end of what they say is kept', async () => {
    const say = `process.stderr.write('x'.repeat(5000) + process.argv.slice(-2).join('|') + process.env.SHARE + '\\n'); process.exitCode = 3`;
    const { code, said } = await script(say)(request());
    expect(code).toBe(3);
    expect(said.endsWith('xone|two words2')).toBe(true);
    expect(said.length).toBeLessThan(2001);
  });

  test('are interrupted when the study is, and may end in peace', async () => {
    const controller = new AbortController();
    const folder = temporaryFolder();
    const ready = join(folder, 'ready');
    const wait = `process.once('SIGINT', () => { process.stderr.write('saved'); process.exit(130); }); require('node:fs').writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000)`;
    const ended = script(wait)(request(controller.signal));
    while (!existsSync(ready)) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect(await ended).toEqual({ code: 130, said: 'saved' });
    expect(process.listeners('exit').some(({ name }) => name === 'interrupt')).toBe(false);
  });

  test('that a signal ends say so', async () => {
    expect(await script(`process.kill(process.pid, 'SIGKILL')`)(request())).toEqual({ code: 'SIGKILL', said: '' });
  });
});

test('a real child trains, and its folder is read', async () => {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const runChild = nodeChildren(['--conditions=@tessera/source', '--import', 'tsx', main]);
  const agent = {
    worldModel: { width: 8, layers: 1, stem: 4, batchSize: 16 },
    behaviour: { embedding: 4, stem: 0, hidden: 8, realBatch: 32, imaginedBatch: 32 },
    training: {
      numEnvs: 4,
      roundSteps: 18,
      worldModel: { firstUpdates: 3, updates: 2 },
      imagination: { updates: 1, starts: 8, horizon: 3, startAccuracy: 0 },
      measureSteps: 36,
    },
    evaluation: { heldOutSteps: 72, maxSteps: 50 },
  };
  const values = { variants: ['real-only'], seeds: 1, steps: 144, episodes: 2, agent };
  const { run, work } = await study({ runChild, values });
  await work();
  const [unit] = (await run.readResult())!.study!['units'] as AgentUnit[];
  expect(unit!.drawn.returns).toHaveLength(2);
  expect(unit!.result).toMatchObject({
    steps: 144,
    backend: 'wasm',
    worldModel: { imaginedSteps: 0 },
  });
  const made = await RunFolder.open(join(run.directory, 'runs', 'real-only-s0', unit!.run));
  expect(made.config.config).toMatchObject({
    worldModel: { width: 8 },
    training: { imagination: { updates: 0, starts: 8 } },
    evaluation: { episodes: 2 },
  });
  expect(unit!.command).toBe(made.config.command);
});
