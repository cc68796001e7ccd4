// Cases of matrix products and convolutions, by their definitions.
import * as fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import * as ops from '../../src/index.ts';
import type { MatMulOptions } from '../../src/index.ts';
import { floats, lengths, seeds, shapes, sizes } from '../support/arbitraries.ts';
import { at, reshaped, sizeOf, tabulate, zip } from '../support/float64.ts';
import type { Float64 } from '../support/float64.ts';
import { opCase } from '../support/op-case.ts';
import type { OpCase } from '../support/op-case.ts';

// Sums of up to 75 products of numbers around 1: the roundings of a sum grow with its length.
const productTolerance = 3e-5;

const flip = <T>(turned: boolean, [a, b]: [T, T]): [T, T] => (turned ? [b, a] : [a, b]);

function product(a: Float64, b: Float64, { transposeA = false, transposeB = false }: MatMulOptions): Float64 {
  const [m, k] = flip(transposeA, a.shape.slice(-2) as [number, number]);
  const [, n] = flip(transposeB, b.shape.slice(-2) as [number, number]);
  return tabulate([...a.shape.slice(0, -2), m, n], (index) => {
    const batch = index.slice(0, -2);
    const [row, column] = index.slice(-2) as [number, number];
    let sum = 0;
    for (let i = 0; i < k; i++) {
      sum += at(a, [...batch, ...flip(transposeA, [row, i])]) * at(b, [...batch, ...flip(transposeB, [i, column])]);
    }
    return sum;
  });
}

interface Conv {
  readonly stride: number;
  readonly padding: 'same' | 'valid';
}

// TensorFlow's padding: outputs of ceil(n / stride), the odd pixel at the end.
function before(n: number, kernel: number, { stride, padding }: Conv): number {
  if (padding === 'valid') return 0;
  return Math.floor(Math.max(0, (Math.ceil(n / stride) - 1) * stride + kernel - n) / 2);
}

function outputs(n: number, kernel: number, { stride, padding }: Conv): number {
  return padding === 'same' ? Math.ceil(n / stride) : Math.floor((n - kernel) / stride) + 1;
}

// y[n, i, j, f] = sum over h, w, c of x[n, i s + h - p, j s + w - q, c] filter[h, w, c, f]
function convolution(x: Float64, filter: Float64, conv: Conv): Float64 {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [kernelHeight, kernelWidth, , features] = filter.shape as [number, number, number, number];
  const [top, left] = [before(height, kernelHeight, conv), before(width, kernelWidth, conv)];
  const shape = [batch, outputs(height, kernelHeight, conv), outputs(width, kernelWidth, conv), features];
  return tabulate(shape, ([n, i, j, f]) => {
    let sum = 0;
    for (let h = 0; h < kernelHeight; h++) {
      for (let w = 0; w < kernelWidth; w++) {
        const [row, column] = [i! * conv.stride + h - top, j! * conv.stride + w - left];
        if (row < 0 || column < 0 || row >= height || column >= width) continue;
        for (let c = 0; c < channels; c++) sum += at(x, [n!, row, column, c]) * at(filter, [h, w, c, f!]);
      }
    }
    return sum;
  });
}

// Each pixel of the input adds its filter to the output: the transpose of the matrix of a convolution.
function transposedConvolution(x: Float64, filter: Float64, conv: Conv): Float64 {
  const [batch, height, width, features] = x.shape as [number, number, number, number];
  const [kernelHeight, kernelWidth, channels] = filter.shape as [number, number, number];
  const grown = (n: number, kernel: number) =>
    conv.padding === 'same' ? n * conv.stride : (n - 1) * conv.stride + kernel;
  const shape = [batch, grown(height, kernelHeight), grown(width, kernelWidth), channels];
  const [top, left] = [before(shape[1]!, kernelHeight, conv), before(shape[2]!, kernelWidth, conv)];
  return tabulate(shape, ([n, row, column, c]) => {
    let sum = 0;
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const [h, w] = [row! - i * conv.stride + top, column! - j * conv.stride + left];
        if (h < 0 || w < 0 || h >= kernelHeight || w >= kernelWidth) continue;
        for (let f = 0; f < features; f++) sum += at(x, [n!, i, j, f]) * at(filter, [h, w, c!, f]);
      }
    }
    return sum;
  });
}

const convolutions = fc
  .record({
    batch: fc.constantFrom(1, 1, 2, 3),
    height: fc.constantFrom(1, 2, 3, 5, 6, 7),
    width: fc.constantFrom(1, 2, 4, 5, 7),
    channels: fc.constantFrom(1, 2, 3),
    features: fc.constantFrom(1, 2, 4, 5),
    kernelHeight: fc.integer({ min: 1, max: 5 }),
    kernelWidth: fc.integer({ min: 1, max: 5 }),
    stride: fc.constantFrom(1, 2, 3),
    padding: fc.constantFrom('same' as const, 'valid' as const),
    seed: seeds,
  })
  .filter(
    ({ padding, height, width, kernelHeight, kernelWidth }) =>
      padding === 'same' || (kernelHeight <= height && kernelWidth <= width),
  );

