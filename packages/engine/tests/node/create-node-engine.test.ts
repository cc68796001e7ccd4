import { afterEach, describe, expect, test, vi } from 'vitest';
import { BackendError, ConfigError } from '@tessera/core';
import { mul } from '../../src/index.ts';
import { createEngine } from '../../src/node.ts';
import * as binding from '../../src/tensorflow/binding.ts';
import { available, skipped } from '../tensorflow/available.ts';

vi.mock('../../src/tensorflow/binding.ts', { spy: true });

const reason = "TensorFlow: the optional package x is not installed. Install it with 'npm install x'.";

function withoutTensorFlow(): void {
  vi.mocked(binding.findTensorFlow).mockResolvedValue({ available: false, reason });
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.mocked(binding.findTensorFlow).mockReset();
});

describe('createEngine of the node entry', () => {
  // The first test of this process, which has modules of its own: afterwards the backends are up, and nothing can go wrong.
  test('starts several engines at the same moment', async () => {
    withoutTensorFlow();
    const names = ['wasm', 'cpu', 'auto', 'wasm'] as const;
    const engines = await Promise.all(names.map((backend) => createEngine({ backend })));
    expect(engines.map(({ backend }) => backend)).toEqual(['wasm', 'cpu', 'wasm', 'wasm']);
  });

  test('runs wasm where TensorFlow is not at hand and says how to get it', async () => {
    withoutTensorFlow();
    vi.stubEnv('TESSERA_BACKEND', '');
    const engine = await createEngine();
    expect(engine.backend).toBe('wasm');
    expect(engine.note).toMatchInlineSnapshot(
      `"wasm: WebAssembly SIMD, one thread. For tensorflow-cpu: the optional package x is not installed. Install it with 'npm install x'."`,
    );
  });

  test('takes the backend from TESSERA_BACKEND, and the option before it', async () => {
    vi.stubEnv('TESSERA_BACKEND', 'cpu');
    expect(await createEngine()).toMatchObject({ backend: 'cpu', note: 'cpu: plain JavaScript, as asked.' });
    expect((await createEngine({ backend: 'wasm' })).backend).toBe('wasm');
    expect(vi.mocked(binding.findTensorFlow)).not.toHaveBeenCalled();
  });

  test('an unknown backend is an error that names its source', async () => {
    vi.stubEnv('TESSERA_BACKEND', 'wsam');
    await expect(createEngine()).rejects.toThrow(ConfigError);
    await expect(createEngine()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: TESSERA_BACKEND: expected one of auto, tensorflow, wasm, cpu, got 'wsam'. Did you mean 'wasm'?]`,
    );
    await expect(createEngine({ backend: 'gpu' as 'cpu' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: backend: expected one of auto, tensorflow, wasm, cpu, got 'gpu'. Did you mean 'cpu'?]`,
    );
  });

  test('TensorFlow that was asked for and is not there is an error with the reason', async () => {
    withoutTensorFlow();
    await expect(createEngine({ backend: 'tensorflow' })).rejects.toThrow(BackendError);
    await expect(createEngine({ backend: 'tensorflow' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: backend 'tensorflow': the optional package x is not installed. Install it with 'npm install x'.]`,
    );
  });

  test.skipIf(!available)(`prefers TensorFlow, and says what a GPU needs${skipped}`, async () => {
    vi.stubEnv('TESSERA_BACKEND', 'auto');
    const engine = await createEngine();
    expect(engine.backend).toMatch(/^tensorflow-(cpu|gpu)$/);
    expect(engine.note).toMatch(
      /^tensorflow-(gpu: TensorFlow [\d.]+, .*GPU\.|cpu: TensorFlow [\d.]+, .*For tensorflow-gpu, .*)$/,
    );
    const double = engine.program('double', { x: { shape: [], dtype: 'float32' } }, ({ x }) => ({ y: mul(x, 2) }));
    expect(double.run({ x: 4 }).y.data[0]).toBe(8);
    engine.dispose();
  });
});
