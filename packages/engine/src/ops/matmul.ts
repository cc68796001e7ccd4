// Matrix products, plain and batched, with either factor transposed, and the bias that follows them.
import { ShapeError } from '@tessera/core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { sum } from './reduce.ts';
import { reshape } from './shape.ts';
import { expectFloat, sameShape, shapeText, size } from './shapes.ts';

/** Which factors are used transposed (their last two axes). */
export interface MatMulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

interface MatMulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

interface Sizes {
  readonly batch: readonly number[];
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function sizes(a: readonly number[], b: readonly number[], { transposeA, transposeB }: MatMulAttrs): Sizes {
  const [rows, columns] = a.slice(-2) as [number, number];
  const [m, k] = transposeA ? [columns, rows] : [rows, columns];
  const n = transposeB ? b.at(-2)! : b.at(-1)!;
  return { batch: a.slice(0, -2), m, k, n };
}

const matMulOp: Op<MatMulAttrs> = defineOp<MatMulAttrs>({
  name: 'matMul',
  infer: ([a, b], attrs) => {
    expectFloat('matMul', a!, b!);
    const inner = attrs.transposeB ? b!.shape.at(-1) : b!.shape.at(-2);
    const { batch, m, k, n } = sizes(a!.shape, b!.shape, attrs);
    if (a!.shape.length < 2 || b!.shape.length < 2 || !sameShape(batch, b!.shape.slice(0, -2)) || k !== inner) {
      const flag = (transposed: boolean) => (transposed ? ' transposed' : '');
      throw new ShapeError(
        `matMul: ${shapeText(a!.shape)}${flag(attrs.transposeA)} times ${shapeText(b!.shape)}${flag(attrs.transposeB)} do not fit.`,
      );
    }
    return [{ shape: [...batch, m, n], dtype: 'float32' }];
  },
  gradient: ({ inputs: [a, b], attrs: { transposeA, transposeB }, needs }, [dy]) => [
    needs[0]
      ? transposeA
        ? matMul(b!, dy!, { transposeA: transposeB, transposeB: true })
        : matMul(dy!, b!, { transposeB: !transposeB })
      : undefined,
    needs[1]
      ? transposeB
        ? matMul(dy!, a!, { transposeA: true, transposeB: transposeA })
        : matMul(a!, dy!, { transposeA: !transposeA })
      : undefined,
  ],
  kernel: (k, [a, b], attrs) => {
    const { batch, m, n } = sizes(a!.shape, b!.shape, attrs);
    const count = size(batch);
    const cube = (x: TensorInfo) => k.alias(x, [count, ...x.shape.slice(-2)]);
    return [k.alias(k.call('BatchMatMul', { a: cube(a!), b: cube(b!) }, attrs), [...batch, m, n])];
  },
  wasm: (w, [a, b], attrs) => {
    const { batch, m, k, n } = sizes(a!.shape, b!.shape, attrs);
    const y = w.output([...batch, m, n]);
    const [pa, pb, c] = [w.pointer(a!), w.pointer(b!), w.pointer(y)];
    w.heap.withScratch(w.kernels.gemmScratchBytes, (scratch) =>
      w.kernels.batchMatMul({ a: pa, b: pb, c, batch: size(batch), m, k, n, ...attrs, scratch }),
    );
    return [y];
  },
  graph: (g, [a, b], { transposeA, transposeB }) => {
    const [{ shape }] = g.inputs as readonly [Spec];
    if (g.ownProducts && shape.length === 2) return [g.ownProduct(a!, b!, { transposeA, transposeB })];
    const factors = [g.factor(a!), g.factor(b!)];
    const [first, second] = [attr.bool(transposeA), attr.bool(transposeB)];
    return shape.length === 2
      ? [g.product('MatMul', factors, { transpose_a: first, transpose_b: second })]
      : [g.product('BatchMatMulV2', factors, { adj_x: first, adj_y: second })];
  },
  graphBiased: (g, [a, b], attrs, after) =>
    g.ownProducts && g.outputs[0]!.shape.length === 2 ? g.ownProduct(a!, b!, { ...attrs, after }) : undefined,
  flops: ([a, b], _, attrs) => {
    const { batch, m, k, n } = sizes(a!.shape, b!.shape, attrs);
    return 2 * size(batch) * m * k * n;
  },
});

/**
 * `op(a) op(b)` over the last two axes; the axes before them are a batch and equal on both sides.
 *
 * A matrix `b` under a batched, untransposed `a` is used for each of the batch.
 */
export function matMul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatMulOptions = {}): Tensor {
  if (a.rank > 2 && b.rank === 2 && !transposeA) {
    const flat = matMul(reshape(a, [size(a.shape.slice(0, -1)), a.shape.at(-1)!]), b, { transposeB });
    return reshape(flat, [...a.shape.slice(0, -1), flat.shape[1]!]);
  }
  return applyOne(matMulOp, [a, b], { transposeA, transposeB });
}

const biasAddOp: Op<object> = defineOp<object>({
  name: 'biasAdd',
  infer: ([x, bias]) => {
    expectFloat('biasAdd', x!, bias!);
    if (bias!.shape.length !== 1 || bias!.shape[0] !== x!.shape.at(-1)) {
      throw new ShapeError(`biasAdd: a bias ${shapeText(bias!.shape)} does not fit the input ${shapeText(x!.shape)}.`);
    }
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], needs }, [dy]) => [
    dy,
    needs[1] ? sum(dy!, { axes: x!.shape.slice(0, -1).map((_, axis) => axis) }) : undefined,
  ],
  kernel: (k: KernelContext, [a, b]) => [k.call('Add', { a, b })],
  wasm: (k, [x, bias]) => {
    const y = k.output(x!.shape);
    k.kernels.biasAdd(k.pointer(x!), k.pointer(bias!), k.pointer(y), size(x!.shape.slice(0, -1)), bias!.shape[0]!, 0);
    return [y];
  },
  // BiasAdd wants at least two axes.
  graph: (g, [x, bias]) => [
    g.inputs[0]!.shape.length === 1
      ? g.float('AddV2', x!, bias!)
      : g.node('BiasAdd', [x!, bias!], { T: attr.type('float32'), data_format: attr.string('NHWC') }),
  ],
});

/** `x + bias` over the last axis: [..., C] and [C]. */
export function biasAdd(x: Tensor, bias: Tensor): Tensor {
  return applyOne(biasAddOp, [x, bias], {});
}
