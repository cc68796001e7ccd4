import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, onTestFinished } from 'vitest';
import { checkAgreement } from '../src/bench-agreement.ts';
import { benchVariables, isSet } from '../src/bench-environment.ts';
import { NoPeerError, findPython, startPeer } from '../src/bench-peer.ts';
import { bench } from '../src/bench-program.ts';
import { timeRounds } from '../src/bench-rounds.ts';
import { runBenchmark } from '../src/bench-run.ts';
import { median, medianInterval, pairedRatios, summariseBench } from '../src/bench-statistics.ts';
import type { Benchmark, Side } from '../src/benchmark.ts';
import { fakeIo } from './fake-experiment.ts';
import { temporaryFolder } from './temporary-folder.ts';

const root = join(import.meta.dirname, '..', '..');

function repository(comparison: string): string {
  const folder = join(temporaryFolder(), 'repository');
  const built = join(folder, 'packages', 'engine', 'dist', 'bench');
  mkdirSync(built, { recursive: true });
  writeFileSync(join(folder, 'packages', 'engine', 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(built, 'tokenizer-step.bench.js'),
    `const side = (name, time, value = 1) => ({
       name,
       values: () => ({ losses: { dtype: 'float32', shape: [1], data: Float32Array.of(value) } }),
       times: (count) => Array(count).fill(time),
       dispose: () => {},
     });
     const common = { unit: 'ms/step', items: { count: 32, name: 'frames' }, backend: 'tensorflow-cpu', note: 'fake' };
     export const benchmark = { name: 'tokenizer-step', describe: 'a step, against PyTorch', prepare: ${comparison} };`,
  );
  return folder;
}

const variables = { ...benchVariables('keep', 2) } as Record<string, string>;

async function run(words: readonly string[], folder: string, more: Record<string, string> = {}): Promise<string> {
  const io = { ...fakeIo(), variables: { ...variables, ...more } };
  const code = await bench(words, io, { root: folder });
  return `exit ${code}\n--- stdout\n${io.out()}--- stderr\n${io.err()}`.replaceAll(folder, '<root>');
}

const GOOD = `async ({ backend = 'tensorflow-cpu' }) =>
  ({ ...common, backend, ours: side('us', 2), theirs: side('them', 4), others: async () => [side('tape', 8)] })`;

describe('bench', () => {
  test('prints medians, rates, the ratio and its interval, and JSON as the last line', async () => {
    const folder = repository(GOOD);
    expect(await run(['tokenizer-step', '--tiny'], folder)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":0.5,"ours":2,"theirs":4,"unit":"ms/step","rounds":12,"backend":"tensorflow-cpu","threads":2}
      --- stderr
      a step, against PyTorch
      Of both: threads 2, allocator MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456.
      fake
      against them
      them agrees in 1 arrays; most different: losses, by 0
      12 rounds of 3 and 1 times; 24 of 24 bursts began on a quiet machine
      ours                   2  ms/step, median of 12 rounds, half of them 2 to 2; 16 k frames/s
      theirs                 4  ms/step, median of 12 rounds, half of them 4 to 4; 8 k frames/s
      ratio              0.500  ours / theirs, median of the paired ratios; 90 % bootstrap interval 0.500 to 0.500
      back end  tensorflow-cpu  threads: 2
      "
    `);
    expect(await run(['tokenizer-step', '--tiny', '--json', '--rounds', '5', '--backend', 'wasm'], folder))
      .toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":0.5,"ours":2,"theirs":4,"unit":"ms/step","rounds":5,"backend":"wasm","threads":1}
      --- stderr
      "
    `);
  });

  test('shows the other sides where they are asked for, and ours alone', async () => {
    expect(await run(['tokenizer-step', '--tiny', '--others', '--rounds', '2'], repository(GOOD)))
      .toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":0.5,"ours":2,"theirs":4,"unit":"ms/step","rounds":2,"backend":"tensorflow-cpu","threads":2}
      --- stderr
      a step, against PyTorch
      Of both: threads 2, allocator MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456.
      fake
      against them
      them agrees in 1 arrays; most different: losses, by 0
      tape agrees in 1 arrays; most different: losses, by 0
      2 rounds of 3 and 1 and 1 times; 6 of 6 bursts began on a quiet machine
      tape  8  least 8; 2 of them
      ours                   2  ms/step, median of 2 rounds, half of them 2 to 2; 16 k frames/s
      theirs                 4  ms/step, median of 2 rounds, half of them 4 to 4; 8 k frames/s
      ratio              0.500  ours / theirs, median of the paired ratios; 90 % bootstrap interval 0.500 to 0.500
      back end  tensorflow-cpu  threads: 2
      "
    `);
    expect(await run(['tokenizer-step', '--tiny', '--alone', '--rounds', '2'], repository(GOOD)))
      .toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":null,"ours":2,"theirs":null,"unit":"ms/step","rounds":2,"backend":"tensorflow-cpu","threads":2}
      --- stderr
      a step, against PyTorch
      Of both: threads 2, allocator MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=268435456.
      fake
      2 rounds of 3 times; 2 of 2 bursts began on a quiet machine
      ours                   2  ms/step, median of 2 rounds, half of them 2 to 2; 16 k frames/s
      back end  tensorflow-cpu  threads: 2
      "
    `);
  });

  test('sides that do not compute the same are not timed', async () => {
    const apart = `async () => ({ ...common, ours: side('us', 2), theirs: side('them', 4, 1.01) })`;
    expect(await run(['tokenizer-step', '--tiny', '--json'], repository(apart))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: internal: us and them differ in 1 of 1 arrays (more than 0.001): losses by 0.0099.
      "
    `);
  });

  test('without a PyTorch it ends with 3 and says what to do', async () => {
    const peer = `async () => ({ ...common, ours: side('us', 2), theirs: { script: 'peer.py', arguments: [], arrays: {} } })`;
    expect(await run(['tokenizer-step', '--tiny', '--json'], repository(peer))).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      --- stderr
      bench: the peer runs in PyTorch, and TESSERA_PYTHON is not set. Set TESSERA_PYTHON to a Python with torch and numpy, or measure our side alone with --alone.
      "
    `);
    expect(await run(['tokenizer-step', '--json'], repository(peer), { TESSERA_PYTHON: 'no-such-python' }))
      .toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      --- stderr
      bench: 'no-such-python' (TESSERA_PYTHON) cannot import torch and numpy: spawn no-such-python ENOENT. Set TESSERA_PYTHON to a Python with torch and numpy, or measure our side alone with --alone.
      "
    `);
    const alone = await run(['tokenizer-step', '--tiny', '--json', '--alone'], repository(peer));
    expect(alone).toMatch(/^exit 0\n--- stdout\n\{"name":"tokenizer-step","ratio":null,"ours":2,"theirs":null,/);
  });

  test('--list names them all', async () => {
    expect(await run(['--list'], repository(GOOD))).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      benchmark       what it compares
      tokenizer-step  a step, against PyTorch
      --- stderr
      "
    `);
    expect(await run(['--list'], temporaryFolder())).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      --- stderr
      "
    `);
  });

  test('what cannot be understood ends with 2', async () => {
    expect(await run(['tokenizer-stpe'], repository(GOOD))).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: bench: unknown benchmark 'tokenizer-stpe'. Did you mean 'tokenizer-step'? There are: tokenizer-step.
      "
    `);
    expect(await run([], repository(GOOD))).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: bench: name a benchmark. There are: tokenizer-step.
      "
    `);
    expect(await run(['tokenizer-step', '--rounds', '0'], repository(GOOD))).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --rounds: expected a whole number >= 1, got "0".
      "
    `);
  });

  test('times that are none and files without a benchmark are refused', async () => {
    const frozen = `async () => ({ ...common, ours: side('us', 0), theirs: side('them', 4) })`;
    expect(await run(['tokenizer-step', '--tiny', '--json'], repository(frozen))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: tokenizer-step: expected times > 0, got ours [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], theirs [4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4].
      "
    `);
    expect(await run(['tokenizer-step', '--json'], repository('undefined'))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/packages/engine/dist/bench/tokenizer-step.bench.js: expected an export \`benchmark\` with name, describe and prepare(options).
      "
    `);
  });

  test('starts itself again until threads and allocator are as wanted', async () => {
    const io = { ...fakeIo(), variables: { MALLOC_TOP_PAD_: '1' } };
    const seen: unknown[] = [];
    const restart = async (wanted: Readonly<Record<string, string | undefined>>): Promise<number> => {
      seen.push(wanted);
      expect(isSet(wanted, { ...io.variables, ...wanted })).toBe(true);
      return 7;
    };
    const words = ['tokenizer-step', '--allocator', 'default', '--threads', '3'];
    expect(await bench(words, io, { root: repository(GOOD), restart })).toBe(7);
    expect(seen).toEqual([expect.objectContaining({ MALLOC_TOP_PAD_: undefined, TF_NUM_INTRAOP_THREADS: '3' })]);
  });
});

