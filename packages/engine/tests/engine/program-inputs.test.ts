// What `run` refuses.
import { BackendError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { add, createEngine, f32, i32, mul, reshape, sum, toFloat } from '../../src/index.ts';
import { cpu } from '../support/cpu.ts';
import { vector } from '../support/evaluate.ts';

describe('bad inputs', () => {
  const program = cpu.program(
    'train',
    { frames: f32(2, 3), actions: i32(2), rate: f32() },
    ({ frames, actions, rate }) => ({
      y: mul(add(frames, rate), 1),
      z: toFloat(actions),
    }),
  );
  const good = { frames: ndarray('float32', [2, 3]), actions: ndarray('int32', [2]), rate: 1 };
  const run = (inputs: object) => () => program.run(inputs as typeof good);

  test('missing', () => {
    expect(run({ actions: good.actions, rate: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': the input 'frames' (float32[2, 3]) is missing.]`,
    );
    expect(run({ ...good, frames: undefined })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': the input 'frames' (float32[2, 3]) is missing.]`,
    );
    expect(run({ ...good, frames: null })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': the input 'frames' (float32[2, 3]) is missing.]`,
    );
  });

  test('misspelt or unknown', () => {
    expect(run({ ...good, frame: good.frames })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': expected the inputs frames, actions, rate, got 'frame'. Did you mean 'frames'?]`,
    );
    expect(run({ ...good, banana: 1 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': expected the inputs frames, actions, rate, got 'banana'.]`,
    );
    const none = cpu.program('none', {}, () => ({}));
    expect(() => none.run({ x: 1 } as object)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'none': expected the inputs (none), got 'x'.]`,
    );
  });

  test('another shape', () => {
    expect(run({ ...good, frames: ndarray('float32', [3, 2]) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: program 'train': expected 'frames' of shape [2, 3], got [3, 2].]`,
    );
    expect(run({ ...good, rate: vector(1) })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: program 'train': expected 'rate' of shape [], got [1].]`,
    );
    expect(run({ ...good, frames: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: program 'train': expected 'frames' of shape [2, 3], got [].]`,
    );
  });

  test('another dtype', () => {
    expect(run({ ...good, actions: vector(0, 1) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: program 'train': expected 'actions' as int32, got float32. Convert it first.]`,
    );
    expect(run({ ...good, frames: ndarray('uint8', [2, 3]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: program 'train': expected 'frames' as float32, got uint8. Convert it first.]`,
    );
    expect(run({ ...good, frames: ndarray('float64', [2, 3]) })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: program 'train': expected 'frames' as float32, got float64. Convert it first.]`,
    );
  });

  test('data that does not fit its shape', () => {
    const short = { dtype: 'float32', shape: [2, 3], data: new Float32Array(5) } as NdArray;
    expect(run({ ...good, frames: short })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: program 'train': expected 6 numbers in 'frames' of shape [2, 3], got 5.]`,
    );
    const wide = { dtype: 'float32', shape: [2, 3], data: new Float64Array(6) } as unknown as NdArray;
    expect(run({ ...good, frames: wide })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: program 'train': expected the data of 'frames' (float32) as Float32Array, got Float64Array.]`,
    );
    expect(run({ ...good, frames: [[0, 0, 0]] })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'train': expected an NdArray as 'frames', got a plain array. Make one with ndarray.]`,
    );
  });

  test('leave no tensor', () => {
    program.run(good);
    const before = cpu.tensorCount();
    expect(run({ ...good, rate: vector(1) })).toThrow(/rate/);
    expect(cpu.tensorCount()).toBe(before);
  });

  test('after dispose', () => {
    const other = cpu.program('gone', {}, () => ({}));
    other.dispose();
    expect(() => other.run({})).toThrowErrorMatchingInlineSnapshot(`[ConfigError: program 'gone': run after dispose.]`);
  });
});

test.each([
  { backend: 'cpu', side: 100_000 },
  { backend: 'wasm', side: 40_000 },
] as const)(
  'memory that $backend does not have is an error that says so, and the engine goes on',
  async ({ backend, side }) => {
    const engine = await createEngine({ backend });
    const column = ndarray('float32', [side, 1]);
    const large = engine.program('large', { x: f32(side, 1) }, ({ x }) => ({ y: sum(mul(x, reshape(x, [1, side]))) }));
    expect(() => large.run({ x: column })).toThrow(BackendError);
    expect(() => large.run({ x: column })).toThrow(/program 'large': out of memory .* Use smaller batches/);
    const small = engine.program('small', { x: f32(2) }, ({ x }) => ({ y: sum(x) }));
    expect(small.run({ x: ndarray('float32', [2], Float32Array.of(1, 2)) }).y.data[0]).toBe(3);
    engine.dispose();
  },
);
