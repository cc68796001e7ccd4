// Cases of the ops that move numbers, and of those that reduce axes.
import * as fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import * as ops from '../../src/index.ts';
import { arrays, axesOf, broadcastShapes, floats, seeds, shapes, sizes } from '../support/arbitraries.ts';
import type { Values } from '../support/arbitraries.ts';
import { at, broadcast, reduce, reshaped, sizeOf, tabulate, total } from '../support/float64.ts';
import type { Float64 } from '../support/float64.ts';
import { opCase } from '../support/op-case.ts';
import type { OpCase, Sample } from '../support/op-case.ts';

// An array and settings that depend on its shape.
function shaped<A>(
  shape: fc.Arbitrary<number[]>,
  values: Values,
  attrs: (shape: number[]) => fc.Arbitrary<A>,
): fc.Arbitrary<Sample<A>> {
  return shape.chain((sizes) =>
    fc.tuple(seeds, attrs(sizes)).map(([seed, attrs]) => ({ inputs: [floats(sizes, { seed, values })], attrs })),
  );
}

interface Reduction {
  readonly axes: number[] | undefined;
  readonly keepDims: boolean;
}

const reductions = (shape: number[]): fc.Arbitrary<Reduction> =>
  fc.record({ axes: fc.option(axesOf(shape), { nil: undefined }), keepDims: fc.boolean() });

function reduction(
  op: 'sum' | 'mean' | 'max',
  { empty, f, twice }: { empty: boolean; f: (values: number[]) => number; twice: boolean },
): OpCase {
  const options = ({ axes, keepDims }: Reduction) => (axes === undefined ? { keepDims } : { axes, keepDims });
  return opCase<Reduction>({
    op,
    samples: (values) => shaped(shapes({ empty }), values, reductions),
    call: ([x], attrs) => ops[op](x!, options(attrs)),
    meaning: ([x], { axes = x!.shape.map((_, axis) => axis), keepDims }) => {
      const y = reduce(x!, axes, f);
      const from0 = axes.map((axis) => (axis < 0 ? axis + x!.shape.length : axis));
      return keepDims
        ? reshaped(
            y,
            x!.shape.map((n, axis) => (from0.includes(axis) ? 1 : n)),
          )
        : y;
    },
    gradients: [0],
    twice,
    tape: ([x], { axes, keepDims }) => tf[op](x!, axes, keepDims),
  });
}

const joins = (values: Values): fc.Arbitrary<Sample<{ axis: number }>> =>
  shapes({ minRank: 1, maxRank: 5, empty: true }).chain((shape) =>
    fc
      .record({
        axis: fc.integer({ min: -shape.length, max: shape.length - 1 }),
        parts: fc.array(fc.constantFrom(0, 1, 2, 5), { minLength: 1, maxLength: 4 }),
        seed: seeds,
      })
      .map(({ axis, parts, seed }) => ({
        attrs: { axis },
        inputs: parts.map((part, i) => floats(shape.with(axis, part), { seed: seed + i, values })),
      })),
  );

