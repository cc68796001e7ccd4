// The rules of differentiation that belong to no single op: what a loss is, what does not reach it, values that are used more than once.
import { ndarray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import {
  abs,
  add,
  argMax,
  conv2d,
  exp,
  f32,
  gather,
  gradients,
  greater,
  i32,
  layerNorm,
  maximum,
  max,
  mean,
  minimum,
  mul,
  nearestCode,
  relu,
  reshape,
  sign,
  slice,
  softmaxCrossEntropy,
  split,
  sqrt,
  square,
  stopGradient,
  straightThrough,
  sub,
  sum,
  toFloat,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { floats } from '../support/arbitraries.ts';
import { cpu } from '../support/cpu.ts';
import { numbers, runOnce, vector } from '../support/evaluate.ts';

// d loss / d x at the given numbers.
function slope(x: number[], loss: (x: Tensor) => Tensor): number[] {
  return numbers(runOnce(cpu, [vector(...x)], ([t]) => ({ dx: gradients(loss(t!), [t!])[0]! })).dx);
}

describe('the loss', () => {
  const of = (loss: (x: Tensor, i: Tensor) => Tensor) => () =>
    cpu.program('p', { x: f32(2, 3), i: i32() }, ({ x, i }) => ({ dx: gradients(loss(x, i), [x])[0]! }));

  test('must be a float32 scalar', () => {
    expect(of((x) => x)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: gradients: expected a float32 scalar as the loss, got float32[2, 3]. Take its mean first.]`,
    );
    expect(of((x) => sum(x, { keepDims: true }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: gradients: expected a float32 scalar as the loss, got float32[1, 1]. Take its mean first.]`,
    );
    expect(of((_, i) => i)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: gradients: expected a float32 scalar as the loss, got int32[]. Take its mean first.]`,
    );
  });

  test('is differentiated with respect to float32 tensors of the same program', () => {
    let foreign: Tensor | undefined;
    cpu.program('other', { y: f32() }, ({ y }) => {
      foreign = y;
      return { y };
    });
    expect(() =>
      cpu.program('p', { x: f32(2), i: i32(2) }, ({ x, i }) => ({
        d: gradients(sum(gather(reshape(x, [2, 1]), i)), [i])[0]!,
      })),
    ).toThrowErrorMatchingInlineSnapshot(`[ConfigError: gradients: expected float32 tensors, got int32[2].]`);
    expect(of(() => foreign!)).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: gradients: the tensor float32[] belongs to the program 'other', not to 'p'. Pass values from one program to another through 'run'.]`,
    );
    expect(() =>
      cpu.program('p', { x: f32() }, ({ x }) => ({ d: gradients(x, [foreign!])[0]! })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: gradients: the tensor float32[] belongs to the program 'other', not to 'p'. Pass values from one program to another through 'run'.]`,
    );
    expect(() => gradients(foreign!, [])).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: gradients: called outside of a program. Ops run inside the function given to 'state.program', 'engine.program' or 'engine.eager'.]`,
    );
  });

  test('is 1 times itself', () => {
    const results = runOnce(cpu, [ndarray('float32', [], Float32Array.of(3))], ([x]) => ({
      dx: gradients(x!, [x!])[0]!,
    }));
    expect(numbers(results.dx)).toEqual([1]);
  });
});

describe('what does not reach the loss has zeros, in its own shape', () => {
  test('an unused tensor, and one behind ops without a gradient', () => {
    const table = ndarray('float32', [3, 2]);
    const unused = floats([2, 0, 3], { seed: 1, values: 'smooth' });
    const results = runOnce(cpu, [vector(1, 2), unused, table], ([x, y, z]) => {
      const codes = nearestCode(exp(z!), z!);
      const loss = sum(add(square(x!), mul(toFloat(slice(codes, [0], [2])), stopGradient(x!))));
      const [dx, dy, dz] = gradients(loss, [x!, y!, z!]);
      return { dx: dx!, dy: dy!, dz: dz! };
    });
    expect(results).toEqual({ dx: vector(2, 4), dy: ndarray('float32', [2, 0, 3]), dz: ndarray('float32', [3, 2]) });
  });

  test('through comparisons, indices and the second argument of straightThrough', () => {
    expect(slope([1, 2], (x) => sum(greater(x, 1.5)))).toEqual([0, 0]);
    expect(slope([1, 2], (x) => toFloat(argMax(x)))).toEqual([0, 0]);
    expect(slope([1, 2], (x) => sum(straightThrough(stopGradient(x), x)))).toEqual([0, 0]);
    expect(slope([1, -2], (x) => sum(sign(x)))).toEqual([0, 0]);
  });
});

