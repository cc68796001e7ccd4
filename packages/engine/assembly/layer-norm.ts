// Layer normalisation (Ba, Kiros and Hinton 2016) over the last axis of [rows, n], and its gradient.
import { sum, dot } from './reduce';
import { V } from './vec';

/** y = (x - mean) rstd gamma + beta with rstd = 1 / sqrt(variance + epsilon); mean and rstd are [rows]. */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  mean: usize,
  rstd: usize,
  rows: i32,
  n: i32,
  epsilon: f64,
): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  for (let r = 0; r < rows; r++) {
    const centre = <f32>(sum(x, n) / <f64>n);
    const c = f32x4.splat(centre);
    // the centred row goes to y first: its squares are summed without cancellation
    for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, f32x4.sub(v128.load(x + i), c));
    if (rest) V.storePart(y + whole, f32x4.sub(V.loadPart(x + whole, rest), c), rest);
    const scale = <f32>(1 / sqrt(dot(y, y, n) / <f64>n + epsilon));
    const s = f32x4.splat(scale);
    for (let i: usize = 0; i < whole; i += 16) {
      const normal = f32x4.mul(v128.load(y + i), s);
      v128.store(y + i, V.mulAdd(normal, v128.load(gamma + i), v128.load(beta + i)));
    }
    if (rest) {
      const normal = f32x4.mul(V.loadPart(y + whole, rest), s);
      const v = V.mulAdd(normal, V.loadPart(gamma + whole, rest), V.loadPart(beta + whole, rest));
      V.storePart(y + whole, v, rest);
    }
    store<f32>(mean + ((<usize>r) << 2), centre);
    store<f32>(rstd + ((<usize>r) << 2), scale);
    x += (<usize>n) << 2;
    y += (<usize>n) << 2;
  }
}

/** Rows whose dgamma and dbeta are summed in registers before they are added to the output. */
const BLOCK: i32 = 64;

/**
 * dx = rstd (g - mean(g) - h mean(g h)) with h = (x - mean) rstd and g = dy gamma; dgamma = sum(dy h) and dbeta = sum(dy) over rows.
 */
export function layerNormGrad(
  dy: usize,
  x: usize,
  gamma: usize,
  mean: usize,
  rstd: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  rows: i32,
  n: i32,
): void {
  const step = (<usize>n) << 2;
  memory.fill(dgamma, 0, step);
  memory.fill(dbeta, 0, step);
  for (let r = 0; r < rows; r += BLOCK) {
    const count = min(BLOCK, rows - r);
    const from = <usize>r * step;
    const stats = (<usize>r) << 2;
    // parameters first: dx may be the same array as dy
    parameterGrads(dy + from, x + from, mean + stats, rstd + stats, dgamma, dbeta, count, n);
    for (let i = 0; i < count; i++) {
      const at = from + <usize>i * step;
      const s = stats + ((<usize>i) << 2);
      inputGrad(dy + at, x + at, gamma, load<f32>(mean + s), load<f32>(rstd + s), dx + at, n);
    }
  }
}

function inputGrad(dy: usize, x: usize, gamma: usize, mean: f32, rstd: f32, dx: usize, n: i32): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  const c = f32x4.splat(mean);
  const s = f32x4.splat(rstd);
  let sumG = f32x4.splat(0);
  let sumGH = f32x4.splat(0);
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(dy + i), v128.load(gamma + i));
    const h = f32x4.mul(f32x4.sub(v128.load(x + i), c), s);
    sumG = f32x4.add(sumG, g);
    sumGH = V.mulAdd(g, h, sumGH);
  }
  if (rest) {
    const g = f32x4.mul(V.loadPart(dy + whole, rest), V.loadPart(gamma + whole, rest));
    const h = f32x4.mul(f32x4.sub(V.loadPart(x + whole, rest), c), s);
    sumG = f32x4.add(sumG, g);
    sumGH = V.mulAdd(g, h, sumGH);
  }
  const meanG = f32x4.splat(V.sum(sumG) / <f32>n);
  const meanGH = f32x4.splat(V.sum(sumGH) / <f32>n);
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(dy + i), v128.load(gamma + i));
    const h = f32x4.mul(f32x4.sub(v128.load(x + i), c), s);
    v128.store(dx + i, f32x4.mul(s, f32x4.sub(f32x4.sub(g, meanG), f32x4.mul(h, meanGH))));
  }
  if (rest) {
    const g = f32x4.mul(V.loadPart(dy + whole, rest), V.loadPart(gamma + whole, rest));
    const h = f32x4.mul(f32x4.sub(V.loadPart(x + whole, rest), c), s);
    V.storePart(dx + whole, f32x4.mul(s, f32x4.sub(f32x4.sub(g, meanG), f32x4.mul(h, meanGH))), rest);
  }
}

function parameterGrads(
  dy: usize,
  x: usize,
  mean: usize,
  rstd: usize,
  dgamma: usize,
  dbeta: usize,
  rows: i32,
  n: i32,
): void {
  const step = (<usize>n) << 2;
  for (let j = 0; j < n; j += 4) {
    const width = min(4, n - j);
    const at = (<usize>j) << 2;
    let p = dy + at;
    let q = x + at;
    let sumG = f32x4.splat(0);
    let sumB = f32x4.splat(0);
    for (let r = 0; r < rows; r++) {
      const c = v128.load32_splat(mean + ((<usize>r) << 2));
      const s = v128.load32_splat(rstd + ((<usize>r) << 2));
      const g = width == 4 ? v128.load(p) : V.loadPart(p, width);
      const h = f32x4.mul(f32x4.sub(width == 4 ? v128.load(q) : V.loadPart(q, width), c), s);
      sumB = f32x4.add(sumB, g);
      sumG = V.mulAdd(g, h, sumG);
      p += step;
      q += step;
    }
    if (width == 4) {
      v128.store(dgamma + at, f32x4.add(v128.load(dgamma + at), sumG));
      v128.store(dbeta + at, f32x4.add(v128.load(dbeta + at), sumB));
    } else {
      V.storePart(dgamma + at, f32x4.add(V.loadPart(dgamma + at, width), sumG), width);
      V.storePart(dbeta + at, f32x4.add(V.loadPart(dbeta + at, width), sumB), width);
    }
  }
}
