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

/** The largest element that is not NaN; -Infinity when there is none. */
export function peak(x: usize, n: i32): f32 {
  let m0 = f32x4.splat(-Infinity);
  let m1 = m0;
  const end = x + ((<usize>(n & ~7)) << 2);
  for (; x < end; x += 32) {
    m0 = f32x4.pmax(m0, v128.load(x)); // this order drops NaN; f32x4.max would keep it, at eight times the cost
    m1 = f32x4.pmax(m1, v128.load(x, 16));
  }
  if (n & 4) {
    m0 = f32x4.pmax(m0, v128.load(x));
    x += 16;
  }
  if (n & 3) m1 = f32x4.pmax(m1, V.loadPad(x, n & 3, m1));
  return V.max(f32x4.pmax(m0, m1));
}

/** The largest element; NaN when there is one, -Infinity when there is none at all. */
export function maximum(x: usize, n: i32): f32 {
  let ordered = i32x4.splat(-1);
  const end = x + ((<usize>(n & ~3)) << 2);
  let p = x;
  for (; p < end; p += 16) ordered = v128.and(ordered, f32x4.eq(v128.load(p), v128.load(p)));
  if (n & 3) ordered = v128.and(ordered, f32x4.eq(V.loadPart(p, n & 3), V.loadPart(p, n & 3)));
  return i32x4.all_true(ordered) ? peak(x, n) : NaN;
}
