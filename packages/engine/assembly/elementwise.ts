// Element-wise kernels over n floats. Inputs and output may be the same array, but must not overlap otherwise.
import { V } from './vec';

const EXP: i32 = 0;
const LOG: i32 = 1;
const TANH: i32 = 2;
const SIGMOID: i32 = 3;
const ERF: i32 = 4;
const GELU: i32 = 5;
const SOFTPLUS: i32 = 6;
const SQRT: i32 = 7;
const RSQRT: i32 = 8;
const RELU: i32 = 9;
const ELU: i32 = 10;

const RELU_GRAD: i32 = 0;
const TANH_GRAD: i32 = 1;
const SIGMOID_GRAD: i32 = 2;
const ELU_GRAD: i32 = 3;
const GELU_GRAD: i32 = 4;
const SOFTPLUS_GRAD: i32 = 5;

/** One loop for all of them: `op` is a constant in each caller, so that only its branch is compiled in. */
class Map {
  @inline
  static unary(op: i32, x: v128): v128 {
    if (op == EXP) return V.exp(x);
    if (op == LOG) return V.log(x);
    if (op == TANH) return V.tanh(x);
    if (op == SIGMOID) return V.sigmoid(x);
    if (op == ERF) return V.erf(x);
    if (op == GELU) return V.gelu(x);
    if (op == SOFTPLUS) return V.softplus(x);
    if (op == SQRT) return f32x4.sqrt(x);
    if (op == RSQRT) return f32x4.div(f32x4.splat(1), f32x4.sqrt(x));
    if (op == RELU) return f32x4.pmax(x, f32x4.splat(0)); // keeps NaN
    return V.elu(x);
  }

  @inline
  static grad(op: i32, dy: v128, y: v128): v128 {
    const one = f32x4.splat(1);
    if (op == RELU_GRAD) return v128.and(dy, f32x4.gt(y, f32x4.splat(0)));
    if (op == TANH_GRAD) return f32x4.mul(dy, f32x4.sub(one, f32x4.mul(y, y)));
    if (op == SIGMOID_GRAD) return f32x4.mul(dy, f32x4.mul(y, f32x4.sub(one, y)));
    if (op == ELU_GRAD) return v128.bitselect(dy, f32x4.mul(dy, f32x4.add(y, one)), f32x4.gt(y, f32x4.splat(0)));
    if (op == GELU_GRAD) return f32x4.mul(dy, V.geluDerivative(y));
    return f32x4.mul(dy, V.sigmoid(y));
  }

  @inline
  static run1(op: i32, x: usize, y: usize, n: i32): void {
    const end = x + ((<usize>(n & ~7)) << 2);
    while (x < end) {
      // two at a time share the constants and hide the latency of long formulas
      const a = Map.unary(op, v128.load(x));
      const b = Map.unary(op, v128.load(x, 16));
      v128.store(y, a);
      v128.store(y, b, 16);
      x += 32;
      y += 32;
    }
    for (let rest = n & 7; rest > 0; rest -= 4) {
      if (rest >= 4) v128.store(y, Map.unary(op, v128.load(x)));
      else V.storePart(y, Map.unary(op, V.loadPart(x, rest)), rest);
      x += 16;
      y += 16;
    }
  }

  @inline
  static run2(op: i32, a: usize, b: usize, y: usize, n: i32): void {
    const end = a + ((<usize>(n & ~7)) << 2);
    while (a < end) {
      const first = Map.grad(op, v128.load(a), v128.load(b));
      const second = Map.grad(op, v128.load(a, 16), v128.load(b, 16));
      v128.store(y, first);
      v128.store(y, second, 16);
      a += 32;
      b += 32;
      y += 32;
    }
    for (let rest = n & 7; rest > 0; rest -= 4) {
      if (rest >= 4) v128.store(y, Map.grad(op, v128.load(a), v128.load(b)));
      else V.storePart(y, Map.grad(op, V.loadPart(a, rest), V.loadPart(b, rest)), rest);
      a += 16;
      b += 16;
      y += 16;
    }
  }
}

export function exp(x: usize, y: usize, n: i32): void {
  Map.run1(EXP, x, y, n);
}
export function log(x: usize, y: usize, n: i32): void {
  Map.run1(LOG, x, y, n);
}
export function tanh(x: usize, y: usize, n: i32): void {
  Map.run1(TANH, x, y, n);
}
export function sigmoid(x: usize, y: usize, n: i32): void {
  Map.run1(SIGMOID, x, y, n);
}
export function erf(x: usize, y: usize, n: i32): void {
  Map.run1(ERF, x, y, n);
}
export function gelu(x: usize, y: usize, n: i32): void {
  Map.run1(GELU, x, y, n);
}
export function softplus(x: usize, y: usize, n: i32): void {
  Map.run1(SOFTPLUS, x, y, n);
}
export function sqrt(x: usize, y: usize, n: i32): void {
  Map.run1(SQRT, x, y, n);
}
export function rsqrt(x: usize, y: usize, n: i32): void {
  Map.run1(RSQRT, x, y, n);
}
export function relu(x: usize, y: usize, n: i32): void {
  Map.run1(RELU, x, y, n);
}
export function elu(x: usize, y: usize, n: i32): void {
  Map.run1(ELU, x, y, n);
}

// Gradients: dx from dy and the output y (relu, tanh, sigmoid, elu) or the input x (gelu, softplus).

export function reluGrad(dy: usize, y: usize, dx: usize, n: i32): void {
  Map.run2(RELU_GRAD, dy, y, dx, n);
}
export function tanhGrad(dy: usize, y: usize, dx: usize, n: i32): void {
  Map.run2(TANH_GRAD, dy, y, dx, n);
}
export function sigmoidGrad(dy: usize, y: usize, dx: usize, n: i32): void {
  Map.run2(SIGMOID_GRAD, dy, y, dx, n);
}
export function eluGrad(dy: usize, y: usize, dx: usize, n: i32): void {
  Map.run2(ELU_GRAD, dy, y, dx, n);
}
export function geluGrad(dy: usize, x: usize, dx: usize, n: i32): void {
  Map.run2(GELU_GRAD, dy, x, dx, n);
}
export function softplusGrad(dy: usize, x: usize, dx: usize, n: i32): void {
  Map.run2(SOFTPLUS_GRAD, dy, x, dx, n);
}

/** y = alpha x. */
export function scale(x: usize, alpha: f32, y: usize, n: i32): void {
  const s = f32x4.splat(alpha);
  const end = x + ((<usize>(n & ~3)) << 2);
  while (x < end) {
    v128.store(y, f32x4.mul(v128.load(x), s));
    x += 16;
    y += 16;
  }
  const rest = n & 3;
  if (rest) V.storePart(y, f32x4.mul(V.loadPart(x, rest), s), rest);
}

/** z = x + alpha y. */
export function addScaled(x: usize, y: usize, alpha: f32, z: usize, n: i32): void {
  const s = f32x4.splat(alpha);
  const end = x + ((<usize>(n & ~3)) << 2);
  while (x < end) {
    v128.store(z, V.mulAdd(v128.load(y), s, v128.load(x)));
    x += 16;
    y += 16;
    z += 16;
  }
  const rest = n & 3;
  if (rest) V.storePart(z, V.mulAdd(V.loadPart(y, rest), s, V.loadPart(x, rest)), rest);
}
