// Ops `dx = f'(.) dy` of an incoming gradient and the input or output of an activation: one pass over memory. They are linear in dy and
// differentiable once more only in it.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { expectFloat, size } from './shapes.ts';

/** Names of our wasm kernels of the form `(dy, saved, dx, n)`. */
type GradientWasmKernel = 'reluGrad' | 'eluGrad' | 'geluGrad' | 'tanhGrad' | 'sigmoidGrad' | 'softplusGrad';

/** A function that records the gradient op: `(dy, saved) -> dx`, where `saved` is the activation's input or output. */
export function gradientOp(
  name: GradientWasmKernel,
  kernel: (k: KernelContext, dy: TensorInfo, saved: TensorInfo) => TensorInfo,
  graph: (g: GraphContext, dy: string, saved: string) => string,
): (dy: Tensor, saved: Tensor) => Tensor {
  const op: Op<object> = defineOp<object>({
    name,
    infer: ([dy, saved]) => {
      expectFloat(name, dy!, saved!);
      return [{ shape: saved!.shape, dtype: 'float32' }];
    },
    gradient: ({ inputs: [, saved] }, [dy]) => [applyOne(op, [dy!, saved!], {}), undefined],
    kernel: (k, [dy, saved]) => [kernel(k, dy!, saved!)],
    wasm: (k, [dy, saved]) => {
      const dx = k.output(saved!.shape);
      k.kernels[name](k.pointer(dy!), k.pointer(saved!), k.pointer(dx), size(saved!.shape));
      return [dx];
    },
    graph: (g, [dy, saved]) => [graph(g, dy!, saved!)],
  });
  return (dy, saved) => applyOne(op, [dy, saved], {});
}