describe('statistics', () => {
  const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  const times = fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

  test('without a comparison there is no ratio', () => {
    const line = summariseBench('x', { ours: [3, 1, 2], theirs: [], unit: 'ms', backend: 'cpu', threads: 1 });
    expect(line).toMatchObject({ ratio: null, ours: 2, theirs: null, rounds: 3 });
  });

  test('the ratio is the median of the rounds, not the ratio of the medians', () => {
    const result = { ours: [1, 10, 3], theirs: [2, 5, 30], unit: 'ms', backend: 'cpu', threads: 1 };
    expect(summariseBench('x', result)).toMatchObject({ ratio: 0.5, ours: 3, theirs: 5 }); // 0.5, 2, 0.1
  });

  test.prop([numbers])('half of the values are on either side of the median', (values) => {
    const middle = median(values);
    expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
    expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
  });

  test.prop([times, fc.constantFrom(0.25, 2, 1024)])(
    'the interval lies between the values and moves with their unit',
    (values, unit) => {
      const [low, high] = medianInterval(values, { samples: 200 });
      expect(low).toBeGreaterThanOrEqual(Math.min(...values));
      expect(high).toBeLessThanOrEqual(Math.max(...values));
      expect(low).toBeLessThanOrEqual(high);
      const scaled = values.map((value) => value * unit);
      expect(medianInterval(scaled, { samples: 200 })).toEqual([low * unit, high * unit]);
    },
  );

  test('the interval of one value is that value, and it narrows with more rounds', () => {
    expect(medianInterval([2])).toEqual([2, 2]);
    const wave = (n: number) => Array.from({ length: n }, (_, i) => 1 + ((i * 7) % 11) / 11);
    const width = ([low, high]: readonly [number, number]) => high - low;
    expect(width(medianInterval(wave(110)))).toBeLessThan(width(medianInterval(wave(11))) / 2);
  });

  test.prop([times])('the same times on both sides have the ratio 1', (values) => {
    expect(new Set(pairedRatios({ ours: values, theirs: values }))).toEqual(new Set([1]));
  });
});

