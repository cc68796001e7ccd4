// ReLU, ELU and GELU with gradient ops of their own: one pass over memory instead of a comparison, a cast and a product.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import type { Op } from '../record/op.ts';
import { applyOne } from '../record/recorder.ts';
import type { Tensor } from '../record/tensor.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import { less, mul, sub } from './arithmetic.ts';
import { gradientOp } from './gradient-op.ts';
import { exp, square, unaryOp } from './unary.ts';

const reluGrad = gradientOp('reluGrad', {
  // tfjs's Step(alpha 0) is 1 for x > 0 and, unlike x > 0, NaN for NaN.
  kernel: (k, dy, y) => k.call('Multiply', { a: dy, b: k.call('Step', { x: y }, { alpha: 0 }) }),
  graph: (g, dy, y) => g.float('ReluGrad', dy, y),
});
const eluGrad = gradientOp('eluGrad', {
  kernel: (k, dy, y) =>
    k.call('Multiply', { a: dy, b: k.call('Minimum', { a: k.call('Add', { a: y, b: k.scalar(1) }), b: k.scalar(1) }) }),
  graph: (g, dy, y) => g.float('EluGrad', dy, y),
  curvature: (y) => less(y, 0),
});
// gelu'(x) = Phi(x) + x phi(x)
const geluGrad = gradientOp('geluGrad', {
  kernel: (k, dy, x) => {
    const times = (a: TensorInfo, b: TensorInfo) => k.call('Multiply', { a, b });
    const density = k.call('Exp', { x: times(k.call('Square', { x }), k.scalar(-0.5)) });
    const tail = times(times(x, density), k.scalar(1 / Math.sqrt(2 * Math.PI)));
    return times(dy, k.call('Add', { a: normalCdf(k, x), b: tail }));
  },
  graph: (g, dy, x) => {
    if (g.ownKernels) return g.node('TesseraGeluGrad', [dy, x]);
    const density = g.float('Exp', g.float('Mul', g.float('Square', x), g.scalar(-0.5)));
    const tail = g.float('Mul', g.float('Mul', x, density), g.scalar(1 / Math.sqrt(2 * Math.PI)));
    return g.float('Mul', dy, g.float('AddV2', normalCdfNode(g, x), tail));
  },
  // gelu''(x) = phi(x) (2 - x^2)
  curvature: (x) => {
    const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return mul(density, sub(2, square(x)));
  },
});

function normalCdf(k: KernelContext, x: TensorInfo): TensorInfo {
  const erf = k.call('Erf', { x: k.call('Multiply', { a: x, b: k.scalar(Math.SQRT1_2) }) });
  return k.call('Multiply', { a: k.call('Add', { a: erf, b: k.scalar(1) }), b: k.scalar(0.5) });
}

function normalCdfNode(g: GraphContext, x: string): string {
  const erf = g.float('Erf', g.float('Mul', x, g.scalar(Math.SQRT1_2)));
  return g.float('Mul', g.float('AddV2', erf, g.scalar(1)), g.scalar(0.5));
}

const reluOp = unaryOp('relu', {
  kernel: 'Relu',
  wasm: 'relu',
  gradient: (dy, _, y) => reluGrad(dy, y),
});
const eluOp = unaryOp('elu', {
  kernel: 'Elu',
  wasm: 'elu',
  gradient: (dy, _, y) => eluGrad(dy, y),
});
const geluOp: Op<object> = {
  ...unaryOp('gelu', { kernel: 'Erf', wasm: 'gelu', gradient: (dy, x) => geluGrad(dy, x) }),
  kernel: (k, [x]) => [k.call('Multiply', { a: x!, b: normalCdf(k, x!) })],
  graph: (g, [x]) => [g.ownKernels ? g.node('TesseraGelu', [x!]) : g.float('Mul', x!, normalCdfNode(g, x!))],
};

/** `max(x, 0)`, with gradient 0 at 0. */
export function relu(x: Tensor): Tensor {
  return applyOne(reluOp, [x], {});
}

/** `x` above 0, `e^x - 1` below (Clevert et al. 2016, arXiv 1511.07289). */
export function elu(x: Tensor): Tensor {
  return applyOne(eluOp, [x], {});
}

/** `x Phi(x)` with the exact normal distribution function (Hendrycks and Gimpel 2016, arXiv 1606.08415). */
export function gelu(x: Tensor): Tensor {
  return applyOne(geluOp, [x], {});
}
