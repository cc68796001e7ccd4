// What can go wrong while a program is recorded, and what the messages say.
import { ndarray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { add, constant, exp, f32, i32, mul, read, square } from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { cpu } from '../support/cpu.ts';
import { numbers, vector } from '../support/evaluate.ts';

// A tensor that some other program was recorded with.
function foreign(): Tensor {
  let tensor: Tensor | undefined;
  cpu.program('encoder', { x: f32(2) }, ({ x }) => {
    tensor = x;
    return { x };
  });
  return tensor!;
}

describe('recording', () => {
  test('happens once, when the program is made', () => {
    let calls = 0;
    const program = cpu.program('p', { x: f32(1) }, ({ x }) => {
      calls += 1;
      return { y: add(x, 1) };
    });
    program.run({ x: vector(1) });
    program.run({ x: vector(2) });
    expect(calls).toBe(1);
    program.dispose();
  });

  test('an op outside of a program', () => {
    expect(() => add(foreign(), 1)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: constant: called outside of a program. Ops run inside the function given to 'state.program', 'engine.program' or 'engine.eager'.]`,
    );
    expect(() => exp(foreign())).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: exp: called outside of a program. Ops run inside the function given to 'state.program', 'engine.program' or 'engine.eager'.]`,
    );
  });

  test('a tensor of another program', () => {
    const other = foreign();
    expect(() =>
      cpu.program('decoder', { x: f32(2) }, ({ x }) => ({ y: mul(x, other) })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: mul: the tensor float32[2] belongs to the program 'encoder', not to 'decoder'. Pass values from one program to another through 'run'.]`,
    );
    expect(() => cpu.program('decoder', {}, () => ({ other }))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'decoder': the tensor float32[2] belongs to the program 'encoder', not to 'decoder'. Pass values from one program to another through 'run'.]`,
    );
    expect(() => cpu.eager(() => square(other))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: square: the tensor float32[2] belongs to the program 'encoder', not to 'eager'. Pass values from one program to another through 'run'.]`,
    );
  });

  test('something that is no tensor', () => {
    const body = (value: unknown) => () => cpu.program('p', {}, () => ({ y: exp(value as Tensor) }));
    expect(body(undefined)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: exp: expected tensors of the program 'p', got undefined.]`,
    );
    expect(body([1, 2])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: exp: expected tensors of the program 'p', got an object.]`,
    );
    expect(body(vector(1))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: exp: expected tensors of the program 'p', got an array. Make it an input of the program or wrap it in 'constant'.]`,
    );
  });

  test('results that are no tensors', () => {
    const returning = (value: unknown) => () => cpu.program('p', { x: f32() }, () => value as Record<string, Tensor>);
    expect(returning({ y: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'p': expected its function to return tensors by name, got number as 'y'.]`,
    );
    expect(returning({ y: undefined })).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'p': expected its function to return tensors by name, got undefined as 'y'.]`,
    );
    expect(returning(undefined)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'p': expected its function to return tensors by name, like { loss }, got undefined.]`,
    );
    expect(returning(foreign())).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'p': expected its function to return tensors by name, like { loss }, got a tensor without a name.]`,
    );
  });

  test('an async function', () => {
    const body = async ({ x }: { x: Tensor }) => Promise.resolve({ x });
    expect(() =>
      cpu.program('p', { x: f32() }, body as unknown as (inputs: { x: Tensor }) => { x: Tensor }),
    ).toThrowErrorMatchingInlineSnapshot(`[ConfigError: program 'p': expected a plain function, got an async one.]`);
    expect(() => cpu.eager(async () => Promise.resolve(1))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'eager': expected a plain function, got an async one.]`,
    );
  });

  test('one program inside another', () => {
    const inner = () => cpu.program('inner', {}, () => ({}));
    expect(() =>
      cpu.program('outer', {}, () => {
        inner();
        return {};
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'inner': recorded inside the program 'outer'. Call its function, or make the inner program first.]`,
    );
    expect(() => cpu.program('outer', {}, () => cpu.eager(() => ({})))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: program 'eager': recorded inside the program 'outer'. Call its function, or make the inner program first.]`,
    );
    expect(inner).not.toThrow();
  });

  test('a function that throws leaves no program open', () => {
    expect(() =>
      cpu.program('p', {}, () => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    const program = cpu.program('p', { x: f32(1) }, ({ x }) => ({ y: add(x, 1) }));
    expect(numbers(program.run({ x: vector(1) }).y)).toEqual([2]);
    program.dispose();
  });

  test('a constant is copied when it is recorded', () => {
    const array = vector(1, 2);
    const program = cpu.program('p', {}, () => ({ y: constant(array) }));
    array.data.fill(9);
    expect(program.run({}).y).toEqual(vector(1, 2));
    (program.run({}).y.data as Float32Array).fill(7);
    expect(program.run({}).y).toEqual(vector(1, 2));
    program.dispose();
    expect(() =>
      cpu.program('p', {}, () => ({ y: constant(ndarray('uint8', [2])) })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: constant: expected a float32 or int32 array, got uint8. Convert it first.]`,
    );
  });

  test('one tensor under two names, and an input as a result', () => {
    const program = cpu.program('p', { x: f32(2), n: i32(1) }, ({ x, n }) => ({ x, again: x, n }));
    const n = ndarray('int32', [1], Int32Array.of(-3));
    const results = program.run({ x: vector(1, 2), n });
    expect(results).toEqual({ x: vector(1, 2), again: vector(1, 2), n });
    (results.x.data as Float32Array).fill(0);
    expect(results.again).toEqual(vector(1, 2));
    program.dispose();
  });
});

describe('read', () => {
  test('has numbers only inside of its eager function', () => {
    expect(cpu.eager(() => numbers(read(add(constant(vector(1, 2)), 1))))).toEqual([2, 3]);
    const escaped = cpu.eager(() => constant(vector(1)));
    expect(() => read(escaped)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: read: only tensors of a running eager function have numbers. Return the tensor from the program and take it from the result of run.]`,
    );
    expect(() => cpu.program('p', { x: f32() }, ({ x }) => ({ x, y: constant(read(escaped)) }))).toThrow(
      /read: only tensors/,
    );
  });
});