/** Ops that compute nothing, or along axes. */
export const shapeCases: readonly OpCase[] = [
  reduction('sum', { empty: true, f: total, twice: true }),
  reduction('mean', { empty: false, f: (values) => total(values) / values.length, twice: true }),
  reduction('max', { empty: false, f: (values) => Math.max(...values), twice: false }),
  opCase<{ axis: number | undefined }>({
    op: 'argMax',
    samples: (values) =>
      shaped(shapes({ minRank: 1 }), values, (shape) =>
        fc.record({ axis: fc.option(fc.integer({ min: -shape.length, max: shape.length - 1 }), { nil: undefined }) }),
      ),
    call: ([x], { axis }) => ops.argMax(x!, axis === undefined ? {} : { axis }),
    meaning: ([x], { axis = -1 }) => reduce(x!, [axis], (values) => values.indexOf(Math.max(...values))),
    tolerance: 0,
  }),
  opCase<{ shape: number[] }>({
    op: 'reshape',
    samples: (values) =>
      shaped(shapes({ empty: true }), values, (shape) =>
        fc.oneof<fc.Arbitrary<{ shape: number[] }>[]>(
          fc.shuffledSubarray(shape, { minLength: shape.length }).map((mixed) => ({ shape: [...mixed, 1] })),
          fc.constant({ shape: [sizeOf(shape)] }),
          fc.constant({ shape: shape.includes(0) ? [0, 3] : [1, -1] }),
        ),
      ),
    call: ([x], { shape }) => ops.reshape(x!, shape),
    meaning: ([x], { shape }) =>
      reshaped(
        x!,
        shape.map((n) => (n === -1 ? x!.data.length : n)),
      ),
    gradients: [0],
    twice: true,
    tape: ([x], { shape }) => tf.reshape(x!, shape),
  }),
  opCase<{ permutation: number[] | undefined }>({
    op: 'transpose',
    samples: (values) =>
      shaped(shapes({ empty: true }), values, (shape) =>
        fc.record({
          permutation: fc.option(
            fc.shuffledSubarray(
              shape.map((_, axis) => axis),
              { minLength: shape.length },
            ),
            { nil: undefined },
          ),
        }),
      ),
    call: ([x], { permutation }) => ops.transpose(x!, permutation),
    meaning: ([x], { permutation = x!.shape.map((_, axis) => x!.shape.length - 1 - axis) }) =>
      transposed(x!, permutation),
    gradients: [0],
    twice: true,
    tape: ([x], { permutation }) => tf.transpose(x!, permutation),
  }),
  opCase<{ permutation: number[] }>({
    op: 'transpose',
    // Permutations that are not their own inverse.
    about: 'turning the axes round',
    samples: (values) =>
      shaped(shapes({ minRank: 3 }), values, (shape) =>
        fc.integer({ min: 1, max: shape.length - 1 }).map((by) => ({
          permutation: shape.map((_, axis) => (axis + by) % shape.length),
        })),
      ),
    call: ([x], { permutation }) => ops.transpose(x!, permutation),
    meaning: ([x], { permutation }) => transposed(x!, permutation),
    gradients: [0],
    twice: true,
    tape: ([x], { permutation }) => tf.transpose(x!, permutation),
  }),
  opCase<{ begin: number[]; size: number[] }>({
    op: 'slice',
    samples: (values) =>
      shaped(shapes({ empty: true }), values, (shape) =>
        fc
          .tuple(
            ...shape.map((n) =>
              fc.tuple(fc.nat(n), fc.nat(n)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
            ),
          )
          .map((ranges) => ({ begin: ranges.map(([a]) => a), size: ranges.map(([a, b]) => b - a) })),
      ),
    call: ([x], { begin, size }) => ops.slice(x!, begin, size),
    meaning: ([x], { begin, size }) => tabulate(size, (index) => at(x!, offset(index, begin, x!.shape))),
    gradients: [0],
    twice: true,
    tape: ([x], { begin, size }) => (size.length === 0 ? x!.clone() : tf.slice(x!, begin, size)),
  }),
  opCase<{ paddings: [number, number][] }>({
    op: 'pad',
    samples: (values) =>
      shaped(shapes({ maxRank: 4, empty: true }), values, (shape) =>
        fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2)))).map((paddings) => ({ paddings })),
      ),
    call: ([x], { paddings }) => ops.pad(x!, paddings),
    meaning: ([x], { paddings }) =>
      tabulate(
        x!.shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]),
        (index) => {
          const source = index.map((i, axis) => i - paddings[axis]![0]);
          return source.every((i, axis) => i >= 0 && i < x!.shape[axis]!) ? at(x!, source) : 0;
        },
      ),
    gradients: [0],
    twice: true,
    tape: ([x], { paddings }) => (paddings.length === 0 ? x!.clone() : tf.pad(x!, paddings)),
  }),
  opCase<{ axis: number }>({
    op: 'concat',
    samples: joins,
    call: (inputs, { axis }) => ops.concat(inputs, { axis }),
    meaning: (inputs, { axis }) => joined(inputs, axis < 0 ? axis + inputs[0]!.shape.length : axis),
    gradients: [0, 1, 2, 3],
    twice: true,
    tape: (inputs, { axis }) => tf.concat([...inputs], axis),
  }),
  opCase<{ axis: number; count: number }>({
    op: 'split',
    about: 'each part by its own factor',
    samples: (values) =>
      fc
        .record({
          shape: shapes({ minRank: 1, maxRank: 4 }),
          count: fc.constantFrom(1, 2, 3),
          axis: fc.nat(3),
          end: fc.boolean(),
          part: sizes,
        })
        .chain(({ shape, count, axis, end, part }) => {
          const along = axis % shape.length;
          const whole = shape.with(along, Math.min(part, 3) * count);
          return shaped(fc.constant(whole), values, () =>
            fc.constant({ axis: end ? along - shape.length : along, count }),
          );
        }),
    call: ([x], { axis, count }) =>
      ops.concat(
        ops.split(x!, { count, axis }).map((part, i) => ops.mul(part, i + 1)),
        { axis },
      ),
    meaning: ([x], { axis, count }) => {
      const along = axis < 0 ? axis + x!.shape.length : axis;
      return tabulate(
        x!.shape,
        (index) => at(x!, index) * (1 + Math.floor(index[along]! / (x!.shape[along]! / count))),
      );
    },
    gradients: [0],
    twice: true,
    tape: ([x], { axis, count }) =>
      count === 1
        ? x!.clone()
        : tf.concat(
            tf.split(x!, count, axis).map((part, i) => tf.mul(part, i + 1)),
            axis,
          ),
  }),
  opCase<{ shape: number[] }>({
    op: 'broadcastTo',
    samples: (values) =>
      broadcastShapes.chain(([a, b]) =>
        arrays(fc.constant(a), values).map((x) => ({ inputs: [x], attrs: { shape: broadcast(a, b) } })),
      ),
    call: ([x], { shape }) => ops.broadcastTo(x!, shape),
    meaning: ([x], { shape }) => tabulate(shape, (index) => at(x!, index)),
    gradients: [0],
    twice: true,
  }),
];

function transposed(x: Float64, permutation: readonly number[]): Float64 {
  return tabulate(
    permutation.map((axis) => x.shape[axis]!),
    (index) => {
      const source: number[] = [];
      for (const [i, axis] of permutation.entries()) source[axis] = index[i]!;
      return at(x, source);
    },
  );
}

function offset(index: readonly number[], begin: readonly number[], shape: readonly number[]): number[] {
  return shape.map((_, axis) => index[axis]! + begin[axis]!);
}

function joined(inputs: readonly Float64[], axis: number): Float64 {
  const length = total(inputs.map(({ shape }) => shape[axis]!));
  return tabulate(inputs[0]!.shape.with(axis, length), (index) => {
    let position = index[axis]!;
    let part = 0;
    while (position >= inputs[part]!.shape[axis]!) position -= inputs[part++]!.shape[axis]!;
    return at(inputs[part]!, index.with(axis, position));
  });
}
