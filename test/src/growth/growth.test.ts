// What shows only after many steps or with another number of threads, in processes of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { tensorFlow } from '../support/tensorflow.ts';

interface Held {
  readonly tensors: Readonly<Record<string, number>>;
  /** Bytes. */
  readonly memory: Readonly<Record<string, number>>;
}

async function run(
  script: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--conditions', '@tessera/source', '--import', import.meta.resolve('tsx'), file, ...words],
    { env: { ...process.env, ...env } },
  );
  return JSON.parse(stdout);
}

test('a thousand steps of a tokenizer take no more tensors than ten, and no more memory than two hundred', async () => {
  const { tensors, memory } = (await run('fixtures/tokenizer-steps.ts', [])) as Held;
  expect(tensors['1000']).toBe(tensors['10']);
  expect(memory['1000']! / memory['200']!).toBeLessThan(1.05);
});

describe.each([
  { backend: 'wasm', skip: false, title: 'wasm' },
  { backend: 'tensorflow', skip: tensorFlow.engine === undefined, title: `tensorflow${tensorFlow.skipped}` },
])('on $title', ({ backend, skip }) => {
  test.skipIf(skip)('ten thousand steps leave no tensor and no memory behind', { timeout: 240_000 }, async () => {
    const { tensors, memory } = (await run('fixtures/many-steps.ts', [backend, '10000'])) as Held;
    expect(new Set(Object.values(tensors)).size).toBe(1);
    // A leak grows in every stretch of 2,000 steps; a pool of V8's or the allocator's grows in one.
    const held = [2000, 4000, 6000, 8000, 10_000].map((step) => memory[step]!);
    const growths = held.slice(1).map((bytes, i) => bytes - held[i]!);
    const [, low, high] = growths.toSorted((a, b) => a - b) as [number, number, number, number];
    expect((low + high) / 2 / held[0]!).toBeLessThan(0.005);
  });
});

describe.skipIf(tensorFlow.engine === undefined)(`threads of TensorFlow${tensorFlow.skipped}`, () => {
  test('one, two and five make the same steps, roundings aside', { timeout: 120_000 }, async () => {
    const traces: (readonly number[])[] = [];
    // Enough rows that every kernel cuts its work into pieces.
    for (const threads of ['1', '2', '5']) {
      const outcome = await run('fixtures/many-steps.ts', ['tensorflow', '5', '2000'], {
        TF_NUM_INTRAOP_THREADS: threads,
      });
      traces.push((outcome as { trace: readonly number[] }).trace);
    }
    for (const trace of traces) {
      expect(trace).toHaveLength(10);
      for (const [i, value] of trace.entries()) {
        expect(Math.abs(value - traces[0]![i]!)).toBeLessThanOrEqual(1e-4 * Math.abs(traces[0]![i]!));
      }
    }
  });
});
