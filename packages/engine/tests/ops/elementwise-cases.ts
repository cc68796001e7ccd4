// Cases of the ops of one element: unary functions, activations, arithmetic, comparisons, and the ops that are copies.
import * as fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { arrays, broadcastShapes, floats, integers, positive, seeds, shapes } from '../support/arbitraries.ts';
import type { Values } from '../support/arbitraries.ts';
import { at, float64, map, tabulate, zip } from '../support/float64.ts';
import { opCase } from '../support/op-case.ts';
import type { OpCase } from '../support/op-case.ts';
import { normalCdf } from '../wasm/special-functions.ts';

interface Unary {
  readonly f: (x: number) => number;
  readonly tape?: (x: tf.Tensor) => tf.Tensor;
  readonly onlyPositive?: boolean;
}

const unaries: Record<string, Unary> = {
  neg: { f: (x) => -x, tape: tf.neg },
  square: { f: (x) => x * x, tape: tf.square },
  exp: { f: Math.exp, tape: tf.exp },
  log: { f: Math.log, tape: tf.log, onlyPositive: true },
  sqrt: { f: Math.sqrt, tape: tf.sqrt, onlyPositive: true },
  rsqrt: { f: (x) => 1 / Math.sqrt(x), tape: tf.rsqrt, onlyPositive: true },
  abs: { f: Math.abs, tape: tf.abs },
  sign: { f: Math.sign, tape: tf.sign },
  tanh: { f: Math.tanh, tape: tf.tanh },
  softplus: { f: (x) => Math.log1p(Math.exp(x)), tape: tf.softplus },
  sigmoid: { f: (x) => 1 / (1 + Math.exp(-x)), tape: tf.sigmoid },
  relu: { f: (x) => Math.max(x, 0), tape: tf.relu },
  elu: { f: (x) => (x > 0 ? x : Math.expm1(x)), tape: tf.elu },
  gelu: { f: (x) => x * normalCdf(x) },
};

const unaryCases = Object.entries(unaries).map(([op, { f, tape, onlyPositive = false }]) =>
  opCase<null>({
    op,
    samples: (values) =>
      arrays(shapes({ empty: true }), onlyPositive ? positive(values) : values).map((x) => ({
        inputs: [x],
        attrs: null,
      })),
    call: ([x]) => (ops as unknown as Record<string, (x: Tensor) => Tensor>)[op]!(x!),
    meaning: ([x]) => map(x!, f),
    gradients: [0],
    twice: true,
    ...(tape && { tape: ([x]) => tape(x!) }),
  }),
);

// Two broadcast arrays.
function pairs(values: Values, second: Values = values): fc.Arbitrary<{ inputs: readonly NdArray[]; attrs: null }> {
  return fc.tuple(broadcastShapes, seeds).map(([[a, b], seed]) => ({
    inputs: [floats(a, { seed, values }), floats(b, { seed: seed + 1, values: second })],
    attrs: null,
  }));
}

// TensorFlow.js's gradients of maximum and minimum forget that a scalar may have been broadcast.
function stretched(a: tf.Tensor, b: tf.Tensor): [tf.Tensor, tf.Tensor] {
  return [tf.add(a, tf.mul(b, 0)), tf.add(b, tf.mul(a, 0))];
}

interface Binary {
  readonly f: (a: number, b: number) => number;
  readonly tape?: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  readonly mask?: boolean;
  readonly positiveSecond?: boolean;
}

const binaries: Record<string, Binary> = {
  add: { f: (a, b) => a + b, tape: tf.add },
  sub: { f: (a, b) => a - b, tape: tf.sub },
  mul: { f: (a, b) => a * b, tape: tf.mul },
  div: { f: (a, b) => a / b, tape: tf.div, positiveSecond: true },
  maximum: { f: Math.max, tape: (a, b) => tf.maximum(...stretched(a, b)) },
  minimum: { f: Math.min, tape: (a, b) => tf.minimum(...stretched(a, b)) },
  greater: { f: (a, b) => Number(a > b), mask: true },
  greaterEqual: { f: (a, b) => Number(a >= b), mask: true },
  less: { f: (a, b) => Number(a < b), mask: true },
  equal: { f: (a, b) => Number(a === b), mask: true },
};

const binaryCases = Object.entries(binaries).map(([op, { f, tape, mask = false, positiveSecond = false }]) =>
  opCase<null>({
    op,
    samples: (values) => pairs(values, positiveSecond ? positive(values) : values),
    call: ([a, b]) => (ops as unknown as Record<string, (a: Tensor, b: Tensor) => Tensor>)[op]!(a!, b!),
    meaning: ([a, b]) => zip(a!, b!, f),
    ...(mask ? { tolerance: 0 } : { gradients: [0, 1], twice: true }),
    ...(tape && { tape: ([a, b]) => tape(a!, b!) }),
  }),
);

