// The study as a command, at a tiny size: it runs end to end, goes on where it was stopped, and leaves one file that needs nothing else.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunFolder } from '@tessera/runs';
import { expect, test } from 'vitest';
import { main } from '../../src/program.ts';
import { fakeIo } from '../fake-experiment.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const tiny = [
  'trainFrames=32',
  'testFrames=32',
  'samples=32',
  'channels=2',
  'latentDim=2',
  'linear.steps=2',
  'collapse.steps=2',
  'collapse.batch=4',
  'collapse.features=3',
  'matched.betas=[1]',
  'matched.steps=2',
  'matched.batch=4',
  'matched.priorSteps=1',
  'environment.frames=64',
  'environment.steps=1',
].flatMap((setting) => ['--set', setting]);

interface Study {
  readonly claims: readonly { readonly verdict: string }[];
  readonly units: readonly { readonly part: string }[];
}

async function studyOf(directory: string): Promise<Study> {
  const result = await (await RunFolder.open(directory)).readResult();
  return result!.study as unknown as Study;
}

test('--quick from end to end: units, pictures, result.json and the report; stopped and resumed it says what one run says', async () => {
  const root = temporaryFolder();
  const stopped = fakeIo();
  const write = stopped.stderr.write.bind(stopped.stderr);
  // Ctrl-C after the first model of part B.
  Object.assign(stopped.stderr, {
    write(text: string) {
      if (text.startsWith('B ')) stopped.controller.abort();
      return write(text);
    },
  });
  const words = ['study', 'vae-vs-vqvae', '--quick', '--backend', 'wasm', '--runs', root, ...tiny];
  expect(await main(words, stopped)).toBe(130);
  const directory = stopped.out().trim();
  expect(stopped.err()).toContain(`Continue with: tessera study vae-vs-vqvae --resume ${directory}`);
  expect(existsSync(join(directory, 'report.html'))).toBe(false);
  const before = readdirSync(join(directory, 'units'));
  expect(before).toEqual(['collapse-vae-beta-1-weak-s0.json', 'control.json', 'linear-s0.json']);

  const resumed = fakeIo();
  expect(await main(['study', 'vae-vs-vqvae', '--resume', directory, '--backend', 'wasm'], resumed)).toBe(0);
  expect(resumed.out().trim()).toBe(directory);
  expect(resumed.err()).not.toContain('B VAE beta 1, weak decoder');
  const result = (await (await RunFolder.open(directory)).readResult())!;
  const { claims, units } = await studyOf(directory);
  expect(units.map(({ part }) => part)).toEqual([
    'control',
    'linear',
    ...Array<string>(4).fill('collapse'),
    ...units.slice(6).map(() => 'matched'),
  ]);
  expect(claims.length).toBeGreaterThanOrEqual(8);
  expect(result.command).toContain('--quick --seed 0 --set trainFrames=32');

  const html = readFileSync(join(directory, 'report.html'), 'utf8');
  for (const { verdict } of claims) expect(html).toContain(`<b>${verdict}</b>`);
  expect(html).toContain('<svg');
  expect(html).toContain('data:image/png;base64,');
  // Nothing is loaded from anywhere else.
  expect(html.match(/(?:src|href)="(?!data:)/g)).toBe(null);
  expect(html.replaceAll(/base64,[^"]+/g, '')).not.toMatch(/NaN|undefined/);

  const whole = fakeIo();
  expect(await main(words, whole)).toBe(0);
  expect(await studyOf(whole.out().trim())).toEqual({ claims, units });

  const again = fakeIo();
  expect(await main(['study', 'vae-vs-vqvae', '--resume', directory, '--backend', 'wasm'], again)).toBe(0);
  expect(readFileSync(join(directory, 'report.html'), 'utf8')).toBe(html);

  writeFileSync(join(directory, 'units', 'control.json'), '{"seconds": 1');
  const damaged = fakeIo();
  expect(await main(['study', 'vae-vs-vqvae', '--resume', directory, '--backend', 'wasm'], damaged)).toBe(1);
  expect(damaged.err()).toMatch(/control\.json: expected JSON.*Remove it to measure it again\./);
}, 180_000);

test('a command line that cannot be', async () => {
  const message = async (...words: string[]) => {
    const io = fakeIo();
    const code = await main(['study', ...words], io);
    return `${code} ${io.err().split('\n')[0]!}`;
  };
  const set = (setting: string) => message('vae-vs-vqvae', '--set', setting);
  expect(await set('sede=1')).toMatch(/^1 error: --set sede=1: unknown field 'sede'/);
  expect(await set('seeds=0')).toMatch(/^1 error: /);
  expect(await set('matched.betas=[1,1]')).toMatch(/^1 error: .*matched\.betas.*expected every number once/);
  expect(await set('matched.codebooks=[{"grid":4,"vocabulary":8},{"grid":4,"vocabulary":8}]')).toMatch(
    /^1 error: .*matched\.codebooks.*expected every codebook once/,
  );
  expect(await set('collapse.batch=2001')).toBe(
    '1 error: collapse.batch: expected at most 2000, the testFrames, got 2001: part B is measured on whole batches.',
  );
  expect(await message('vae-vs-vqvae', '--resume', 'x', '--quick')).toBe(
    '2 error: --quick: a study goes on as it was started. Leave it out, or leave --resume out.',
  );
  expect(await message('vae-vs-vqvae', '--backend', 'wsm')).toMatch(/Did you mean 'wasm'/);
});
