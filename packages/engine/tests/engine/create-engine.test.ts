// Starting an engine: the names, the line about what runs, and what else there could be.
import { getBackend, ready, setBackend } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { checkBackendChoice, createEngine } from '../../src/index.ts';
import type { BackendChoice } from '../../src/index.ts';

describe('createEngine', () => {
  test('takes wasm when it may choose', async () => {
    const engine = await createEngine();
    expect(engine.backend).toBe('wasm');
    expect(engine.note).toMatchInlineSnapshot(`"wasm: WebAssembly SIMD, one thread."`);
  });

  test('starts what it is asked for', async () => {
    expect((await createEngine({ backend: 'wasm' })).note).toMatchInlineSnapshot(
      `"wasm: WebAssembly SIMD, one thread, as asked."`,
    );
    expect((await createEngine({ backend: 'cpu' })).note).toMatchInlineSnapshot(`"cpu: plain JavaScript, as asked."`);
  });

  test('says where TensorFlow is', async () => {
    await expect(createEngine({ backend: 'tensorflow' })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: backend 'tensorflow': only '@tessera/engine/node' has it. Import createEngine from there, or choose wasm or cpu.]`,
    );
  });

  test('knows its names', async () => {
    await expect(createEngine({ backend: 'wsam' as BackendChoice })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: backend: expected one of auto, tensorflow, wasm, cpu, got 'wsam'. Did you mean 'wasm'?]`,
    );
    expect(() => checkBackendChoice('gpu')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: backend: expected one of auto, tensorflow, wasm, cpu, got 'gpu'. Did you mean 'cpu'?]`,
    );
    expect(() => checkBackendChoice('')).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: backend: expected one of auto, tensorflow, wasm, cpu, got ''.]`,
    );
    for (const name of ['auto', 'tensorflow', 'wasm', 'cpu']) expect(checkBackendChoice(name)).toBe(name);
  });

  test('leaves the backend that TensorFlow.js has selected', async () => {
    await setBackend('cpu');
    await createEngine({ backend: 'wasm' });
    await ready();
    expect(getBackend()).toBe('cpu');
  });
});
