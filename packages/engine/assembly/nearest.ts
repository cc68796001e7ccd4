// Nearest code of a codebook: argmin_j |e_j|^2 / 2 - z.e_j after subtracting the codebook's mean from both sides. Without the centring, the
// expanded form loses the distances under a common offset (a fifth of the codes are wrong at 300 standard deviations).
import { V } from './vec';

const FINE: i32 = -1;

/** Bytes of scratch memory that `nearestCode` needs. */
export function nearestCodeScratchBytes(k: i32, d: i32): i32 {
  const panels = (k + 7) & ~7;
  return ((panels * d + panels + 5 * d) << 2) + 16;
}

/** Position of the first element that is NaN or infinite, or -1. */
export function firstNonFinite(x: usize, n: i32): i32 {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + ((<usize>i) << 2));
    if (v128.any_true(f32x4.ne(f32x4.sub(v, v), f32x4.splat(0)))) break;
  }
  for (; i < n; i++) {
    const v = load<f32>(x + ((<usize>i) << 2));
    if (v - v != 0) return i;
  }
  return FINE;
}

function largest(x: usize, n: i32): f32 {
  let m = f32x4.splat(0);
  const end = x + ((<usize>(n & ~3)) << 2);
  for (; x < end; x += 16) m = f32x4.max(m, f32x4.abs(v128.load(x)));
  const rest = n & 3;
  if (rest) m = f32x4.max(m, f32x4.abs(V.loadPart(x, rest)));
  return V.max(m);
}

/** The same in float64, for numbers whose squares float32 cannot hold. */
function nearestExact(z: usize, codebook: usize, mean: usize, out: usize, n: i32, k: i32, d: i32): void {
  const row = (<usize>d) << 2;
  for (let i = 0; i < n; i++) {
    let best = 0;
    let least: f64 = Infinity;
    for (let j = 0; j < k; j++) {
      let total: f64 = 0;
      for (let c: usize = 0; c < row; c += 4) {
        const m = <f64>load<f32>(mean + c);
        const e = <f64>load<f32>(codebook + <usize>j * row + c) - m;
        total += e * (0.5 * e - (<f64>load<f32>(z + <usize>i * row + c) - m));
      }
      if (total < least) {
        least = total;
        best = j;
      }
    }
    store<i32>(out + ((<usize>i) << 2), best);
  }
}

/**
 * out[i] (int32) = the code nearest to z[i], the lowest on a tie; z [n, d], codebook [k, d], k and d >= 1. Returns -1, or with nothing
 * written p for a non-finite z at position p, or -2 - p for a non-finite codebook at p.
 */
export function nearestCode(z: usize, codebook: usize, out: usize, n: i32, k: i32, d: i32, scratch: usize): i32 {
  const badCode = firstNonFinite(codebook, k * d);
  if (badCode != FINE) return -2 - badCode;
  const badZ = firstNonFinite(z, n * d);
  if (badZ != FINE) return badZ;

  const blocks = (k + 7) >> 3;
  const panels = (scratch + 15) & ~15;
  const bias = panels + ((<usize>(blocks * 8 * d)) << 2);
  const mean = bias + ((<usize>(blocks * 8)) << 2);
  const strip = mean + ((<usize>d) << 2);
  const spread = pack(codebook, k, d, panels, bias, mean);
  if (!(spread < 1e15) || spread < 1e-15 || !(largest(z, n * d) < 1e15)) {
    nearestExact(z, codebook, mean, out, n, k, d);
    return FINE;
  }
  for (let i = 0; i < n; i += 4) {
    const rows = min(4, n - i);
    packStrip(z + ((<usize>(i * d)) << 2), rows, d, mean, strip);
    scan(strip, panels, bias, blocks, d, out + ((<usize>i) << 2), rows);
  }
  return FINE;
}

/** Lays the centred codebook out as panels [k / 8, d, 8] with bias |e|^2 / 2 (Infinity past the end); returns the largest |element|. */
function pack(codebook: usize, k: i32, d: i32, panels: usize, bias: usize, mean: usize): f32 {
  for (let c = 0; c < d; c++) {
    let total: f64 = 0;
    for (let j = 0; j < k; j++) total += <f64>load<f32>(codebook + ((<usize>(j * d + c)) << 2));
    store<f32>(mean + ((<usize>c) << 2), <f32>(total / <f64>k));
  }
  let spread: f32 = 0;
  const padded = (k + 7) & ~7;
  for (let j = 0; j < padded; j++) {
    const to = panels + ((<usize>((j >> 3) * d * 8 + (j & 7))) << 2);
    let total: f32 = 0;
    for (let c = 0; c < d; c++) {
      let e: f32 = 0;
      if (j < k) e = load<f32>(codebook + ((<usize>(j * d + c)) << 2)) - load<f32>(mean + ((<usize>c) << 2));
      store<f32>(to + ((<usize>c) << 5), e);
      spread = max(spread, abs(e));
      total += e * e;
    }
    store<f32>(bias + ((<usize>j) << 2), j < k ? total * 0.5 : Infinity);
  }
  return spread;
}

