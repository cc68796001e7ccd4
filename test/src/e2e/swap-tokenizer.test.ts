import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunFolder } from '@tessera/runs';
import type { RunResult } from '@tessera/runs';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildAll } from '../support/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tesseraProcess } from '../support/tessera.ts';
import { tinyAgent } from '../support/tiny-agent.ts';
import { onlyRun } from '../support/tiny-run.ts';

const timeout = 120_000;
const module = fileURLToPath(new URL('../support/fixtures/colour-tokenizer.mjs', import.meta.url));

beforeAll(() => buildAll(), 240_000);

interface Swapped {
  readonly result: RunResult;
  readonly directory: string;
  readonly cwd: string;
}

/** A run to its end in which one line of the settings is different; it can be evaluated and watched with the same tokenizer. */
async function runWith(line: string): Promise<Swapped> {
  const cwd = temporaryFolder();
  cpSync(module, join(cwd, 'my-tokenizer.mjs'));
  const set = ['steps=160', line];
  expect(await tesseraProcess(tinyAgent({ root: cwd, backend: 'wasm', set }), { cwd })).toMatchObject({ code: 0 });
  const directory = onlyRun(cwd);
  const result = (await (await RunFolder.open(directory)).readResult())!;
  expect(result).toMatchObject({ steps: 160, evaluation: { episodes: 80 }, worldModel: { updates: 20 } });
  expect(result.worldModel!['imaginedSteps']).toBeGreaterThan(0);

  const again = await tesseraProcess(['eval', directory, '--backend', 'wasm'], { cwd });
  expect(again).toMatchObject({ code: 0 });
  const { evaluation, tokenizer } = JSON.parse(again.out) as Pick<RunResult, 'evaluation' | 'tokenizer'>;
  expect(evaluation).toEqual(result.evaluation);
  expect([tokenizer!.nmse, tokenizer!.perplexity]).toEqual([result.tokenizer!.nmse, result.tokenizer!.perplexity]);

  const film = join(directory, 'media', 'watch.gif');
  expect(await tesseraProcess(['watch', directory, '--backend', 'wasm'], { cwd })).toMatchObject({
    code: 0,
    out: `${film}\n`,
  });
  expect(readFileSync(film).toString('latin1', 0, 6)).toBe('GIF89a');
  return { result, directory, cwd };
}

describe('another tokenizer is one line of the settings', () => {
  test('vqvae', { timeout }, async () => {
    const { result, directory } = await runWith('tokenizer.kind=vqvae');
    expect(result.tokenizer).toMatchObject({ kind: 'vqvae', updates: 17 });
    expect(existsSync(join(directory, 'agent', 'tokenizer', 'tokenizer.safetensors'))).toBe(true);
  });

  test('nearest', { timeout }, async () => {
    const { result, directory } = await runWith('tokenizer.kind=nearest');
    // Four colours are four patches.
    expect(result.tokenizer).toMatchObject({ kind: 'nearest', updates: 0, nmse: 0, distinctPatches: 4 });
    expect(existsSync(join(directory, 'agent', 'tokenizer', 'tokenizer.safetensors'))).toBe(true);
  });

  test("one's own, which learns by watching; it goes on where it was", { timeout }, async () => {
    const { result, directory, cwd } = await runWith('tokenizer.module=./my-tokenizer.mjs');
    expect(result.tokenizer).toMatchObject({ kind: './my-tokenizer.mjs', updates: 0, nmse: 0, distinctPatches: 4 });
    const { tensors } = await (await RunFolder.open(directory)).readCheckpoint();
    expect(tensors['tokenizer.colours']!.shape).toEqual([4, 3]);
    const words = ['train', 'agent', '--resume', directory, '--steps', '200', '--backend', 'wasm'];
    expect(await tesseraProcess(words, { cwd })).toMatchObject({ code: 0 });
    expect((await (await RunFolder.open(directory)).readResult())!.tokenizer!.nmse).toBe(0);
  });
});