describe('values that are used more than once add up', () => {
  test('twice in one op, in several ops, as a part of themselves', () => {
    expect(slope([3], (x) => sum(mul(x, x)))).toEqual([6]);
    expect(slope([3], (x) => sum(add(x, add(x, x))))).toEqual([3]);
    expect(slope([3], (x) => sum(sub(x, x)))).toEqual([0]);
    expect(slope([2], (x) => sum(mul(square(x), add(x, square(x)))))).toEqual([3 * 4 + 4 * 8]);
    expect(slope([1, 2, 3, 4], (x) => sum(mul(...(split(x, { count: 2 }) as [Tensor, Tensor]))))).toEqual([3, 4, 1, 2]);
  });

  test.prop([fc.integer({ min: 1, max: 12 })], { numRuns: 12 })('n uses have n times the gradient', (n) => {
    expect(slope([2], (x) => sum(Array.from({ length: n - 1 }).reduce<Tensor>((y) => add(y, x), x)))).toEqual([n]);
  });

  test('a tensor that is asked for twice, and one of the middle', () => {
    const results = runOnce(cpu, [vector(2)], ([x]) => {
      const y = square(x!);
      const [a, b, c] = gradients(sum(square(y)), [x!, y, x!]);
      return { a: a!, b: b!, c: c! };
    });
    expect([results.a, results.b, results.c].map((d) => numbers(d)[0])).toEqual([32, 8, 32]);
  });
});

describe('where there are two slopes or none, the documented one is taken', () => {
  test('at 0', () => {
    expect(slope([0, -0], (x) => sum(relu(x)))).toEqual([0, 0]);
    expect(slope([0], (x) => sum(abs(x)))).toEqual([0]);
    expect(slope([0], (x) => sum(sqrt(x)))).toEqual([Infinity]);
  });

  test('between equals', () => {
    expect(slope([1, 5, 5], (x) => max(x))).toEqual([0, 0.5, 0.5]);
    expect(slope([2], (x) => sum(maximum(x, 2)))).toEqual([1]);
    expect(slope([2], (x) => sum(maximum(2, x)))).toEqual([0]);
    expect(slope([2], (x) => sum(minimum(x, 2)))).toEqual([1]);
    expect(slope([2], (x) => sum(minimum(2, x)))).toEqual([0]);
  });
});

describe('gradients of gradients', () => {
  test('the Hessian of a cubic', () => {
    const results = runOnce(cpu, [vector(2, -3)], ([x]) => {
      const [first] = gradients(sum(mul(x!, square(x!))), [x!]);
      const [second] = gradients(sum(first!), [x!]);
      const [third] = gradients(sum(second!), [x!]);
      return { first: first!, second: second!, third: third! };
    });
    expect(results).toEqual({ first: vector(12, 27), second: vector(12, -18), third: vector(6, 6) });
  });

  test('a penalty on the gradient of a convolution reaches the filter', () => {
    const image = floats([1, 4, 4, 1], { seed: 3, values: 'smooth' });
    const filter = floats([3, 3, 1, 1], { seed: 4, values: 'smooth' });
    const { penalty, slope: got } = runOnce(cpu, [image, filter], ([x, w]) => {
      const [dx] = gradients(sum(conv2d(x!, w!)), [x!]);
      const total = sum(square(dx!));
      return { penalty: total, slope: gradients(total, [w!])[0]! };
    });
    // The penalty is a quadratic form of the filter: w . slope = 2 penalty (Euler).
    const inner = numbers(filter).reduce((total, w, i) => total + w * numbers(got)[i]!, 0);
    expect(inner).toBeCloseTo(2 * numbers(penalty)[0]!, 3);
  });

  test('ops that are once differentiable say so', () => {
    const twice = (body: (x: Tensor, i: Tensor) => Tensor) => () =>
      cpu.program('p', { x: f32(2, 3), i: i32(2) }, ({ x, i }) => {
        const [first] = gradients(body(x, i), [x]);
        return { d: gradients(sum(square(first!)), [x])[0]! };
      });
    expect(twice((x, i) => mean(softmaxCrossEntropy(x, i)))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: softmaxCrossEntropy: its gradient cannot be differentiated again. Put stopGradient around the first gradient, or write the op out in others.]`,
    );
    expect(
      twice((x) => mean(layerNorm(x, mean(x, { axes: [0] }), max(x, { axes: [0] })))),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: layerNorm: its gradient cannot be differentiated again. Put stopGradient around the first gradient, or write the op out in others.]`,
    );
    // A gradient that is only a factor is none of their business.
    expect(() =>
      cpu.program('p', { x: f32(2, 3), i: i32(2) }, ({ x, i }) => {
        const [first] = gradients(mean(softmaxCrossEntropy(x, i)), [x]);
        return { d: gradients(sum(mul(stopGradient(first!), x)), [x])[0]! };
      }),
    ).not.toThrow();
  });
});
