// Rows of a table by index and the adjoint, sums of rows by index: embeddings, codebooks and their gradients.
import { ConfigError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { reshape } from './shape.ts';
import { expectFloat, expectInt, expectRank, shapeText, size } from './shapes.ts';

const gatherOp: Op<object> = defineOp<object>({
  name: 'gather',
  infer: ([table, indices]) => {
    expectFloat('gather', table!);
    expectRank('gather', 'a table [K, D]', table!, 2);
    expectInt('gather', 'indices', indices!);
    return [{ shape: [...indices!.shape, table!.shape[1]!], dtype: 'float32' }];
  },
  gradient: ({ inputs: [table, indices] }, [dy]) => {
    const [count, width] = table!.shape as [number, number];
    return [segmentSum(reshape(dy!, [size(indices!.shape), width]), reshape(indices!, [size(indices!.shape)]), count)];
  },
  kernel: (k, [x, indices]) => {
    const flat = k.alias(indices!, [size(indices!.shape)]);
    checkIndex('gather', firstOutside(k.read(flat), x!.shape[0]!), x!.shape[0]!);
    return [
      k.alias(k.call('GatherV2', { x, indices: flat }, { axis: 0, batchDims: 0 }), [...indices!.shape, x!.shape[1]!]),
    ];
  },
  wasm: (k, [table, indices]) => {
    const [count, width] = table!.shape as [number, number];
    const y = k.output([...indices!.shape, width]);
    const rows = size(indices!.shape);
    checkIndex(
      'gather',
      k.kernels.gatherRows(k.pointer(table!), k.pointer(indices!), k.pointer(y), rows, count, width),
      count,
    );
    return [y];
  },
  graph: (g, [table, indices]) => [
    g.node('GatherV2', [table!, indices!, g.int(0)], {
      Tparams: attr.type('float32'),
      Tindices: attr.type('int32'),
      Taxis: attr.type('int32'),
      batch_dims: attr.int(0),
    }),
  ],
});

function firstOutside(indices: ArrayLike<number>, count: number): number {
  for (let i = 0; i < indices.length; i++) if (!(indices[i]! >= 0 && indices[i]! < count)) return i;
  return -1;
}

/** Throws when a lookup found an index outside of its table, at `position` of the indices (-1: none). */
export function checkIndex(op: string, position: number, count: number): void {
  if (position >= 0)
    throw new ConfigError(`${op}: expected indices in [0, ${count}), got another one at position ${position}.`);
}

/** Throws when a scalar that says where something is lies outside of [0, count). */
export function checkPlace(op: string, place: number, count: number): void {
  if (!(place >= 0 && place < count))
    throw new ConfigError(`${op}: expected indices in [0, ${count}), got ${place} at position 0.`);
}

/** The rows of `table` [K, D] that `indices` [...] int32 in [0, K) name: [..., D]. */
export function gather(table: Tensor, indices: Tensor): Tensor {
  return applyOne(gatherOp, [table, indices], {});
}

interface SegmentAttrs {
  readonly count: number;
}

const segmentSumOp: Op<SegmentAttrs> = defineOp<SegmentAttrs>({
  name: 'segmentSum',
  infer: ([x, ids], { count }) => {
    expectFloat('segmentSum', x!);
    expectRank('segmentSum', 'rows [N, D]', x!, 2);
    expectInt('segmentSum', 'ids', ids!);
    if (ids!.shape.length !== 1 || ids!.shape[0] !== x!.shape[0]) {
      throw new ShapeError(
        `segmentSum: rows ${shapeText(x!.shape)} need ids [${x!.shape[0]}], got ${shapeText(ids!.shape)}.`,
      );
    }
    return [{ shape: [count, x!.shape[1]!], dtype: 'float32' }];
  },
  gradient: ({ inputs: [, ids] }, [dy]) => [gather(dy!, ids!), undefined],
  // TensorFlow.js's own kernel makes K passes on cpu and is missing on wasm.
  kernel: (k, [x, ids], { count }) => {
    const [rows, width] = x!.shape as [number, number];
    const values = k.read(x!);
    const targets = k.read(ids!);
    const sums = new Float32Array(count * width);
    checkIndex('segmentSum', firstOutside(targets, count), count);
    for (let row = 0; row < rows; row++) {
      const target = targets[row]! * width;
      for (let d = 0; d < width; d++) sums[target + d]! += values[row * width + d]!;
    }
    return [k.write(sums, [count, width], 'float32')];
  },
  wasm: (k, [x, ids], { count }) => {
    const [rows, width] = x!.shape as [number, number];
    const y = k.output([count, width]);
    checkIndex(
      'segmentSum',
      k.kernels.segmentSum(k.pointer(x!), k.pointer(ids!), k.pointer(y), 0, rows, count, width),
      count,
    );
    return [y];
  },
  graph: (g, [x, ids], { count }) => [
    g.node('UnsortedSegmentSum', [x!, ids!, g.int(count)], {
      T: attr.type('float32'),
      Tindices: attr.type('int32'),
      Tnumsegments: attr.type('int32'),
    }),
  ],
});

/** For each of `count` segments the sum of the rows of `x` [N, D] whose id (int32, [N]) it is: [count, D]. */
export function segmentSum(x: Tensor, ids: Tensor, count: number): Tensor {
  if (!Number.isInteger(count) || count < 0) {
    throw new ConfigError(`segmentSum: expected a count of segments that is a whole number >= 0, got ${count}.`);
  }
  return applyOne(segmentSumOp, [x, ids], { count });
}

const toFloatOp: Op<object> = defineOp<object>({
  name: 'toFloat',
  infer: ([x]) => {
    expectInt('toFloat', 'numbers', x!);
    return [{ shape: x!.shape, dtype: 'float32' }];
  },
  kernel: (k, [x]) => [k.call('Cast', { x }, { dtype: 'float32' })],
  graph: (g, [x]) => [g.node('Cast', [x!], { SrcT: attr.type('int32'), DstT: attr.type('float32') })],
});

/** int32 as float32; no gradient. */
export function toFloat(x: Tensor): Tensor {
  return applyOne(toFloatOp, [x], {});
}
