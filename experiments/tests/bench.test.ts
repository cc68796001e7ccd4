import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { bench } from '../src/bench-program.ts';
import { median, summariseBench } from '../src/benchmark.ts';
import { fakeIo } from './fake-experiment.ts';
import { temporaryFolder } from './temporary-folder.ts';

function repository(run: string): string {
  const root = temporaryFolder();
  const folder = join(root, 'packages', 'engine', 'dist', 'bench');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, 'packages', 'engine', 'package.json'), '{"type": "module"}');
  writeFileSync(
    join(folder, 'tokenizer-step.bench.js'),
    `export const benchmark = { name: 'tokenizer-step', describe: 'a step, against PyTorch', run: ${run} };`,
  );
  return root;
}

async function run(words: readonly string[], root: string): Promise<string> {
  const io = fakeIo();
  const code = await bench(words, io, root);
  return `exit ${code}\n--- stdout\n${io.out()}--- stderr\n${io.err()}`.replaceAll(root, '<root>');
}

const GOOD = `async ({ rounds = 3, backend = 'wasm' }) =>
  ({ ours: Array(rounds).fill(2), theirs: Array(rounds).fill(4), unit: 'ms/step', backend, threads: 1 })`;

describe('bench', () => {
  test('prints medians and ratio, and JSON as the last line', async () => {
    const root = repository(GOOD);
    expect(await run(['tokenizer-step'], root)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":0.5,"ours":2,"theirs":4,"unit":"ms/step","rounds":3,"backend":"wasm","threads":1}
      --- stderr
      a step, against PyTorch
      ours         2  ms/step, median of 3 rounds
      theirs       4  ms/step
      ratio      0.5  ours / theirs, median
      back end  wasm  threads: 1
      "
    `);
    expect(await run(['tokenizer-step', '--json', '--rounds', '5', '--backend', 'cpu'], root)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"name":"tokenizer-step","ratio":0.5,"ours":2,"theirs":4,"unit":"ms/step","rounds":5,"backend":"cpu","threads":1}
      --- stderr
      "
    `);
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

  test('an unknown name is suggested and ends with 2', async () => {
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
  });

  test('rounds that do not match are refused', async () => {
    const uneven = `async () => ({ ours: [1, 2], theirs: [1], unit: 'ms', backend: 'cpu', threads: 1 })`;
    expect(await run(['tokenizer-step'], repository(uneven))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      a step, against PyTorch
      error: <root>/packages/engine/dist/bench/tokenizer-step.bench.js: expected numbers > 0, as many of theirs as of ours or none, got ours [1, 2], theirs [1].
      "
    `);
  });

  test('a file without a benchmark is refused', async () => {
    expect(await run(['tokenizer-step'], repository('undefined'))).toMatchInlineSnapshot(`
      "exit 1
      --- stdout
      --- stderr
      error: <root>/packages/engine/dist/bench/tokenizer-step.bench.js: expected an export \`benchmark\` with name, describe and run(options).
      "
    `);
  });

  test('without a comparison there is no ratio', () => {
    const line = summariseBench('x', { ours: [3, 1, 2], theirs: [], unit: 'ms', backend: 'cpu', threads: 1 });
    expect(line).toEqual({
      name: 'x',
      ratio: null,
      ours: 2,
      theirs: null,
      unit: 'ms',
      rounds: 3,
      backend: 'cpu',
      threads: 1,
    });
  });

  test.prop([fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })])(
    'half of the values are on either side of the median',
    (values) => {
      const middle = median(values);
      expect(values.filter((value) => value < middle).length).toBeLessThanOrEqual(values.length / 2);
      expect(values.filter((value) => value > middle).length).toBeLessThanOrEqual(values.length / 2);
    },
  );
});
