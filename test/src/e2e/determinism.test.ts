import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import { onlyRun, tinyRun } from '../support/tiny-run.ts';
import type { TinyOptions } from '../support/tiny-run.ts';

interface Left {
  readonly metrics: readonly unknown[];
  readonly tokenizer: Buffer;
  readonly result: unknown;
}

// Plain JavaScript is slow.
const small = ['steps=250', 'training.batchSize=8'];

/** What a run leaves, without its times. */
async function runOf({ set = [], ...options }: Omit<TinyOptions, 'root' | 'backend'>): Promise<Left> {
  const root = temporaryFolder();
  expect(await tessera(tinyRun({ root, backend: 'cpu', ...options, set: [...small, ...set] }))).toMatchObject({
    code: 0,
  });
  const directory = onlyRun(root);
  const lines = readFileSync(join(directory, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const metrics = lines.map((line) => {
    const { step, values } = JSON.parse(line) as { step: number; values: object };
    return { step, values };
  });
  const { tokenizer: result } = JSON.parse(readFileSync(join(directory, 'result.json'), 'utf8')) as {
    tokenizer: unknown;
  };
  return { metrics, result, tokenizer: readFileSync(join(directory, 'tokenizer', 'tokenizer.safetensors')) };
}

describe('a run is a function of its settings and its seed', () => {
  test(
    'two runs on the cpu backend agree in every bit, however fast and many the workers are',
    { timeout: 90_000 },
    async () => {
      const quick = await runOf({});
      const slow = await runOf({ kwargs: { latencyMs: 5 }, set: ['rollouts.numWorkers=2'] });
      expect(quick.metrics.length).toBe(9);
      expect(slow.metrics).toEqual(quick.metrics);
      expect(slow.result).toEqual(quick.result);
      expect(slow.tokenizer.equals(quick.tokenizer)).toBe(true);
      const other = await runOf({ seed: 1 });
      expect(other.metrics).not.toEqual(quick.metrics);
      expect(other.tokenizer.equals(quick.tokenizer)).toBe(false);
    },
  );
});