/** Ops that are matrix products underneath. */
export const productCases: readonly OpCase[] = [
  opCase<MatMulOptions>({
    op: 'matMul',
    samples: (values) =>
      fc
        .record({
          batch: fc.array(fc.constantFrom(1, 2, 3, 0), { maxLength: 3 }),
          m: lengths,
          k: lengths,
          n: lengths,
          transposeA: fc.boolean(),
          transposeB: fc.boolean(),
          seed: seeds,
        })
        .filter(({ batch, m, k, n }) => sizeOf([...batch, m, k, n]) < 10_000)
        .map(({ batch, m, k, n, seed, ...attrs }) => ({
          inputs: [
            floats([...batch, ...flip(attrs.transposeA, [m, k])], { seed, values }),
            floats([...batch, ...flip(attrs.transposeB, [k, n])], { seed: seed + 1, values }),
          ],
          attrs,
        })),
    call: ([a, b], options) => ops.matMul(a!, b!, options),
    meaning: ([a, b], options) => product(a!, b!, options),
    gradients: [0, 1],
    twice: true,
    tolerance: productTolerance,
    tape: ([a, b], { transposeA, transposeB }) => tf.matMul(a!, b!, transposeA, transposeB),
  }),
  opCase<MatMulOptions>({
    op: 'matMul',
    about: 'one matrix for a batch',
    samples: (values) =>
      fc
        .record({
          batch: fc.array(fc.constantFrom(1, 2, 3, 0), { minLength: 1, maxLength: 3 }),
          m: sizes,
          k: sizes,
          n: sizes,
          transposeB: fc.boolean(),
          seed: seeds,
        })
        .map(({ batch, m, k, n, transposeB, seed }) => ({
          inputs: [
            floats([...batch, m, k], { seed, values }),
            floats(flip(transposeB, [k, n]), { seed: seed + 1, values }),
          ],
          attrs: { transposeB },
        })),
    call: ([a, b], options) => ops.matMul(a!, b!, options),
    meaning: ([a, b], options) => {
      const k = a!.shape.at(-1)!;
      const y = product(reshaped(a!, [a!.data.length / k, k]), b!, options);
      return reshaped(y, [...a!.shape.slice(0, -1), y.shape[1]!]);
    },
    gradients: [0, 1],
    twice: true,
    tolerance: productTolerance,
  }),
  opCase<null>({
    op: 'biasAdd',
    samples: (values) =>
      fc.tuple(shapes({ minRank: 1, empty: true }), seeds).map(([shape, seed]) => ({
        inputs: [floats(shape, { seed, values }), floats(shape.slice(-1), { seed: seed + 1, values })],
        attrs: null,
      })),
    call: ([x, bias]) => ops.biasAdd(x!, bias!),
    meaning: ([x, bias]) => zip(x!, bias!, (a, b) => a + b),
    gradients: [0, 1],
    twice: true,
    tape: ([x, bias]) => tf.add(x!, bias!),
  }),
  opCase<Conv>({
    op: 'conv2d',
    samples: (values) =>
      convolutions.map(({ batch, height, width, channels, features, kernelHeight, kernelWidth, seed, ...attrs }) => ({
        inputs: [
          floats([batch, height, width, channels], { seed, values }),
          floats([kernelHeight, kernelWidth, channels, features], { seed: seed + 1, values }),
        ],
        attrs,
      })),
    call: ([x, filter], options) => ops.conv2d(x!, filter!, options),
    meaning: ([x, filter], options) => convolution(x!, filter!, options),
    gradients: [0, 1],
    twice: true,
    tolerance: productTolerance,
    tape: ([x, filter], { stride, padding }) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, padding),
  }),
  opCase<Conv>({
    op: 'conv2dTranspose',
    samples: (values) =>
      convolutions.map(({ batch, height, width, channels, features, kernelHeight, kernelWidth, seed, ...attrs }) => ({
        inputs: [
          floats([batch, height, width, features], { seed, values }),
          floats([kernelHeight, kernelWidth, channels, features], { seed: seed + 1, values }),
        ],
        attrs,
      })),
    call: ([x, filter], options) => ops.conv2dTranspose(x!, filter!, options),
    meaning: ([x, filter], options) => transposedConvolution(x!, filter!, options),
    gradients: [0, 1],
    twice: true,
    tolerance: productTolerance,
    tape: ([x, filter], { stride, padding }) => {
      const [batch, height, width] = x!.shape as [number, number, number];
      const [kernelHeight, kernelWidth, channels] = filter!.shape as [number, number, number];
      const grown = (n: number, kernel: number) => (padding === 'same' ? n * stride : (n - 1) * stride + kernel);
      const shape = [batch, grown(height, kernelHeight), grown(width, kernelWidth), channels] as const;
      return tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [...shape], stride, padding);
    },
  }),
];
