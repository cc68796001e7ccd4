// Sums over a whole array: blocks of 256 floats in float32, the blocks in float64, so that long arrays lose nothing.
import { V } from './vec';

const SUM: i32 = 0;
const SQUARES: i32 = 1;
const DIFFERENCES: i32 = 2;
const PRODUCTS: i32 = 3;
const BLOCK: i32 = 256;

export class Reduce {
  @inline
  static term(op: i32, a: v128, b: v128): v128 {
    if (op == SUM) return a;
    if (op == SQUARES) return f32x4.mul(a, a);
    if (op == PRODUCTS) return f32x4.mul(a, b);
    const d = f32x4.sub(a, b);
    return f32x4.mul(d, d);
  }

  /** Sum of the terms of a and b; b is not read by the operations on one array. */
  @inline
  static run(op: i32, a: usize, b: usize, n: i32): f64 {
    const two = op >= DIFFERENCES;
    let total: f64 = 0;
    let left = n;
    while (left > 0) {
      let block = min(left, BLOCK);
      left -= block;
      let s0 = f32x4.splat(0);
      let s1 = s0;
      for (; block >= 8; block -= 8) {
        s0 = f32x4.add(s0, Reduce.term(op, v128.load(a), two ? v128.load(b) : s0));
        s1 = f32x4.add(s1, Reduce.term(op, v128.load(a, 16), two ? v128.load(b, 16) : s1));
        a += 32;
        if (two) b += 32;
      }
      for (; block > 0; block -= 4) {
        const rest = min(block, 4);
        const va = rest == 4 ? v128.load(a) : V.loadPart(a, rest);
        const vb = two ? (rest == 4 ? v128.load(b) : V.loadPart(b, rest)) : va;
        s0 = f32x4.add(s0, Reduce.term(op, va, vb));
        a += (<usize>rest) << 2;
        if (two) b += (<usize>rest) << 2;
      }
      total += Reduce.lanes(f32x4.add(s0, s1));
    }
    return total;
  }

  @inline
  static lanes(v: v128): f64 {
    return (
      <f64>f32x4.extract_lane(v, 0) +
      <f64>f32x4.extract_lane(v, 1) +
      (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
    );
  }
}

export function sum(x: usize, n: i32): f64 {
  return Reduce.run(SUM, x, x, n);
}
export function sumOfSquares(x: usize, n: i32): f64 {
  return Reduce.run(SQUARES, x, x, n);
}
export function squaredDifferenceSum(a: usize, b: usize, n: i32): f64 {
  return Reduce.run(DIFFERENCES, a, b, n);
}
export function dot(a: usize, b: usize, n: i32): f64 {
  return Reduce.run(PRODUCTS, a, b, n);
}

/** The largest element; NaN when there is one, -Infinity when there is none at all. */
export function maximum(x: usize, n: i32): f32 {
  let m = f32x4.splat(-Infinity);
  const end = x + ((<usize>(n & ~3)) << 2);
  for (; x < end; x += 16) m = f32x4.max(m, v128.load(x));
  const rest = n & 3;
  if (rest) m = f32x4.max(m, V.loadPad(x, rest, m));
  return V.max(m);
}
