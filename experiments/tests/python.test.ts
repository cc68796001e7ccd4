// Tokenizers on environments of Python.
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunFolder } from '@tessera/runs';
import { VQVAE } from '@tessera/vqvae';
import { createEngine } from '@tessera/engine';
import { test } from '@fast-check/vitest';
import { afterEach, describe, expect, vi } from 'vitest';
import type { Experiment } from '../src/experiment.ts';
import { main } from '../src/program.ts';
import { tokenizerDefaults } from '../src/tokenizer/config.ts';
import { tokenizerExperiment } from '../src/tokenizer/experiment.ts';
import { fakeIo } from './fake-experiment.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { settings, tiny } from './tokenizer/settings.ts';

const python = process.env['TESSERA_PYTHON'];
const hasGymnasium = python !== undefined && canImport(python);
const why = hasGymnasium ? '' : ' (skipped: TESSERA_PYTHON names no Python with gymnasium)';
const fixtures = fileURLToPath(new URL('../../envs/python/tests/fixtures', import.meta.url));

function canImport(command: string): boolean {
  try {
    execFileSync(command, ['-c', 'import gymnasium'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const io = () => fakeIo({ experiments: [tokenizerExperiment as unknown as Experiment] });
afterEach(() => {
  vi.unstubAllEnvs();
});

test('consoles get frames of 64 x 64, and a tokenizer that fits them', async () => {
  const { rollouts, model } = settings(tokenizerDefaults('python:ALE/Breakout-v5'));
  expect(rollouts.envKwargs).toEqual({ preprocessing: { size: 64 } });
  expect(settings(tokenizerDefaults('python:CartPole-v1'))).toEqual(settings());
  const engine = await createEngine({ backend: 'cpu' });
  const tokenizer = new VQVAE(engine, { ...model, frameShape: [64, 64, 3] }, { seed: 0 });
  expect(tokenizer.spec.tokenShape).toEqual([8, 8]);
  tokenizer.dispose();
  engine.dispose();
});

test('a Python that is missing is said in one line, and no folder is made', async () => {
  vi.stubEnv('TESSERA_PYTHON', '/nowhere/python3');
  const root = temporaryFolder();
  const { out, err, ...surroundings } = io();
  const words = ['train', 'tokenizer', '--env', 'python:ALE/Breakout-v5', '--runs', join(root, 'runs')];
  expect(await main(words, surroundings)).not.toBe(0);
  expect(err()).toContain("'/nowhere/python3' was not found. Name a Python >= 3.8 with gymnasium in TESSERA_PYTHON");
  expect(readdirSync(root)).toEqual([]);
  expect(out()).toBe('');
});

describe.skipIf(!hasGymnasium)(`a run${why}`, () => {
  test('learns from pictures of another process, and says that it is not exact', { timeout: 60_000 }, async () => {
    vi.stubEnv('PYTHONPATH', fixtures);
    const root = temporaryFolder();
    const file = join(root, 'tiny.json');
    const envKwargs = { preprocessing: { size: 20, noopMax: 0 } };
    writeFileSync(file, JSON.stringify({ ...tiny, rollouts: { ...tiny.rollouts, envKwargs } }));
    const { out, err, ...surroundings } = io();
    const id = 'python:tessera_fixtures:Tessera/Pictures-v1';
    const words = ['--env', id, '--config', file, '--runs', join(root, 'runs'), '--backend', 'wasm'];
    expect(await main(['train', 'tokenizer', ...words], surroundings)).toBe(0);
    expect(err()).toContain(
      `${id} cannot save its state: a process that is lost is started again with fresh episodes, so the run is not exact.`,
    );
    for (const row of ['PSNR', 'usage', 'perplexity']) expect(err()).toMatch(new RegExp(`^${row}`, 'm'));
    const result = await (await RunFolder.open(out().trim())).readResult();
    expect(result).toMatchObject({ env: id, steps: 400 });
    expect(result!.tokenizer!.psnr).toBeGreaterThan(0);
  });
});
