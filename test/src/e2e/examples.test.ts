import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decodePng, encodePng, ndarray } from '@tessera/core';
import { NearestTokenizer, toUnit } from '@tessera/vqvae';
import { saveTokenizer } from '@tessera/vqvae/node';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildAll, repository } from '../support/repository.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { tessera } from '../support/tessera.ts';
import { onlyRun } from '../support/tiny-run.ts';

const timeout = 120_000;

beforeAll(() => buildAll(), 240_000);

/** What an example prints, run as a user would run it. */
async function example(name: string, words: readonly string[] = [], cwd: string = temporaryFolder()): Promise<string> {
  const file = join(repository, 'experiments', 'examples', `${name}.ts`);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), file, ...words],
    {
      cwd,
      // The conditions of the tests would lead to TypeScript sources.
      env: { ...process.env, NODE_OPTIONS: '', TESSERA_BACKEND: 'wasm' },
    },
  );
  return stdout;
}

/** The numbers after a word, line by line. */
const numbersAfter = (text: string, word: string): number[] =>
  [...text.matchAll(new RegExp(`${word} (-?[\\d.]+)`, 'g'))].map(([, number]) => Number(number));

describe('the examples run', () => {
  test('watch-agent: an agent that was trained, as a GIF', { timeout }, async () => {
    const root = temporaryFolder();
    const set = [
      'training.roundSteps=9',
      'training.tokenizer.firstUpdates=5',
      'training.worldModel.firstUpdates=5',
      'training.imagination.updates=1',
      'evaluation.episodes=4',
      'evaluation.heldOutSteps=64',
    ];
    const options = ['--steps', '288', '--runs', join(root, 'runs'), '--backend', 'wasm'];
    const words = ['train', 'catch', ...options, ...set.flatMap((choice) => ['--set', choice])];
    expect(await tessera(words)).toMatchObject({ code: 0 });
    expect(await example('watch-agent', [onlyRun(root)], root)).toMatch(/^return -?1 in 9 steps: episode\.gif\n$/);
    const gif = readFileSync(join(root, 'episode.gif'));
    expect(gif.toString('latin1', 0, 6)).toBe('GIF89a');
    // Four panels of 160 pixels and gaps; above titles of 10 pixels, below 72 for what the policy thinks.
    expect([gif.readUInt16LE(6), gif.readUInt16LE(8)]).toEqual([664, 258]);
  });

  test('load-tokenizer: a picture as the tokens of a trained tokenizer', { timeout }, async () => {
    const root = temporaryFolder();
    const tokenizer = new NearestTokenizer({ frameShape: [2, 4, 1], tokenShape: [1, 2], vocabulary: 4 });
    const picture = ndarray('uint8', [2, 4, 1], Uint8Array.of(0, 0, 9, 9, 0, 0, 9, 9));
    tokenizer.observe(toUnit(ndarray('uint8', [1, 2, 4, 1], picture.data)));
    await saveTokenizer(join(root, 'run', 'tokenizer'), tokenizer);
    writeFileSync(join(root, 'picture.png'), encodePng(picture));
    expect(await example('load-tokenizer', [], root)).toBe('0 1\n');
    expect(decodePng(readFileSync(join(root, 'decoded.png')))).toEqual(picture);
  });

  test('use-tokenizer: Q-learning on our tokens learns to catch', { timeout }, async () => {
    const returns = numbersAfter(await example('use-tokenizer'), 'return');
    expect(returns.length).toBe(8);
    expect(returns[0]).toBeLessThan(0.4);
    expect(returns.at(-1)).toBeGreaterThan(0.8);
  });

  test('own-tokenizer: our world model learns tokens that it has never heard of', { timeout }, async () => {
    const text = await example('own-tokenizer');
    const foreseen = numbersAfter(text, 'foreseen');
    expect(foreseen.length).toBe(7);
    expect(foreseen[0]).toBeLessThan(0.3);
    expect(foreseen.at(-1)).toBeGreaterThan(0.8);
    for (const mean of numbersAfter(text, 'return')) expect(Math.abs(mean)).toBeLessThanOrEqual(1);
  });
});
