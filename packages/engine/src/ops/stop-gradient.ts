// Ops whose forward is a copy and whose gradient is the point: `sg` of the VQ-VAE losses and the straight-through estimator
// (van den Oord et al. 2017, arXiv 1711.00937, section 3.2; Bengio et al. 2013, arXiv 1308.3432).
import { ShapeError } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { expectFloat, sameShape, shapeText } from './shapes.ts';

const stopGradientOp: Op<object> = defineOp<object>({
  name: 'stopGradient',
  infer: ([x]) => [{ shape: x!.shape, dtype: x!.dtype }],
  kernel: (k, [x]) => [k.alias(x!)],
  graph: (g, [x]) => [g.node('Identity', [x!], { T: attr.type(g.inputs[0]!.dtype) })],
});

/** `x`, through which no gradient passes. */
export function stopGradient(x: Tensor): Tensor {
  return applyOne(stopGradientOp, [x], {});
}

const straightThroughOp: Op<object> = defineOp<object>({
  name: 'straightThrough',
  infer: ([z, quantized]) => {
    expectFloat('straightThrough', z!, quantized!);
    if (!sameShape(z!.shape, quantized!.shape)) {
      throw new ShapeError(
        `straightThrough: ${shapeText(z!.shape)} and ${shapeText(quantized!.shape)} differ in shape.`,
      );
    }
    return [{ shape: z!.shape, dtype: 'float32' }];
  },
  gradient: (_, [dy]) => [dy, undefined],
  kernel: (k, [, quantized]) => [k.alias(quantized!)],
  graph: (g, [, quantized]) => [g.float('Identity', quantized!)],
});

/**
 * Exactly `quantized`, with the gradient going unchanged to `z` and none to `quantized`.
 *
 * `z + sg(quantized - z)` has the same gradient but other numbers: float32 rounds the sum.
 */
export function straightThrough(z: Tensor, quantized: Tensor): Tensor {
  return applyOne(straightThroughOp, [z, quantized], {});
}