/** Centres up to 4 rows of z into [d, 4]; missing rows repeat the last. */
function packStrip(z: usize, rows: i32, d: i32, mean: usize, strip: usize): void {
  const z1 = rows > 1 ? z + ((<usize>d) << 2) : z;
  const z2 = rows > 2 ? z1 + ((<usize>d) << 2) : z1;
  const z3 = rows > 3 ? z2 + ((<usize>d) << 2) : z2;
  for (let c: usize = 0; c < (<usize>d) << 2; c += 4) {
    const m = load<f32>(mean + c);
    store<f32>(strip, load<f32>(z + c) - m);
    store<f32>(strip, load<f32>(z1 + c) - m, 4);
    store<f32>(strip, load<f32>(z2 + c) - m, 8);
    store<f32>(strip, load<f32>(z3 + c) - m, 12);
    strip += 16;
  }
}

/** Four rows against all codes, eight codes at a time; each lane keeps its own best, strictly better ones replace it. */
function scan(strip: usize, panels: usize, bias: usize, blocks: i32, d: i32, out: usize, rows: i32): void {
  const far = f32x4.splat(Infinity);
  const none = i32x4.splat(0);
  let m0 = far,
    m1 = far,
    m2 = far,
    m3 = far;
  let i0 = none,
    i1 = none,
    i2 = none,
    i3 = none;
  let low = i32x4(0, 1, 2, 3);
  let high = i32x4(4, 5, 6, 7);
  let p = panels;
  for (let b = 0; b < blocks; b++) {
    const zero = f32x4.splat(0);
    let a0 = zero,
      a1 = zero,
      a2 = zero,
      a3 = zero;
    let b0 = zero,
      b1 = zero,
      b2 = zero,
      b3 = zero;
    let s = strip;
    const end = p + ((<usize>d) << 5);
    while (p < end) {
      const x = v128.load(p);
      const y = v128.load(p, 16);
      let t = v128.load32_splat(s);
      a0 = f32x4.add(a0, f32x4.mul(x, t));
      b0 = f32x4.add(b0, f32x4.mul(y, t));
      t = v128.load32_splat(s, 4);
      a1 = f32x4.add(a1, f32x4.mul(x, t));
      b1 = f32x4.add(b1, f32x4.mul(y, t));
      t = v128.load32_splat(s, 8);
      a2 = f32x4.add(a2, f32x4.mul(x, t));
      b2 = f32x4.add(b2, f32x4.mul(y, t));
      t = v128.load32_splat(s, 12);
      a3 = f32x4.add(a3, f32x4.mul(x, t));
      b3 = f32x4.add(b3, f32x4.mul(y, t));
      p += 32;
      s += 16;
    }
    const ea = v128.load(bias);
    const eb = v128.load(bias, 16);
    bias += 32;
    let v = f32x4.sub(ea, a0);
    let c = f32x4.lt(v, m0);
    m0 = v128.bitselect(v, m0, c);
    i0 = v128.bitselect(low, i0, c);
    v = f32x4.sub(eb, b0);
    c = f32x4.lt(v, m0);
    m0 = v128.bitselect(v, m0, c);
    i0 = v128.bitselect(high, i0, c);
    v = f32x4.sub(ea, a1);
    c = f32x4.lt(v, m1);
    m1 = v128.bitselect(v, m1, c);
    i1 = v128.bitselect(low, i1, c);
    v = f32x4.sub(eb, b1);
    c = f32x4.lt(v, m1);
    m1 = v128.bitselect(v, m1, c);
    i1 = v128.bitselect(high, i1, c);
    v = f32x4.sub(ea, a2);
    c = f32x4.lt(v, m2);
    m2 = v128.bitselect(v, m2, c);
    i2 = v128.bitselect(low, i2, c);
    v = f32x4.sub(eb, b2);
    c = f32x4.lt(v, m2);
    m2 = v128.bitselect(v, m2, c);
    i2 = v128.bitselect(high, i2, c);
    v = f32x4.sub(ea, a3);
    c = f32x4.lt(v, m3);
    m3 = v128.bitselect(v, m3, c);
    i3 = v128.bitselect(low, i3, c);
    v = f32x4.sub(eb, b3);
    c = f32x4.lt(v, m3);
    m3 = v128.bitselect(v, m3, c);
    i3 = v128.bitselect(high, i3, c);
    low = i32x4.add(low, i32x4.splat(8));
    high = i32x4.add(high, i32x4.splat(8));
  }
  store<i32>(out, best(m0, i0));
  if (rows > 1) store<i32>(out, best(m1, i1), 4);
  if (rows > 2) store<i32>(out, best(m2, i2), 8);
  if (rows > 3) store<i32>(out, best(m3, i3), 12);
}

/** The index of the least lane, the lowest index on a tie. */
function best(m: v128, i: v128): i32 {
  const swapped = v128.shuffle<i32>(m, m, 2, 3, 0, 1);
  let j = v128.shuffle<i32>(i, i, 2, 3, 0, 1);
  let better = v128.or(f32x4.lt(swapped, m), v128.and(f32x4.eq(swapped, m), i32x4.lt_s(j, i)));
  m = v128.bitselect(swapped, m, better);
  i = v128.bitselect(j, i, better);
  const next = v128.shuffle<i32>(m, m, 1, 0, 3, 2);
  j = v128.shuffle<i32>(i, i, 1, 0, 3, 2);
  better = v128.or(f32x4.lt(next, m), v128.and(f32x4.eq(next, m), i32x4.lt_s(j, i)));
  return i32x4.extract_lane(v128.bitselect(j, i, better), 0);
}