describe('rounds', () => {
  const side = (name: string, log: string[], ms = 100): Side => ({
    name,
    values: () => ({}),
    times: (count) => {
      log.push(`${name}${count}`);
      return Array.from({ length: count }, () => ms);
    },
    dispose: () => {},
  });
  const options = { rounds: 3, signal: new AbortController().signal, quiet: async () => true };

  test('sides take turns, in bursts as long as each other, the first one last every second time', async () => {
    const log: string[] = [];
    const rounds = await timeRounds([side('a', log), side('b', log, 250)], options);
    expect(log.join(' ')).toBe('a3 b3 a5 b2 b2 a5 a5 b2');
    expect(rounds).toEqual({ times: [Array(3).fill(100), Array(3).fill(250)], counts: [5, 2], quietBursts: 6 });
  });

  test('stop between bursts when they are told to', async () => {
    const controller = new AbortController();
    const log: string[] = [];
    const stopping: Side = {
      ...side('b', log),
      times: (count) => {
        controller.abort(new Error('enough'));
        return Array(count).fill(1) as number[];
      },
    };
    await expect(timeRounds([side('a', log), stopping], { ...options, signal: controller.signal })).rejects.toThrow(
      'enough',
    );
    expect(log).toEqual(['a3']);
  });
});

describe('agreement', () => {
  const floats = (...values: number[]): NdArray => ndarray('float32', [values.length], Float32Array.from(values));
  const codes = (...values: number[]): NdArray => ndarray('int32', [values.length], Int32Array.from(values));
  const check = (a: Record<string, NdArray>, b: Record<string, NdArray>) =>
    checkAgreement({ name: 'ours', values: a }, { name: 'theirs', values: b }, { tolerance: 1e-3 });

  test('floats may differ by a share of the largest value, codes in a share of places', () => {
    const many = Array.from({ length: 1000 }, (_, i) => i);
    const agreed = check(
      { w: floats(0, 100), c: codes(...many), mine: floats(1) },
      { w: floats(0.05, 100), c: codes(...many.slice(0, 999), 7) },
    );
    expect(agreed.arrays).toBe(2);
    expect(agreed.worst).toBe('c');
    expect(agreed.difference).toBeCloseTo(1e-3, 9);
  });

  test.each([
    ['values', floats(1, 2), floats(1, 2.1)],
    ['shapes', floats(1, 2), floats(1, 2, 3)],
    ['NaN on both sides', floats(NaN), floats(NaN)],
    ['infinity', floats(Infinity), floats(Infinity)],
    ['codes', codes(1, 2, 3), codes(1, 2, 4)],
  ])('%s that differ are an error', (_, a, b) => {
    expect(() => check({ w: a }, { w: b })).toThrow(/^internal: ours and theirs differ in 1 of 1 arrays .*: w by /);
  });

  test('sides that have nothing in common do not agree', () => {
    expect(() => check({ a: floats(1) }, { b: floats(1) })).toThrow('no values in common');
  });
});

