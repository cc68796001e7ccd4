// Changes of state that cannot be meant: what the messages say.
import { ShapeError, ndarray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { adamUpdate, add, assign, assignSlice, constant, f32, fill } from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { cpu } from '../support/cpu.ts';
import { vector } from '../support/evaluate.ts';
import { plainStep } from '../support/plain-step.ts';

describe('mistakes in changes of state', () => {
  const state = cpu.state({ a: vector(1, 2), b: vector(3, 4), c: vector(5, 6), n: ndarray('int32', [2]) });
  const changing = (change: (state: { a: Tensor; b: Tensor; c: Tensor; n: Tensor }, x: Tensor) => void) => () =>
    state.program('p', { x: f32(2) }, ({ x }, tensors) => {
      change(tensors, x);
      return {};
    });

  test('a state tensor is changed twice', () => {
    expect(
      changing(({ a }, x) => {
        assign(a, x);
        assign(a, x);
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: 'a' is changed twice in the program 'p'. Change each state tensor once.]`,
    );
    expect(
      changing(({ a, b, c }, x) => {
        adamUpdate(a, plainStep(b, c, x));
        assign(c, x);
      }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: 'c' is changed twice in the program 'p'. Change each state tensor once.]`,
    );
    expect(changing(({ a, b }, x) => adamUpdate(a, plainStep(b, b, x)))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adamUpdate: 'a' and its moments must be three state tensors.]`,
    );
  });

  test('what is assigned is no state', () => {
    expect(changing(({ a }, x) => assign(x, a))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: expected a state tensor as the function of 'p' got it, got another one, float32[2]. Only state can be changed.]`,
    );
    expect(changing(({ a }) => assign(add(a, 1), a))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: expected a state tensor as the function of 'p' got it, got another one, float32[2]. Only state can be changed.]`,
    );
  });

  test('slices that do not fit', () => {
    const at = ndarray('int32', []);
    const write = (value: () => Tensor, axis = 0, place: () => Tensor = () => constant(at)) =>
      changing(({ a }) => assignSlice(a, value(), { at: place(), axis }));
    expect(write(() => fill([3], 0))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: assignSlice: 'a' is [2], which has no part [3] along axis 0.]`,
    );
    expect(write(() => fill([1, 1], 0))).toThrow(ShapeError);
    for (const axis of [-1, 1, 0.5]) expect(write(() => fill([1], 0), axis)).toThrow(/expected an axis of 'a', \[2\]/);
    expect(
      write(
        () => fill([1], 0),
        0,
        () => fill([], 0),
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: assignSlice: expected the place as an int32 scalar, got float32[].]`,
    );
    expect(
      changing(({ n }) => assignSlice(n, fill([1], 0), { at: constant(at), axis: 0 })),
    ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: assignSlice: 'n' is int32, the value float32.]`);
    expect(changing(({ a }) => assignSlice(add(a, 1), fill([1], 0), { at: constant(at), axis: 0 }))).toThrow(
      /Only state can be changed/,
    );
  });

  test('another shape or dtype', () => {
    expect(changing(({ a }) => assign(a, fill([3], 0)))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: assign: 'a' is [2], the value [3].]`,
    );
    expect(changing(({ a, n }) => assign(a, n))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: assign: 'a' is float32, the value int32.]`,
    );
    expect(
      changing(({ a, b, c }) => adamUpdate(a, plainStep(b, c, fill([1, 2], 0)))),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: adamUpdate: 'a' is [2], its moments and gradient must be, got [1, 2].]`,
    );
    expect(changing(({ a, b, n }, x) => adamUpdate(a, plainStep(b, n, x)))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: adamUpdate: expected float32, got int32[2]. Cast it first.]`,
    );
    expect(
      changing(({ a, b, c }, x) => adamUpdate(a, { ...plainStep(b, c, x), rate: x })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: adamUpdate: expected a float32 scalar as rate, got float32[2].]`,
    );
  });

  test('a value of another program', () => {
    let foreign: Tensor | undefined;
    cpu.program('other', { y: f32(2) }, ({ y }) => {
      foreign = y;
      return { y };
    });
    expect(changing(({ a }) => assign(a, foreign!))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: the tensor float32[2] belongs to the program 'other', not to 'p'. Pass values from one program to another through 'run'.]`,
    );
    expect(changing(({ a, b, c }) => adamUpdate(a, plainStep(b, c, foreign!)))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: adamUpdate: the tensor float32[2] belongs to the program 'other', not to 'p'. Pass values from one program to another through 'run'.]`,
    );
  });

  test('outside of a program', () => {
    let own: Tensor | undefined;
    changing(({ a }) => (own = a))();
    expect(() => assign(own!, own!)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: assign: called outside of a program. Ops run inside the function given to 'state.program', 'engine.program' or 'engine.eager'.]`,
    );
  });
});
