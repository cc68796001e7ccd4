// What each family of ops says when shapes or dtypes don't fit: the op, the shapes, and nothing recorded.
import { describe, expect, test } from 'vitest';
import * as ops from '../../src/index.ts';
import { f32, i32 } from '../../src/index.ts';
import type { Spec, Tensor } from '../../src/index.ts';
import { cpu } from '../support/cpu.ts';

// Records one op on tensors of the given types.
function using(specs: readonly Spec[], body: (...tensors: Tensor[]) => Tensor | Tensor[]): () => unknown {
  return () =>
    cpu.program('p', Object.fromEntries(specs.map((spec, i) => [`x${i}`, spec])), (inputs) => {
      body(...specs.map((_, i) => inputs[`x${i}`]!));
      return {};
    });
}

describe('element by element', () => {
  test('shapes that do not broadcast', () => {
    expect(using([f32(2, 3), f32(2)], (a, b) => ops.add(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: add: the shapes [2, 3] and [2] do not broadcast.]`,
    );
    expect(using([f32(4, 1), f32(3, 2)], (a, b) => ops.less(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: less: the shapes [4, 1] and [3, 2] do not broadcast.]`,
    );
  });
  test('whole numbers', () => {
    expect(using([i32(2)], (a) => ops.mul(a!, 2))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: mul: expected float32, got int32[2]. Cast it first.]`,
    );
    expect(using([i32(2)], (a) => ops.gelu(a!))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: gelu: expected float32, got int32[2]. Cast it first.]`,
    );
    expect(using([f32(2)], (a) => ops.toFloat(a!))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: toFloat: expected int32 numbers, got float32[2].]`,
    );
    expect(using([i32(2)], (a) => ops.toInt(a!))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: toInt: expected float32, got int32[2]. Cast it first.]`,
    );
    expect(using([i32(2)], (a) => ops.checkFinite(a!, 'a'))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: checkFinite: expected float32, got int32[2]. Cast it first.]`,
    );
  });
  test('straightThrough of two shapes', () => {
    expect(using([f32(2, 3), f32(3, 2)], (a, b) => ops.straightThrough(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: straightThrough: [2, 3] and [3, 2] differ in shape.]`,
    );
  });
});

test('where', () => {
  expect(using([f32(2), f32(2, 3), f32(3, 2)], (m, a, b) => ops.where(m!, a!, b!))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: where: expected two tensors of one type, got float32[2, 3] and float32[3, 2].]`,
  );
  expect(using([f32(2), f32(2, 3), i32(2, 3)], (m, a, b) => ops.where(m!, a!, b!))).toThrowErrorMatchingInlineSnapshot(
    `[DTypeError: where: expected two tensors of one type, got float32[2, 3] and int32[2, 3].]`,
  );
  expect(using([f32(3), f32(2, 3), f32(2, 3)], (m, a, b) => ops.where(m!, a!, b!))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: where: expected a mask over leading axes of [2, 3], got [3].]`,
  );
});

