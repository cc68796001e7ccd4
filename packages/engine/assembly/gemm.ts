// Batched matrix product, after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): op(B) is packed into
// panels of 8 columns, op(A) is read in strips of 4 rows, and a 4 x 8 tile of C lives in registers.
import { fewRows, fewRowsDots } from './gemv';

/** Depth of one block: a packed panel of B is KC * 8 floats (8 kB) and stays in the first cache. */
const KC: i32 = 256;
/** Columns of one packed block of B: KC * NC floats (512 kB) stay in the second cache. */
const NC: i32 = 512;
/** Rows of one packed block of A: KC * MC floats (64 kB). */
const MC: i32 = 64;

/** Bytes of scratch memory that `batchMatMul` needs, whatever the sizes. */
export function gemmScratchBytes(): i32 {
  return (KC * NC + KC * MC) << 2;
}

/** Register tiles and packing; static methods because only those may carry `@inline` in plain TypeScript syntax. */
class Gemm {
  /** Stores the first `cols` lanes of `v`, added to what is there when `add`. */
  @inline
  static storePart(c: usize, v: v128, cols: i32, add: bool): void {
    let s = v;
    if (cols >= 4) {
      v128.store(c, add ? f32x4.add(v128.load(c), s) : s);
      return;
    }
    for (let j = 0; j < cols; j++) {
      const x = f32x4.extract_lane(s, 0);
      store<f32>(c, add ? load<f32>(c) + x : x);
      s = v128.shuffle<i32>(s, s, 1, 2, 3, 0);
      c += 4;
    }
  }
}

/** Stores one row of a tile, `cols` (1 to 8) wide. */
function storeRow(c: usize, lo: v128, hi: v128, cols: i32, add: bool): void {
  if (cols == 8) {
    if (add) {
      lo = f32x4.add(v128.load(c), lo);
      hi = f32x4.add(v128.load(c, 16), hi);
    }
    v128.store(c, lo);
    v128.store(c, hi, 16);
  } else {
    Gemm.storePart(c, lo, cols, add);
    if (cols > 4) Gemm.storePart(c + 16, hi, cols - 4, add);
  }
}

/**
 * One tile: C[rows x cols] (+)= A[rows x k] * panel[k x 8]. A is read at a + r * rowStep + p * depthStep (bytes), so one kernel serves
 * plain (depthStep 4), transposed (rowStep 4) and packed (4, 16) strips; rows past the last repeat it and are not stored.
 */
function tile(
  a: usize,
  rowStep: i32,
  depthStep: i32,
  b: usize,
  k: i32,
  c: usize,
  ldc: i32,
  rows: i32,
  cols: i32,
  add: bool,
): void {
  let a0 = a;
  let a1 = rows > 1 ? a0 + rowStep : a0;
  let a2 = rows > 2 ? a1 + rowStep : a1;
  let a3 = rows > 3 ? a2 + rowStep : a2;
  const zero = f32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero;
  let c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  const end = b + ((<usize>k) << 5);
  while (b < end) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load32_splat(a0);
    c00 = f32x4.add(c00, f32x4.mul(s, b0));
    c01 = f32x4.add(c01, f32x4.mul(s, b1));
    s = v128.load32_splat(a1);
    c10 = f32x4.add(c10, f32x4.mul(s, b0));
    c11 = f32x4.add(c11, f32x4.mul(s, b1));
    s = v128.load32_splat(a2);
    c20 = f32x4.add(c20, f32x4.mul(s, b0));
    c21 = f32x4.add(c21, f32x4.mul(s, b1));
    s = v128.load32_splat(a3);
    c30 = f32x4.add(c30, f32x4.mul(s, b0));
    c31 = f32x4.add(c31, f32x4.mul(s, b1));
    a0 += depthStep;
    a1 += depthStep;
    a2 += depthStep;
    a3 += depthStep;
    b += 32;
  }
  storeRow(c, c00, c01, cols, add);
  if (rows > 1) storeRow(c + ldc, c10, c11, cols, add);
  if (rows > 2) storeRow(c + 2 * ldc, c20, c21, cols, add);
  if (rows > 3) storeRow(c + 3 * ldc, c30, c31, cols, add);
}

