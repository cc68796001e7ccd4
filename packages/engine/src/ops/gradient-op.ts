// Ops `dx = f'(.) dy` of an incoming gradient and the input or output of an activation: one pass over memory.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ConfigError } from '@tessera/core';
import type { KernelContext } from '../execute/kernel-context.ts';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { mul } from './arithmetic.ts';
import { expectFloat, size } from './shapes.ts';

/** Names of our wasm kernels of the form `(dy, saved, dx, n)`. */
type GradientWasmKernel = 'reluGrad' | 'eluGrad' | 'geluGrad' | 'tanhGrad' | 'sigmoidGrad' | 'softplusGrad';

interface GradientOptions {
  readonly kernel: (k: KernelContext, dy: TensorInfo, saved: TensorInfo) => TensorInfo;
  readonly graph: (g: GraphContext, dy: string, saved: string) => string;
  /** `d(dx / dy) / d saved`, for gradients of gradients; left out where it is 0. */
  readonly curvature?: (saved: Tensor) => Tensor;
}

/** A function that records the gradient op: `(dy, saved) -> dx`, where `saved` is the activation's input or output. */
export function gradientOp(
  name: GradientWasmKernel,
  { kernel, graph, curvature }: GradientOptions,
): (dy: Tensor, saved: Tensor) => Tensor {
  const op: Op<object> = defineOp<object>({
    name,
    infer: ([dy, saved]) => {
      expectFloat(name, dy!, saved!);
      return [{ shape: saved!.shape, dtype: 'float32' }];
    },
    gradient: ({ inputs: [dy, saved], needs }, [dz]) => [
      needs[0] ? applyOne(op, [dz!, saved!], {}) : undefined,
      needs[1] && curvature ? mul(mul(dz!, dy!), curvature(saved!)) : undefined,
    ],
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

/** The gradient rule of a gradient that cannot be differentiated again: an error, as without a rule it would silently count as 0. */
export function onceDifferentiable(op: string): () => never {
  return () => {
    throw new ConfigError(
      `${op}: its gradient cannot be differentiated again. Put stopGradient around the first gradient, or write the op out in others.`,
    );
  };
}
