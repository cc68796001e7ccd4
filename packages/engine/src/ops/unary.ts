// Element-wise functions of one tensor, each with the gradient that needs the fewest passes over memory.
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import { attr } from '../tensorflow/attributes.ts';
import { div, mul, sub } from './arithmetic.ts';
import { gradientOp } from './gradient-op.ts';
import { expectFloat, size } from './shapes.ts';
import type { WasmContext } from '../execute/wasm-context.ts';

/** Names of our wasm kernels of the form `(x, y, n)`. */
export type UnaryWasmKernel =
  'exp' | 'log' | 'sqrt' | 'rsqrt' | 'tanh' | 'sigmoid' | 'softplus' | 'relu' | 'gelu' | 'elu';

interface UnaryOptions {
  readonly kernel: string;
  readonly node?: string;
  readonly wasm?: UnaryWasmKernel;
  readonly gradient: (dy: Tensor, x: Tensor, y: Tensor) => Tensor;
}

/** An op `y = f(x)` that is one TensorFlow.js kernel and one TensorFlow node. */
export function unaryOp(name: string, { kernel, node = kernel, wasm, gradient }: UnaryOptions): Op<object> {
  return defineOp<object>({
    name,
    infer: ([x]) => {
      expectFloat(name, x!);
      return [{ shape: x!.shape, dtype: 'float32' }];
    },
    gradient: ({ inputs: [x], outputs: [y] }, [dy]) => [gradient(dy!, x!, y!)],
    kernel: (k, [x]) => [k.call(kernel, { x })],
    ...(wasm && {
      wasm: (k: WasmContext, [x]) => {
        const y = k.output(x!.shape);
        k.kernels[wasm](k.pointer(x!), k.pointer(y), size(x!.shape));
        return [y];
      },
    }),
    graph: (g, [x]) => [g.node(node, [x!], { T: attr.type('float32') })],
  });
}

const negOp = unaryOp('neg', { kernel: 'Neg', gradient: (dy) => neg(dy) });
const squareOp = unaryOp('square', { kernel: 'Square', gradient: (dy, x) => mul(dy, mul(x, 2)) });
const expOp = unaryOp('exp', { kernel: 'Exp', wasm: 'exp', gradient: (dy, _, y) => mul(dy, y) });
const logOp = unaryOp('log', { kernel: 'Log', wasm: 'log', gradient: (dy, x) => div(dy, x) });
const sqrtOp = unaryOp('sqrt', { kernel: 'Sqrt', wasm: 'sqrt', gradient: (dy, _, y) => div(mul(dy, 0.5), y) });
const rsqrtOp = unaryOp('rsqrt', {
  kernel: 'Rsqrt',
  wasm: 'rsqrt',
  gradient: (dy, _, y) => mul(mul(dy, -0.5), mul(square(y), y)),
});
const absOp = unaryOp('abs', { kernel: 'Abs', gradient: (dy, x) => mul(dy, sign(x)) });
const signOp = unaryOp('sign', { kernel: 'Sign', gradient: (dy) => mul(dy, 0) });
const tanhGrad = gradientOp('tanhGrad', {
  kernel: (k, dy, y) =>
    k.call('Multiply', { a: dy, b: k.call('Sub', { a: k.scalar(1), b: k.call('Square', { x: y }) }) }),
  graph: (g, dy, y) => g.float('TanhGrad', y, dy),
  curvature: (y) => mul(y, -2),
});
const sigmoidGrad = gradientOp('sigmoidGrad', {
  kernel: (k, dy, y) => {
    const slope = k.call('Multiply', { a: y, b: k.call('Sub', { a: k.scalar(1), b: y }) });
    return k.call('Multiply', { a: dy, b: slope });
  },
  graph: (g, dy, y) => g.float('SigmoidGrad', y, dy),
  curvature: (y) => sub(1, mul(y, 2)),
});
const softplusGrad = gradientOp('softplusGrad', {
  kernel: (k, dy, x) => k.call('Multiply', { a: dy, b: k.call('Sigmoid', { x }) }),
  graph: (g, dy, x) => g.float('SoftplusGrad', dy, x),
  curvature: (x) => mul(sigmoid(x), sub(1, sigmoid(x))),
});
const tanhOp = unaryOp('tanh', { kernel: 'Tanh', wasm: 'tanh', gradient: (dy, _, y) => tanhGrad(dy, y) });
const softplusOp = unaryOp('softplus', {
  kernel: 'Softplus',
  wasm: 'softplus',
  gradient: (dy, x) => softplusGrad(dy, x),
});
const sigmoidOp = unaryOp('sigmoid', {
  kernel: 'Sigmoid',
  wasm: 'sigmoid',
  gradient: (dy, _, y) => sigmoidGrad(dy, y),
});

/** `-x`. */
export function neg(x: Tensor): Tensor {
  return applyOne(negOp, [x], {});
}

/** `x * x`. */
export function square(x: Tensor): Tensor {
  return applyOne(squareOp, [x], {});
}

/** `e^x`. */
export function exp(x: Tensor): Tensor {
  return applyOne(expOp, [x], {});
}

/** The natural logarithm; NaN below 0. */
export function log(x: Tensor): Tensor {
  return applyOne(logOp, [x], {});
}

/** The square root; NaN below 0. */
export function sqrt(x: Tensor): Tensor {
  return applyOne(sqrtOp, [x], {});
}

/** `1 / sqrt(x)`. */
export function rsqrt(x: Tensor): Tensor {
  return applyOne(rsqrtOp, [x], {});
}

/** `|x|`, with gradient 0 at 0. */
export function abs(x: Tensor): Tensor {
  return applyOne(absOp, [x], {});
}

/** -1, 0 or 1; its gradient is 0. */
export function sign(x: Tensor): Tensor {
  return applyOne(signOp, [x], {});
}

/** The hyperbolic tangent. */
export function tanh(x: Tensor): Tensor {
  return applyOne(tanhOp, [x], {});
}

/** `log(1 + e^x)`. */
export function softplus(x: Tensor): Tensor {
  return applyOne(softplusOp, [x], {});
}

/** `1 / (1 + e^-x)`. */
export function sigmoid(x: Tensor): Tensor {
  return applyOne(sigmoidOp, [x], {});
}
