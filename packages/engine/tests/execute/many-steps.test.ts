// What shows only after many steps or with another number of threads, in processes of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { findTensorFlow } from '../../src/tensorflow/binding.ts';

interface Outcome {
  /** Loss and mean squared gradient of the first steps. */
  readonly trace: readonly number[];
  readonly tensors: Readonly<Record<string, number>>;
  readonly resident: Readonly<Record<string, number>>;
}

const found = await findTensorFlow();
const skipped = found.available ? '' : ` (skipped: ${found.reason})`;

async function manySteps(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const file = fileURLToPath(new URL('./many-steps.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--conditions', '@tessera/source', '--import', import.meta.resolve('tsx'), file, ...words],
    { env: { ...process.env, ...env } },
  );
  return JSON.parse(stdout) as Outcome;
}

describe.each([
  { backend: 'wasm', skip: false, title: 'wasm' },
  { backend: 'tensorflow', skip: !found.available, title: `tensorflow${skipped}` },
])('on $title', ({ backend, skip }) => {
  test.skipIf(skip)('ten thousand steps leave no tensor and no memory behind', { timeout: 240_000 }, async () => {
    const { tensors, resident } = await manySteps([backend, '10000']);
    expect(tensors).toEqual({ 100: tensors['100'], 2000: tensors['100'], 10000: tensors['100'] });
    expect(resident['10000']! / resident['2000']!).toBeLessThan(1.05);
  });
});

describe.skipIf(!found.available)(`threads of TensorFlow${skipped}`, () => {
  test('one, two and five make the same steps, roundings aside', { timeout: 120_000 }, async () => {
    const runs: Outcome[] = [];
    // Enough rows that every kernel cuts its work into pieces.
    for (const threads of ['1', '2', '5']) {
      runs.push(await manySteps(['tensorflow', '5', '2000'], { TF_NUM_INTRAOP_THREADS: threads }));
    }
    for (const { trace } of runs) {
      expect(trace).toHaveLength(10);
      for (const [i, value] of trace.entries()) {
        expect(Math.abs(value - runs[0]!.trace[i]!)).toBeLessThanOrEqual(1e-4 * Math.abs(runs[0]!.trace[i]!));
      }
    }
  });
});