const copies = (values: Values) => arrays(shapes({ empty: true }), values).map((x) => ({ inputs: [x], attrs: null }));

/** Ops that look at one element at a time. */
export const elementwiseCases: readonly OpCase[] = [
  ...unaryCases,
  ...binaryCases,
  opCase<null>({
    op: 'add',
    about: 'with numbers',
    samples: copies,
    call: ([x]) => ops.add(2, ops.add(x!, 0.5)),
    meaning: ([x]) => map(x!, (value) => value + 2.5),
    gradients: [0],
  }),
  opCase<null>({
    op: 'toFloat',
    samples: () =>
      fc
        .tuple(shapes({ empty: true }), seeds)
        .map(([shape, seed]) => ({ inputs: [integers(shape, { seed, count: 1 << 20 })], attrs: null })),
    call: ([x]) => ops.toFloat(x!),
    meaning: ([x]) => x!,
    tolerance: 0,
  }),
  opCase<null>({
    op: 'toInt',
    samples: (values) =>
      arrays(shapes({ empty: true }), values).map(({ shape, data }) => {
        // From parts of one to whole numbers of 22 bits.
        const scaled = Float32Array.from(data, (x) => Number(x) * 2 ** (4 * (data.length % 6)));
        return { inputs: [ndarray('float32', shape, scaled)], attrs: null };
      }),
    call: ([x]) => ops.toInt(x!),
    meaning: ([x]) => map(x!, Math.trunc),
    tolerance: 0,
  }),
  opCase<null>({
    op: 'checkFinite',
    samples: copies,
    call: ([x]) => ops.checkFinite(x!, 'x'),
    meaning: ([x]) => x!,
    gradients: [0],
    twice: true,
    tolerance: 1e-7,
  }),
  opCase<null>({
    op: 'stopGradient',
    samples: copies,
    call: ([x]) => ops.stopGradient(x!),
    meaning: ([x]) => x!,
    tolerance: 0,
  }),
  opCase<null>({
    op: 'straightThrough',
    samples: (values) =>
      fc.tuple(shapes({ empty: true }), seeds).map(([shape, seed]) => ({
        inputs: [floats(shape, { seed, values }), floats(shape, { seed: seed + 1, values })],
        attrs: null,
      })),
    call: ([z, quantized]) => ops.straightThrough(z!, quantized!),
    meaning: ([, quantized]) => quantized!,
    tolerance: 0,
  }),
  ...(['float32', 'int32'] as const).flatMap((dtype) =>
    [0, 1].map((inner) =>
      opCase<null>({
        op: 'where',
        about: `${dtype}, ${inner === 0 ? 'element by element' : 'by leading axes'}`,
        samples: (values) =>
          fc.tuple(shapes({ minRank: inner, empty: true }), seeds).map(([shape, seed]) => {
            const bits = integers(shape.slice(0, shape.length - inner), { seed, count: 2 });
            const numbers = (from: number) =>
              dtype === 'float32' ? floats(shape, { seed: from, values }) : integers(shape, { seed: from, count: 9 });
            const mask = ndarray('float32', bits.shape, Float32Array.from(bits.data));
            return { inputs: [mask, numbers(seed + 1), numbers(seed + 2)], attrs: null };
          }),
        call: ([mask, a, b]) => ops.where(mask!, a!, b!),
        meaning: ([mask, a, b]) =>
          tabulate(a!.shape, (index) => at(at(mask!, index.slice(0, index.length - inner)) === 0 ? b! : a!, index)),
        tolerance: 0,
        ...(dtype === 'float32' && { gradients: [1, 2], twice: true }),
      }),
    ),
  ),
  opCase<{ array: NdArray }>({
    op: 'constant',
    samples: (values) =>
      fc
        .oneof(
          arrays(shapes({ empty: true }), values),
          fc.tuple(shapes({ empty: true }), seeds).map(([shape, seed]) => integers(shape, { seed, count: 9 })),
        )
        .map((array) => ({ inputs: [], attrs: { array } })),
    call: (_, { array }) => ops.constant(array),
    meaning: (_, { array }) => float64(array),
    tolerance: 0,
  }),
  opCase<{ shape: number[]; value: number }>({
    op: 'fill',
    samples: () =>
      fc
        .record({ shape: shapes({ empty: true }), value: fc.constantFrom(0, -1, 0.5, 1024) })
        .map((attrs) => ({ inputs: [], attrs })),
    call: (_, { shape, value }) => ops.fill(shape, value),
    meaning: (_, { shape, value }) => tabulate(shape, () => value),
    tolerance: 0,
  }),
  opCase<{ shape: number[] }>({
    op: 'zeros',
    samples: () => shapes({ empty: true }).map((shape) => ({ inputs: [], attrs: { shape } })),
    call: (_, spec) => ops.zeros(spec),
    meaning: (_, { shape }) => tabulate(shape, () => 0),
    tolerance: 0,
  }),
];