/** Packs op(B)[k x n] into panels of 8 columns, the last one padded with zeros. `b` is the block's first element, `ld` in bytes. */
function packB(b: usize, ld: i32, trans: bool, k: i32, n: i32, to: usize): void {
  for (let j = 0; j < n; j += 8) {
    const cols = min(8, n - j);
    if (!trans) {
      let p = b + ((<usize>j) << 2);
      if (cols == 8) {
        for (let i = 0; i < k; i++) {
          v128.store(to, v128.load(p));
          v128.store(to, v128.load(p, 16), 16);
          p += ld;
          to += 32;
        }
      } else {
        for (let i = 0; i < k; i++) {
          for (let q = 0; q < 8; q++)
            store<f32>(to + ((<usize>q) << 2), q < cols ? load<f32>(p + ((<usize>q) << 2)) : 0);
          p += ld;
          to += 32;
        }
      }
    } else {
      const p = b + <usize>(j * ld);
      if (cols == 8) {
        let i = 0;
        for (; i + 4 <= k; i += 4) {
          transpose4(p + ((<usize>i) << 2), ld, to + ((<usize>i) << 5), 32);
          transpose4(p + ((<usize>i) << 2) + 4 * ld, ld, to + ((<usize>i) << 5) + 16, 32);
        }
        for (; i < k; i++) {
          for (let q = 0; q < 8; q++)
            store<f32>(to + ((<usize>i) << 5) + ((<usize>q) << 2), load<f32>(p + ((<usize>i) << 2) + q * ld));
        }
      } else {
        for (let i = 0; i < k; i++) {
          for (let q = 0; q < 8; q++) {
            store<f32>(
              to + ((<usize>i) << 5) + ((<usize>q) << 2),
              q < cols ? load<f32>(p + ((<usize>i) << 2) + q * ld) : 0,
            );
          }
        }
      }
      to += (<usize>k) << 5;
    }
  }
}

/** Writes the transpose of a 4 x 4 block; both leading dimensions in bytes. */
function transpose4(from: usize, ldFrom: i32, to: usize, ldTo: i32): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + ldFrom);
  const r2 = v128.load(from + 2 * ldFrom);
  const r3 = v128.load(from + 3 * ldFrom);
  const a = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(a, b, 0, 2));
  v128.store(to + ldTo, v128.shuffle<i64>(a, b, 1, 3));
  v128.store(to + 2 * ldTo, v128.shuffle<i64>(c, d, 0, 2));
  v128.store(to + 3 * ldTo, v128.shuffle<i64>(c, d, 1, 3));
}

/** Packs op(A)[m x k] into strips of 4 rows; a short last strip leaves its spare lanes unwritten and unread. */
function packA(a: usize, ld: i32, trans: bool, k: i32, m: i32, to: usize): void {
  const rowStep = trans ? 4 : ld;
  const depthStep = trans ? ld : 4;
  for (let i = 0; i < m; i += 4) {
    let p = a + <usize>(i * rowStep);
    const rows = min(4, m - i);
    let q = 0;
    if (rows == 4 && trans) {
      for (; q < k; q++) {
        v128.store(to, v128.load(p));
        p += ld;
        to += 16;
      }
    } else if (rows == 4) {
      for (; q + 4 <= k; q += 4) {
        transpose4(p, ld, to, 16);
        p += 16;
        to += 64;
      }
    }
    for (; q < k; q++) {
      for (let r = 0; r < rows; r++) store<f32>(to + ((<usize>r) << 2), load<f32>(p + r * rowStep));
      p += depthStep;
      to += 16;
    }
  }
}

/**
 * C[i] (+)= op(A[i]) * op(B[i]) for i < batch: op(A) is [m, k], op(B) is [k, n], C is [m, n], all row-major and dense. Strides between
 * the matrices of a batch are in elements (0 repeats one matrix). Flags: 1 = A is stored [k, m], 2 = B is stored [n, k], 4 = add to C.
 * `scratch` holds `gemmScratchBytes()`. With k = 0, C is zeroed (unless added to).
 */
