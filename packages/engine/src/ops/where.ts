// A choice between two tensors by a mask. `mask * a + (1 - mask) * b` would let a NaN or infinity through from the side that was not chosen.
import { DTypeError, ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import { specText } from '../record/tensor.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { zeros } from './constant.ts';
import { expectFloat, sameShape, shapeText, size } from './shapes.ts';

const whereOp: Op<object> = defineOp<object>({
  name: 'where',
  infer: ([mask, a, b]) => {
    expectFloat('where', mask!);
    if (a!.dtype !== b!.dtype || !sameShape(a!.shape, b!.shape)) {
      throw new (a!.dtype === b!.dtype ? ShapeError : DTypeError)(
        `where: expected two tensors of one type, got ${specText(a!)} and ${specText(b!)}.`,
      );
    }
    if (!sameShape(mask!.shape, a!.shape.slice(0, mask!.shape.length))) {
      throw new ShapeError(
        `where: expected a mask over leading axes of ${shapeText(a!.shape)}, got ${shapeText(mask!.shape)}.`,
      );
    }
    return [{ shape: a!.shape, dtype: a!.dtype }];
  },
  gradient: ({ inputs: [mask, a], needs }, [dy]) => [
    undefined,
    needs[1] ? where(mask!, dy!, zeros(a!)) : undefined,
    needs[2] ? where(mask!, zeros(a!), dy!) : undefined,
  ],
  kernel: (k, [mask, a, b]) => {
    const [chosen, others] = [k.read(a!), k.read(b!)];
    const width = size(a!.shape.slice(mask!.shape.length));
    const out = others.slice();
    for (const [i, bit] of k.read(mask!).entries()) {
      if (bit !== 0) out.set(chosen.subarray(i * width, (i + 1) * width), i * width);
    }
    return [k.write(out, a!.shape, a!.dtype)];
  },
  graph: (g, [mask, a, b]) => {
    const [over, { shape, dtype }] = [g.inputs[0]!.shape, g.inputs[1]!];
    const wide = g.reshape(mask!, [...over, ...shape.slice(over.length).map(() => 1)]);
    const condition = g.node('NotEqual', [wide, g.scalar(0)], { T: attr.type('float32') });
    return [g.node('SelectV2', [condition, a!, b!], { T: attr.type(dtype) })];
  },
});

/**
 * `a` where `mask` is not 0, else `b`, bit for bit: NaN on the side that is not chosen has no effect. `a` and `b` are float32 or int32 of one shape, `mask` float32 over
 * that shape or its leading axes. The gradient goes to the chosen side. Throws ShapeError and DTypeError for others.
 */
export function where(mask: Tensor, a: Tensor, b: Tensor): Tensor {
  return applyOne(whereOp, [mask, a, b], {});
}
