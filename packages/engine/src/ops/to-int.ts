// Whole numbers that were computed in floating point, as the indices that lookups take.
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectFloat } from './shapes.ts';

const toIntOp: Op<object> = defineOp<object>({
  name: 'toInt',
  infer: ([x]) => {
    expectFloat('toInt', x!);
    return [{ shape: x!.shape, dtype: 'int32' }];
  },
  kernel: (k, [x]) => [k.call('Cast', { x }, { dtype: 'int32' })],
  graph: (g, [x]) => [g.node('Cast', [x!], { SrcT: attr.type('float32'), DstT: attr.type('int32') })],
});

/** float32 as int32, rounded towards 0; no gradient. Numbers that int32 cannot hold, and NaN, become anything: `checkFinite` and bounds come before it. */
export function toInt(x: Tensor): Tensor {
  return applyOne(toIntOp, [x], {});
}
