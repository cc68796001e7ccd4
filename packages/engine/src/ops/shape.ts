// Ops that move numbers without computing: reshape, transpose, slice, pad, concatenate, broadcast.
import { ConfigError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import { specText } from '../record/tensor.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { add } from './arithmetic.ts';
import { fill } from './constant.ts';
import { axisOf, broadcastShape, sameShape, shapeText, size } from './shapes.ts';

interface ShapeAttrs {
  readonly shape: readonly number[];
}

const reshapeOp: Op<ShapeAttrs> = defineOp<ShapeAttrs>({
  name: 'reshape',
  infer: ([x], { shape }) => {
    if (size(shape) !== size(x!.shape)) {
      throw new ShapeError(
        `reshape: ${shapeText(x!.shape)} has ${size(x!.shape)} elements, ${shapeText(shape)} has ${size(shape)}.`,
      );
    }
    return [{ shape, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x] }, [dy]) => [reshape(dy!, x!.shape)],
  kernel: (k, [x], { shape }) => [k.alias(x!, shape)],
  graph: (g, [x], { shape }) => [g.reshape(x!, shape, g.inputs[0]!.dtype)],
});

/** `x` under another shape with as many elements; one size may be -1 and is worked out. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const free = shape.indexOf(-1);
  const known = size(shape.filter((n) => n !== -1));
  const full = free === -1 ? [...shape] : shape.map((n, axis) => (axis === free ? size(x.shape) / known : n));
  if (full.some((n) => !Number.isInteger(n) || n < 0)) {
    throw new ShapeError(`reshape: ${shapeText(x.shape)} does not divide into ${shapeText(shape)}.`);
  }
  return sameShape(full, x.shape) ? x : applyOne(reshapeOp, [x], { shape: full });
}

interface TransposeAttrs {
  readonly permutation: readonly number[];
}

const transposeOp: Op<TransposeAttrs> = defineOp<TransposeAttrs>({
  name: 'transpose',
  infer: ([x], { permutation }) => {
    const sorted = permutation.toSorted((a, b) => a - b);
    if (
      !sameShape(
        sorted,
        x!.shape.map((_, axis) => axis),
      )
    ) {
      throw new ShapeError(
        `transpose: ${shapeText(permutation)} is no permutation of the axes of ${shapeText(x!.shape)}.`,
      );
    }
    return [{ shape: permutation.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  },
  gradient: ({ attrs: { permutation } }, [dy]) => [transpose(dy!, inverse(permutation))],
  kernel: (k, [x], { permutation }) => [k.call('Transpose', { x }, { perm: permutation })],
  wasm: (k, [x], { permutation }) => {
    const y = k.output(k.outputs[0]!.shape, k.outputs[0]!.dtype);
    if (size(y.shape) > 0) k.kernels.transpose(k.pointer(x!), k.pointer(y), x!.shape, permutation);
    return [y];
  },
  graph: (g, [x], { permutation }) => [
    g.node('Transpose', [x!, g.ints(permutation)], { T: attr.type(g.inputs[0]!.dtype), Tperm: attr.type('int32') }),
  ],
});

function inverse(permutation: readonly number[]): number[] {
  return permutation.map((_, axis) => permutation.indexOf(axis));
}

/** `x` with its axes in the order of `permutation`; reversed when it is left out. */
export function transpose(
  x: Tensor,
  permutation: readonly number[] = x.shape.map((_, axis) => x.rank - 1 - axis),
): Tensor {
  return permutation.every((axis, i) => axis === i) && permutation.length === x.rank
    ? x
    : applyOne(transposeOp, [x], { permutation });
}

interface SliceAttrs {
  readonly begin: readonly number[];
  readonly size: readonly number[];
}

const sliceOp: Op<SliceAttrs> = defineOp<SliceAttrs>({
  name: 'slice',
  infer: ([x], { begin, size: sizes }) => {
    const fits =
      begin.length === x!.shape.length &&
      sizes.length === x!.shape.length &&
      x!.shape.every((n, axis) => begin[axis]! >= 0 && sizes[axis]! >= 0 && begin[axis]! + sizes[axis]! <= n);
    if (!fits) {
      throw new ShapeError(
        `slice: ${shapeText(sizes)} from ${shapeText(begin)} does not lie in ${shapeText(x!.shape)}.`,
      );
    }
    return [{ shape: sizes, dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], attrs: { begin, size: sizes } }, [dy]) => [
    pad(
      dy!,
      x!.shape.map((n, axis) => [begin[axis]!, n - begin[axis]! - sizes[axis]!] as const),
    ),
  ],
  kernel: (k, [x], { begin, size: sizes }) => [k.call('Slice', { x }, { begin, size: sizes })],
  graph: (g, [x], { begin, size: sizes }) => [
    g.node('Slice', [x!, g.ints(begin), g.ints(sizes)], {
      T: attr.type(g.inputs[0]!.dtype),
      Index: attr.type('int32'),
    }),
  ],
});

/** The part of `x` of the given sizes that begins at `begin`. */
export function slice(x: Tensor, begin: readonly number[], sizes: readonly number[]): Tensor {
  // Also because TensorFlow.js's kernels give nothing for a scalar.
  const whole = sameShape(sizes, x.shape) && begin.length === x.rank && begin.every((first) => first === 0);
  return whole ? x : applyOne(sliceOp, [x], { begin, size: sizes });
}

/** `count` equal parts of `x` along an axis. */
export function split(x: Tensor, { count, axis = -1 }: { count: number; axis?: number }): Tensor[] {
  const along = axisOf('split', axis, x);
  const part = x.shape[along]! / count;
  if (!Number.isInteger(part) || count < 1) {
    throw new ShapeError(`split: axis ${along} of ${shapeText(x.shape)} does not divide into ${count} parts.`);
  }
  const sizes = x.shape.map((n, i) => (i === along ? part : n));
  return Array.from({ length: count }, (_, k) =>
    slice(
      x,
      x.shape.map((__, i) => (i === along ? k * part : 0)),
      sizes,
    ),
  );
}

interface PadAttrs {
  readonly paddings: readonly (readonly [before: number, after: number])[];
}

const padOp: Op<PadAttrs> = defineOp<PadAttrs>({
  name: 'pad',
  infer: ([x], { paddings }) => {
    if (paddings.length !== x!.shape.length || paddings.flat().some((n) => !Number.isInteger(n) || n < 0)) {
      throw new ShapeError(
        `pad: expected a pair of counts for each axis of ${shapeText(x!.shape)}, got ${JSON.stringify(paddings)}.`,
      );
    }
    return [{ shape: x!.shape.map((n, axis) => n + paddings[axis]![0] + paddings[axis]![1]), dtype: x!.dtype }];
  },
  gradient: ({ inputs: [x], attrs: { paddings } }, [dy]) => [
    slice(
      dy!,
      paddings.map(([before]) => before),
      x!.shape,
    ),
  ],
  kernel: (k, [x], { paddings }) => [k.call('PadV2', { x }, { paddings, constantValue: 0 })],
  graph: (g, [x], { paddings }) => [
    g.node('Pad', [x!, g.reshape(g.ints(paddings.flat()), [paddings.length, 2], 'int32')], {
      T: attr.type(g.inputs[0]!.dtype),
      Tpaddings: attr.type('int32'),
    }),
  ],
});

/** `x` with zeros around it, `[before, after]` for each axis. */
export function pad(x: Tensor, paddings: readonly (readonly [before: number, after: number])[]): Tensor {
  return applyOne(padOp, [x], { paddings });
}

interface ConcatAttrs {
  readonly axis: number;
}

const concatOp: Op<ConcatAttrs> = defineOp<ConcatAttrs>({
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    const others = ({ shape }: { shape: readonly number[] }) => shape.filter((_, i) => i !== axis);
    for (const input of inputs) {
      const fits = input.shape.length === first!.shape.length && sameShape(others(input), others(first!));
      if (input.dtype !== first!.dtype || !fits) {
        throw new ShapeError(`concat: ${inputs.map(specText).join(', ')} do not join along axis ${axis}.`);
      }
    }
    const length = inputs.reduce((total, { shape }) => total + shape[axis]!, 0);
    return [{ shape: first!.shape.map((n, i) => (i === axis ? length : n)), dtype: first!.dtype }];
  },
  gradient: ({ inputs, attrs: { axis } }, [dy]) => {
    let begin = 0;
    return inputs.map(({ shape }) => {
      const part = slice(
        dy!,
        shape.map((_, i) => (i === axis ? begin : 0)),
        shape,
      );
      begin += shape[axis]!;
      return part;
    });
  },
  // TensorFlow.js's kernel makes nothing out of nothings that its others cannot read.
  kernel: (k, inputs, { axis }) => [
    inputs.every(({ shape }) => size(shape) === 0)
      ? k.alias(inputs[0]!, k.outputs[0]!.shape)
      : k.call('Concat', inputs, { axis }),
  ],
  graph: (g, inputs, { axis }) => [
    g.node('ConcatV2', [...inputs, g.int(axis)], {
      T: attr.type(g.inputs[0]!.dtype),
      N: attr.int(inputs.length),
      Tidx: attr.type('int32'),
    }),
  ],
});

/** Tensors joined along an axis, the last one by default. */
export function concat(tensors: readonly Tensor[], { axis = -1 }: { axis?: number } = {}): Tensor {
  if (tensors.length === 0) throw new ConfigError('concat: expected at least one tensor, got none.');
  if (tensors.length === 1) return tensors[0]!;
  return applyOne(concatOp, tensors, { axis: axisOf('concat', axis, tensors[0]!) });
}

/** `x` repeated to `shape` by NumPy's broadcasting. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  const wide = broadcastShape(x.shape, shape);
  if (wide === undefined || !sameShape(wide, shape)) {
    throw new ShapeError(`broadcastTo: ${shapeText(x.shape)} does not broadcast to ${shapeText(shape)}.`);
  }
  return sameShape(x.shape, shape) ? x : add(x, fill(shape, 0));
}
