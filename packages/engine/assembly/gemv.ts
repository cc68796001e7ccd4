// Products with one to three rows on the left: too few to pay for packing B, which is read once, straight from memory.
import { V } from './vec';

/** C[m x n] (+)= op(A) B[k x n]: sixteen columns of one row at a time. */
export function fewRows(a: usize, b: usize, c: usize, m: i32, k: i32, n: i32, transA: bool, add: bool): void {
  const depthStep = transA ? m << 2 : 4;
  const stepB = (<usize>n) << 2;
  for (let r = 0; r < m; r++) {
    const row = a + <usize>(transA ? r << 2 : (r * k) << 2);
    let j = 0;
    for (; j + 16 <= n; j += 16) {
      let p = row;
      let q = b + ((<usize>j) << 2);
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let i = 0; i < k; i++) {
        const x = v128.load32_splat(p);
        s0 = V.mulAdd(x, v128.load(q), s0);
        s1 = V.mulAdd(x, v128.load(q, 16), s1);
        s2 = V.mulAdd(x, v128.load(q, 32), s2);
        s3 = V.mulAdd(x, v128.load(q, 48), s3);
        p += depthStep;
        q += stepB;
      }
      if (add) {
        s0 = f32x4.add(s0, v128.load(c));
        s1 = f32x4.add(s1, v128.load(c, 16));
        s2 = f32x4.add(s2, v128.load(c, 32));
        s3 = f32x4.add(s3, v128.load(c, 48));
      }
      v128.store(c, s0);
      v128.store(c, s1, 16);
      v128.store(c, s2, 32);
      v128.store(c, s3, 48);
      c += 64;
    }
    while (j < n) {
      const width = min(4, n - j);
      let p = row;
      let q = b + ((<usize>j) << 2);
      let s = f32x4.splat(0);
      for (let i = 0; i < k; i++) {
        s = V.mulAdd(v128.load32_splat(p), width == 4 ? v128.load(q) : V.loadPart(q, width), s);
        p += depthStep;
        q += stepB;
      }
      if (width == 4) v128.store(c, add ? f32x4.add(s, v128.load(c)) : s);
      else V.storePart(c, add ? f32x4.add(s, V.loadPart(c, width)) : s, width);
      c += (<usize>width) << 2;
      j += width;
    }
  }
}

/** C[m x n] (+)= A[m x k] B^T with B stored [n x k]: dot products, four rows of B at a time. */
export function fewRowsDots(a: usize, b: usize, c: usize, m: i32, k: i32, n: i32, add: bool): void {
  const step = (<usize>k) << 2;
  const whole = (<usize>(k & ~3)) << 2;
  const rest = k & 3;
  for (let r = 0; r < m; r++) {
    for (let j = 0; j < n; j += 4) {
      const q0 = b + <usize>j * step;
      const q1 = j + 1 < n ? q0 + step : q0;
      const q2 = j + 2 < n ? q1 + step : q1;
      const q3 = j + 3 < n ? q2 + step : q2;
      let s0 = f32x4.splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let i: usize = 0; i < whole; i += 16) {
        const x = v128.load(a + i);
        s0 = V.mulAdd(x, v128.load(q0 + i), s0);
        s1 = V.mulAdd(x, v128.load(q1 + i), s1);
        s2 = V.mulAdd(x, v128.load(q2 + i), s2);
        s3 = V.mulAdd(x, v128.load(q3 + i), s3);
      }
      if (rest) {
        const x = V.loadPart(a + whole, rest);
        s0 = V.mulAdd(x, V.loadPart(q0 + whole, rest), s0);
        s1 = V.mulAdd(x, V.loadPart(q1 + whole, rest), s1);
        s2 = V.mulAdd(x, V.loadPart(q2 + whole, rest), s2);
        s3 = V.mulAdd(x, V.loadPart(q3 + whole, rest), s3);
      }
      const width = min(4, n - j);
      let v = f32x4.splat(V.sum(s0));
      v = f32x4.replace_lane(v, 1, V.sum(s1));
      v = f32x4.replace_lane(v, 2, V.sum(s2));
      v = f32x4.replace_lane(v, 3, V.sum(s3));
      if (width == 4) v128.store(c, add ? f32x4.add(v, v128.load(c)) : v);
      else V.storePart(c, add ? f32x4.add(v, V.loadPart(c, width)) : v, width);
      c += (<usize>width) << 2;
    }
    a += step;
  }
}