describe('moves', () => {
  test('reshape', () => {
    expect(using([f32(2, 3)], (x) => ops.reshape(x!, [4]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: [2, 3] has 6 elements, [4] has 4.]`,
    );
    expect(using([f32(2, 3)], (x) => ops.reshape(x!, [4, -1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: [2, 3] does not divide into [4, -1].]`,
    );
    expect(using([f32(2, 3)], (x) => ops.reshape(x!, [-1, -1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: [2, 3] does not divide into [-1, -1].]`,
    );
  });
  test('transpose', () => {
    expect(using([f32(2, 3)], (x) => ops.transpose(x!, [0, 0]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: transpose: [0, 0] is no permutation of the axes of [2, 3].]`,
    );
    expect(using([f32(2, 3)], (x) => ops.transpose(x!, [0]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: transpose: [0] is no permutation of the axes of [2, 3].]`,
    );
  });
  test('slice and split', () => {
    expect(using([f32(2, 3)], (x) => ops.slice(x!, [0, 2], [2, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: slice: [2, 2] from [0, 2] does not lie in [2, 3].]`,
    );
    expect(using([f32(2, 3)], (x) => ops.slice(x!, [0], [2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: slice: [2] from [0] does not lie in [2, 3].]`,
    );
    expect(using([f32(2, 3)], (x) => ops.split(x!, { count: 2 }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: split: axis 1 of [2, 3] does not divide into 2 parts.]`,
    );
    expect(using([f32(2, 3)], (x) => ops.split(x!, { count: -1 }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: split: axis 1 of [2, 3] does not divide into -1 parts.]`,
    );
  });
  test('pad', () => {
    expect(using([f32(2, 3)], (x) => ops.pad(x!, [[0, 1]]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: pad: expected a pair of counts for each axis of [2, 3], got [[0,1]].]`,
    );
    expect(using([f32(3)], (x) => ops.pad(x!, [[-1, 0]]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: pad: expected a pair of counts for each axis of [3], got [[-1,0]].]`,
    );
  });
  test('concat', () => {
    expect(using([f32(2, 3), f32(3, 3)], (a, b) => ops.concat([a!, b!]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: concat: float32[2, 3], float32[3, 3] do not join along axis 1.]`,
    );
    expect(using([f32(2, 3), f32(2)], (a, b) => ops.concat([a!, b!]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: concat: float32[2, 3], float32[2] do not join along axis 1.]`,
    );
    expect(using([f32(2), i32(2)], (a, b) => ops.concat([a!, b!]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: concat: float32[2], int32[2] do not join along axis 0.]`,
    );
    expect(using([f32(2), f32(2)], (a, b) => ops.concat([a!, b!], { axis: 1 }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: concat: expected an axis of [2], got 1.]`,
    );
    expect(using([], () => ops.concat([]))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: concat: expected at least one tensor, got none.]`,
    );
  });
  test('broadcastTo', () => {
    expect(using([f32(2, 3)], (x) => ops.broadcastTo(x!, [3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: broadcastTo: [2, 3] does not broadcast to [3].]`,
    );
  });
});

describe('reductions', () => {
  test('axes that are not there, or twice', () => {
    expect(using([f32(2, 3)], (x) => ops.sum(x!, { axes: [2] }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: sum: expected an axis of [2, 3], got 2.]`,
    );
    expect(using([f32(2, 3)], (x) => ops.mean(x!, { axes: [1, -1] }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: mean: expected different axes of [2, 3], got [1, -1].]`,
    );
    expect(using([f32()], (x) => ops.argMax(x!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: argMax: expected an axis of [], got -1.]`,
    );
    expect(using([f32(2, 3)], (x) => ops.max(x!, { axes: [0.5] }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: max: expected an axis of [2, 3], got 0.5.]`,
    );
  });
});

describe('products', () => {
  test('matMul', () => {
    expect(using([f32(2, 3), f32(2, 3)], (a, b) => ops.matMul(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matMul: [2, 3] times [2, 3] do not fit.]`,
    );
    expect(
      using([f32(2, 3), f32(2, 3)], (a, b) => ops.matMul(a!, b!, { transposeA: true, transposeB: true })),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: matMul: [2, 3] transposed times [2, 3] transposed do not fit.]`);
    expect(using([f32(2, 3, 4), f32(3, 4, 5)], (a, b) => ops.matMul(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matMul: [2, 3, 4] times [3, 4, 5] do not fit.]`,
    );
    expect(
      using([f32(2, 3), f32(3)], (a, b) => ops.matMul(a!, b!, { transposeB: true })),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: matMul: [2, 3] times [3] transposed do not fit.]`);
    expect(using([f32(3), f32(3, 2)], (a, b) => ops.matMul(a!, b!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matMul: [3] times [3, 2] do not fit.]`,
    );
  });
  test('biasAdd', () => {
    expect(using([f32(2, 3), f32(2)], (x, bias) => ops.biasAdd(x!, bias!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: biasAdd: a bias [2] does not fit the input [2, 3].]`,
    );
  });
  test('conv2d', () => {
    expect(
      using([f32(1, 8, 8, 3), f32(3, 3, 1, 4)], (x, filter) => ops.conv2d(x!, filter!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: the input [1, 8, 8, 3] does not fit the filter [3, 3, 1, 4] (padding same).]`,
    );
    expect(
      using([f32(8, 8, 3), f32(3, 3, 3, 4)], (x, filter) => ops.conv2d(x!, filter!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected an input [N, H, W, C] of rank 4, got [8, 8, 3].]`,
    );
    expect(
      using([f32(1, 2, 2, 1), f32(5, 5, 1, 1)], (x, filter) => ops.conv2d(x!, filter!, { padding: 'valid' })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: the input [1, 2, 2, 1] does not fit the filter [5, 5, 1, 1] (padding valid).]`,
    );
    expect(
      using([f32(1, 2, 2, 1), f32(1, 1, 1, 1)], (x, filter) => ops.conv2d(x!, filter!, { stride: 0 })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: conv2d: expected a stride that is a whole number >= 1, got 0.]`,
    );
    expect(
      using([f32(1, 2, 2, 1), f32(4, 4, 1, 1)], (x, filter) =>
        ops.conv2d(x!, filter!, { stride: 3, padding: 'valid' }),
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: the input [1, 2, 2, 1] does not fit the filter [4, 4, 1, 1] (padding valid).]`,
    );
  });
  test('conv2dTranspose', () => {
    expect(
      using([f32(1, 8, 8, 3), f32(3, 3, 3, 4)], (x, filter) => ops.conv2dTranspose(x!, filter!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2dTranspose: the input [1, 8, 8, 3] does not fit the filter [3, 3, 3, 4].]`,
    );
    expect(
      using([f32(1, 8, 8, 4), f32(3, 3, 4)], (x, filter) => ops.conv2dTranspose(x!, filter!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2dTranspose: expected a filter [h, w, C, F] of rank 4, got [3, 3, 4].]`,
    );
    expect(
      using([f32(1, 8, 8, 4), f32(3, 3, 3, 4)], (x, filter) => ops.conv2dTranspose(x!, filter!, { stride: 1.5 })),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: conv2dTranspose: expected a stride that is a whole number >= 1, got 1.5.]`,
    );
  });
});

describe('rows', () => {
  test('softmax and its losses', () => {
    expect(using([f32()], (x) => ops.softmax(x!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: softmax: expected at least one number along the last axis, got [].]`,
    );
    expect(using([f32(2, 0)], (x) => ops.logSoftmax(x!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: logSoftmax: expected at least one number along the last axis, got [2, 0].]`,
    );
    expect(
      using([f32(2, 3), i32(3)], (logits, labels) => ops.softmaxCrossEntropy(logits!, labels!)),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: softmaxCrossEntropy: logits [2, 3] need labels [2], got [3].]`);
    expect(
      using([f32(2, 3), f32(2)], (logits, labels) => ops.softmaxCrossEntropy(logits!, labels!)),
    ).toThrowErrorMatchingInlineSnapshot(`[DTypeError: softmaxCrossEntropy: expected int32 labels, got float32[2].]`);
    expect(
      using([f32(), i32()], (logits, labels) => ops.softmaxCrossEntropy(logits!, labels!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: softmaxCrossEntropy: expected at least one number along the last axis, got [].]`,
    );
  });
  test('layerNorm', () => {
    expect(
      using([f32(2, 3), f32(3), f32(2)], (x, scale, bias) => ops.layerNorm(x!, scale!, bias!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: layerNorm: an input [2, 3] takes scale and bias of [3], got [2].]`,
    );
    expect(
      using([f32(), f32(1), f32(1)], (x, scale, bias) => ops.layerNorm(x!, scale!, bias!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: layerNorm: expected at least one number along the last axis, got [].]`,
    );
  });
});

describe('lookups', () => {
  test('gather', () => {
    expect(using([f32(4), i32(2)], (table, i) => ops.gather(table!, i!))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: gather: expected a table [K, D] of rank 2, got [4].]`,
    );
    expect(using([f32(4, 2), f32(2)], (table, i) => ops.gather(table!, i!))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: gather: expected int32 indices, got float32[2].]`,
    );
  });
  test('segmentSum', () => {
    expect(using([f32(4, 2), i32(3)], (x, ids) => ops.segmentSum(x!, ids!, 5))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: segmentSum: rows [4, 2] need ids [4], got [3].]`,
    );
    expect(using([f32(4, 2), i32(4)], (x, ids) => ops.segmentSum(x!, ids!, -1))).toThrowErrorMatchingInlineSnapshot(
      `[ConfigError: segmentSum: expected a count of segments that is a whole number >= 0, got -1.]`,
    );
  });
  test('nearestCode', () => {
    expect(
      using([f32(4, 2), f32(3, 4)], (z, codebook) => ops.nearestCode(z!, codebook!)),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: nearestCode: vectors [4, 2] do not fit a codebook [3, 4].]`);
    expect(
      using([f32(4, 2), f32(0, 2)], (z, codebook) => ops.nearestCode(z!, codebook!)),
    ).toThrowErrorMatchingInlineSnapshot(`[ShapeError: nearestCode: vectors [4, 2] do not fit a codebook [0, 2].]`);
    expect(
      using([f32(2, 2, 2), f32(3, 2)], (z, codebook) => ops.nearestCode(z!, codebook!)),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: nearestCode: expected vectors [N, D] of rank 2, got [2, 2, 2].]`,
    );
  });
});
