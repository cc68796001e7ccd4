// Sums, means and maxima over axes, and the index of the largest element.
import { ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { div, equal, mul } from './arithmetic.ts';
import { broadcastTo, reshape, transpose } from './shape.ts';
import { axisOf, expectFloat, shapeText, size } from './shapes.ts';

interface ReduceAttrs {
  readonly axes: readonly number[];
}

/** Axes to reduce (all by default) and whether they stay with size 1. */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
}

const kept = ({ shape }: Spec, axes: readonly number[]): number[] => shape.filter((_, axis) => !axes.includes(axis));
const ones = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((n, axis) => (axes.includes(axis) ? 1 : n));

// Both ops drop the reduced axes; the wrappers below put them back where asked.
const sumOp: Op<ReduceAttrs> = defineOp<ReduceAttrs>({
  name: 'sum',
  infer: ([x], { axes }) => {
    expectFloat('sum', x!);
    return [{ shape: kept(x!, axes), dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], attrs: { axes } }, [dy]) => [broadcastTo(reshape(dy!, ones(x!.shape, axes)), x!.shape)],
  kernel: (k, [x], { axes }) => [k.call('Sum', { x }, { axis: [...axes], keepDims: false })],
  wasm: (k, [x], { axes }) => {
    const { shape } = x!;
    const trailing = axes.every((axis, i) => axis === shape.length - axes.length + i);
    const leading = axes.every((axis, i) => axis === i);
    // TensorFlow.js leaves the sums of nothing unset.
    if (!trailing && !leading && size(shape) > 0) return [k.call('Sum', { x }, { axis: [...axes], keepDims: false })];
    const y = k.output(k.outputs[0]!.shape);
    const n = size(y.shape);
    if (size(shape) === 0) {
      k.kernels.fillZero(k.pointer(y), 4 * n);
      return [y];
    }
    const rest = size(axes.map((axis) => shape[axis]!));
    if (trailing) k.kernels.rowSum(k.pointer(x!), k.pointer(y), n, rest);
    else k.kernels.colSum(k.pointer(x!), k.pointer(y), rest, n);
    return [y];
  },
  graph: (g, [x], { axes }) => [g.reduce('Sum', x!, axes)],
});

// The gradient goes in equal parts to all elements that are the maximum.
const maxOp: Op<ReduceAttrs> = defineOp<ReduceAttrs>({
  name: 'max',
  infer: ([x], { axes }) => {
    expectFloat('max', x!);
    return [{ shape: kept(x!, axes), dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], outputs: [y], attrs: { axes } }, [dy]) => {
    const wide = ones(x!.shape, axes);
    const hits = equal(x!, reshape(y!, wide));
    return [mul(hits, div(reshape(dy!, wide), sum(hits, { axes, keepDims: true })))];
  },
  kernel: (k, [x], { axes }) => [k.call('Max', { x }, { reductionIndices: [...axes], keepDims: false })],
  graph: (g, [x], { axes }) => [g.reduce('Max', x!, axes)],
});

function reduce(
  op: Op<ReduceAttrs>,
  x: Tensor,
  { axes = x.shape.map((_, i) => i), keepDims = false, caller = op.name }: ReduceOptions & { caller?: string },
): Tensor {
  const from0 = axes.map((axis) => axisOf(caller, axis, x)).toSorted((a, b) => a - b);
  if (new Set(from0).size < from0.length) {
    throw new ShapeError(`${caller}: expected different axes of ${shapeText(x.shape)}, got ${shapeText(axes)}.`);
  }
  const y = applyOne(op, [x], { axes: from0 });
  return keepDims ? reshape(y, ones(x.shape, from0)) : y;
}

/** The sum over `axes`. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(sumOp, x, options);
}

/** The mean over `axes`. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  const total = reduce(sumOp, x, { ...options, caller: 'mean' });
  return mul(total, size(total.shape) / size(x.shape));
}

/** The largest element over `axes`. */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  return reduce(maxOp, x, options);
}

const argMaxOp: Op<object> = defineOp<object>({
  name: 'argMax',
  infer: ([x]) => {
    expectFloat('argMax', x!);
    return [{ shape: x!.shape.slice(0, axisOf('argMax', -1, x!)), dtype: 'int32' }];
  },
  kernel: (k, [x]) => [k.call('ArgMax', { x }, { axis: x!.shape.length - 1 })],
  graph: (g, [x]) => [
    g.node('ArgMax', [x!, g.int(g.inputs[0]!.shape.length - 1)], {
      T: attr.type('float32'),
      Tidx: attr.type('int32'),
      output_type: attr.type('int32'),
    }),
  ],
});

/** The index of the largest element along an axis, int32; the lowest among equals, no gradient. */
export function argMax(x: Tensor, { axis = -1 }: { axis?: number } = {}): Tensor {
  const along = axisOf('argMax', axis, x);
  const last = x.shape.flatMap((_, i) => (i === along ? [] : [i]));
  return applyOne(argMaxOp, [transpose(x, [...last, along])], {});
}