describe('a peer', () => {
  // Node in the place of Python: the conversation is the same.
  function peer(body: string): { directory: string; script: string } {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'peer.mjs'), `import * as fs from 'node:fs';\n${body}`);
    return { directory, script: 'peer.mjs' };
  }
  const arrays = { w: ndarray('float32', [2], Float32Array.of(1, 2)) };
  const start = ({ directory, script }: ReturnType<typeof peer>, signal = new AbortController().signal) =>
    startPeer(
      { script, arguments: ['--task', 'step'], arrays },
      { python: process.execPath, directory, threads: 2, extra: ['--x'], variables: process.env, signal },
    );

  test('gets its arrays and options, and answers', async () => {
    const side = await start(
      peer(`
        const [folder, ...options] = process.argv.slice(2);
        console.log('READY ' + options.join(' '));
        process.stdin.setEncoding('utf8').on('data', (line) => {
          if (line !== 'values\\n') return console.log(JSON.stringify(Array(Number(line)).fill(1.5)));
          fs.mkdirSync(folder + '/values');
          fs.copyFileSync(folder + '/w.npy', folder + '/values/loss.npy');
          console.log('["loss"]');
        });`),
    );
    onTestFinished(() => side.dispose());
    expect(side.name).toBe('--threads 2 --task step --x');
    expect(await side.values()).toEqual({ loss: arrays.w });
    expect(await side.times(3)).toEqual([1.5, 1.5, 1.5]);
  });

  test('that ends before it is ready, or says something else, is an error', async () => {
    await expect(start(peer('process.exit(4);'))).rejects.toThrow(/peer\.mjs: the peer ended with code 4/);
    await expect(start(peer("console.log('hello');"))).rejects.toThrow(/expected READY, got 'hello'/);
  });

  test('is ended by Ctrl-C', async () => {
    const controller = new AbortController();
    const side = await start(peer("console.log('READY'); process.stdin.resume();"), controller.signal);
    onTestFinished(() => side.dispose());
    const times = side.times(1);
    controller.abort(new Error('stopped'));
    await expect(times).rejects.toThrow('stopped');
  });

  test('needs a Python with torch', async () => {
    const folder = temporaryFolder();
    const python = join(folder, 'python');
    writeFileSync(python, "#!/bin/sh\necho 'Traceback' >&2\necho \"No module named 'torch'\" >&2\nexit 1\n");
    chmodSync(python, 0o755);
    const failed = findPython({ TESSERA_PYTHON: python });
    await expect(failed).rejects.toBeInstanceOf(NoPeerError);
    await expect(failed).rejects.toThrow(/cannot import torch and numpy: No module named 'torch'\. Set TESSERA_PYTHON/);
  });
});

