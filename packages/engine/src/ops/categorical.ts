// Drawing classes: the inverse of the distribution function at a number that the caller drew, so that equal numbers give equal classes on every backend.
import { ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectFloat, expectRank, sameShape, shapeText } from './shapes.ts';

const categoricalOp: Op<object> = defineOp<object>({
  name: 'categorical',
  infer: ([logits, uniform]) => {
    expectFloat('categorical', logits!, uniform!);
    expectRank('categorical', 'logits [N, K]', logits!, 2);
    const [rows, classes] = logits!.shape as [number, number];
    if (!sameShape(uniform!.shape, [rows]) || classes === 0) {
      throw new ShapeError(
        `categorical: expected logits [N, K] with K > 0 and a number for each row, got ${shapeText(logits!.shape)} and ${shapeText(uniform!.shape)}.`,
      );
    }
    return [{ shape: [rows], dtype: 'int32' }];
  },
  kernel: (k, [logits, uniform]) => {
    const [rows, classes] = logits!.shape as [number, number];
    const probabilities = k.read(k.call('Softmax', { logits }, { dim: 1 }));
    const numbers = k.read(uniform!);
    const drawn = Int32Array.from({ length: rows }, (_, row) =>
      draw(probabilities, row * classes, classes, numbers[row]!),
    );
    return [k.write(drawn, [rows], 'int32')];
  },
  // The number is scaled by the last sum, which rounding keeps from being 1.
  graph: (g, [logits, uniform]) => {
    const [rows, classes] = g.inputs[0]!.shape as [number, number];
    const int = attr.type('int32');
    const sums = g.node('Cumsum', [g.float('Softmax', logits!), g.int(1)], {
      T: attr.type('float32'),
      Tidx: int,
      exclusive: attr.bool(false),
      reverse: attr.bool(false),
    });
    const last = g.node('Slice', [sums, g.ints([0, classes - 1]), g.ints([rows, 1])], {
      T: attr.type('float32'),
      Index: int,
    });
    const threshold = g.float('Mul', g.reshape(uniform!, [rows, 1]), last);
    const below = g.node('LessEqual', [sums, threshold], { T: attr.type('float32') });
    const counted = g.node('Cast', [below], { SrcT: attr.type('bool'), DstT: int });
    return [g.node('Sum', [counted, g.ints([1])], { T: int, Tidx: int, keep_dims: attr.bool(false) })];
  },
});

function draw(probabilities: ArrayLike<number>, from: number, classes: number, uniform: number): number {
  let total = 0;
  for (let i = 0; i < classes; i++) total += probabilities[from + i]!;
  const threshold = uniform * total;
  let sum = 0;
  let last = 0;
  for (let i = 0; i < classes; i++) {
    const probability = probabilities[from + i]!;
    if (probability > 0) last = i;
    sum += probability;
    if (sum > threshold) return i;
  }
  return last;
}

/**
 * A class for each row of logits [N, K]: the first `k` for which `softmax(logits)_0 + ... + softmax(logits)_k > u`. The numbers `uniform` [N] lie in [0, 1); where
 * they are uniform, class k comes with its probability. A class without probability never comes. int32 [N], no gradient.
 */
export function categorical(logits: Tensor, uniform: Tensor): Tensor {
  return applyOne(categoricalOp, [logits, uniform], {});
}