export function batchMatMul(
  a: usize,
  b: usize,
  c: usize,
  batch: i32,
  m: i32,
  k: i32,
  n: i32,
  strideA: i32,
  strideB: i32,
  strideC: i32,
  flags: i32,
  scratch: usize,
): void {
  let transA = (flags & 1) != 0;
  let transB = (flags & 2) != 0;
  const accumulate = (flags & 4) != 0;
  if (m == 0 || n == 0 || batch == 0) return;
  if (strideB == 0 && !transA && strideA == m * k && strideC == m * n) {
    m *= batch; // one tall product
    batch = 1;
  }
  if (k == 0) {
    if (!accumulate)
      for (let i = 0; i < batch; i++) memory.fill(c + ((<usize>(i * strideC)) << 2), 0, (<usize>(m * n)) << 2);
    return;
  }
  if (n == 1) {
    // a column is the transpose of the row that the other product gives
    const matrix = a;
    a = b;
    b = matrix;
    const stride = strideA;
    strideA = strideB;
    strideB = stride;
    n = m;
    m = 1;
    transB = !transA;
  }
  if (m == 1) transA = false; // a vector is stored the same both ways
  if (m < 4 && !(transA && transB)) {
    for (let i = 0; i < batch; i++) {
      const ai = a + ((<usize>(i * strideA)) << 2);
      const bi = b + ((<usize>(i * strideB)) << 2);
      const ci = c + ((<usize>(i * strideC)) << 2);
      if (transB) fewRowsDots(ai, bi, ci, m, k, n, accumulate);
      else fewRows(ai, bi, ci, m, k, n, transA, accumulate);
    }
    return;
  }
  const ldA = (transA ? m : k) << 2;
  const ldB = (transB ? k : n) << 2;
  const ldC = n << 2;
  const packedA = scratch + ((<usize>(KC * NC)) << 2);
  const packOnce = strideB == 0 && k <= KC && n <= NC;
  for (let i = 0; i < batch; i++) {
    const ai = a + ((<usize>(i * strideA)) << 2);
    const bi = b + ((<usize>(i * strideB)) << 2);
    const ci = c + ((<usize>(i * strideC)) << 2);
    for (let p = 0; p < k; p += KC) {
      const kb = min(KC, k - p);
      const add = accumulate || p > 0;
      for (let j = 0; j < n; j += NC) {
        const nb = min(NC, n - j);
        if (!packOnce || i == 0) {
          packB(
            bi + (transB ? <usize>(j * ldB) + ((<usize>p) << 2) : <usize>(p * ldB) + ((<usize>j) << 2)),
            ldB,
            transB,
            kb,
            nb,
            scratch,
          );
        }
        // Packing pays where a strip is read often from far apart: rows with large gaps, or a block beyond the first cache.
        const pack = transA ? kb * ldA > 16384 : kb >= 128 && nb >= 32;
        for (let r = 0; r < m; r += MC) {
          const rows = min(MC, m - r);
          const from = ai + (transA ? <usize>(p * ldA) + ((<usize>r) << 2) : <usize>(r * ldA) + ((<usize>p) << 2));
          if (pack) packA(from, ldA, transA, kb, rows, packedA);
          const strip = pack ? packedA : from;
          const rowStep = pack || transA ? 4 : ldA;
          const depthStep = pack ? 16 : transA ? ldA : 4;
          const stripStep = pack ? (<usize>kb) << 4 : (<usize>rowStep) << 2;
          for (let s = 0; s < nb; s += 8) {
            const panel = scratch + <usize>(((s >> 3) * kb) << 5);
            const cols = min(8, nb - s);
            let a4 = strip;
            for (let t = 0; t < rows; t += 4) {
              const to = ci + <usize>((r + t) * ldC) + ((<usize>(j + s)) << 2);
              const high = min(4, rows - t);
              tile(a4, rowStep, depthStep, panel, kb, to, ldC, high, cols, add);
              a4 += stripStep;
            }
          }
        }
      }
    }
  }
}