describe('every benchmark', () => {
  const files = ['engine', 'agent', 'vqvae'].flatMap((name) => {
    const directory = join(root, 'packages', name);
    return readdirSync(directory).includes('bench')
      ? readdirSync(join(directory, 'bench'))
          .filter((file) => file.endsWith('.bench.ts'))
          .map((file) => ({
            name: file.slice(0, -'.bench.ts'.length),
            path: join(directory, 'bench', file),
            directory,
          }))
      : [];
  });
  const load = async (path: string): Promise<Benchmark> =>
    ((await import(pathToFileURL(path).href)) as { benchmark: Benchmark }).benchmark;
  const python = process.env['TESSERA_PYTHON'];
  const hasTorch = python !== undefined && spawnSync(python, ['-c', 'import numpy, torch']).status === 0;
  const why = hasTorch ? '' : ' (skipped: TESSERA_PYTHON names no Python with torch in it)';

  test('is there', () => {
    const names = files.map(({ name }) => name);
    const wanted = ['gpt-step', 'gpt-step-small', 'imagination', 'nearest-code', 'tokenizer-encode', 'tokenizer-step'];
    expect(names).toEqual(expect.arrayContaining([...wanted, 'tokenizer-step-small', 'wasm-vs-native']));
  });

  const portable = files.filter(({ name }) => !['wasm-vs-native', 'wasm-ops'].includes(name));

  test.each(portable)('$name gives the same on wasm as in plain JavaScript', async ({ name, path }) => {
    const benchmark = await load(path);
    expect(benchmark.name).toBe(name);
    const [wasm, cpu] = await Promise.all(
      ['wasm', 'cpu'].map((backend) => benchmark.prepare({ backend, precision: 'float32', tiny: true })),
    );
    const values = async (side: Side) => ({ name: side.name, values: await side.values() });
    const agreed = checkAgreement(await values(wasm!.ours), await values(cpu!.ours), { tolerance: 1e-3 });
    expect(agreed.arrays).toBeGreaterThan(0);
    expect(await wasm!.ours.times(2)).toHaveLength(2);
    for (const { ours } of [wasm!, cpu!]) await ours.dispose();
  });

  // At tiny sizes the small benchmarks are the large ones.
  const peers = portable.filter(({ name }) => !name.endsWith('-small'));

  test.skipIf(!hasTorch).each(peers)(`$name runs beside PyTorch and agrees${why}`, async ({ path, directory }) => {
    const options = { backend: 'wasm', precision: 'float32', tiny: true, rounds: 1, threads: 1 } as const;
    const { result } = await runBenchmark(await load(path), {
      ...options,
      directory,
      alone: false,
      others: false,
      extra: [],
      variables: process.env,
      signal: new AbortController().signal,
      say: () => {},
    });
    expect(result.theirs).toHaveLength(1);
  });
});
