// Row-wise kernels on [rows, n]: softmax and its relatives, reductions over the last axis, bias, column sums.
import { scale } from './elementwise';
import { maximum, peak, sum } from './reduce';
import { V } from './vec';

/** y = exp(x - shift); returns its sum. NaN in x gives NaN, also where `shift` ignored it. */
function expShifted(x: usize, y: usize, n: i32, shift: f32): f32 {
  const s = f32x4.splat(shift);
  const end = x + ((<usize>(n & ~7)) << 2);
  let total = f32x4.splat(0);
  for (; x < end; x += 32) {
    const e0 = V.exp(f32x4.sub(v128.load(x), s));
    const e1 = V.exp(f32x4.sub(v128.load(x, 16), s));
    v128.store(y, e0);
    v128.store(y, e1, 16);
    total = f32x4.add(total, f32x4.add(e0, e1));
    y += 32;
  }
  for (let rest = n & 7; rest > 0; rest -= 4) {
    const v = rest >= 4 ? v128.load(x) : V.loadPad(x, rest, f32x4.splat(-Infinity));
    const e = V.exp(f32x4.sub(v, s));
    if (rest >= 4) v128.store(y, e);
    else V.storePart(y, e, rest);
    total = f32x4.add(total, e);
    x += 16;
    y += 16;
  }
  return V.sum(total);
}

/** The sum of exp(x - shift). */
function sumExp(x: usize, n: i32, shift: f32): f32 {
  const s = f32x4.splat(shift);
  const end = x + ((<usize>(n & ~3)) << 2);
  let total = f32x4.splat(0);
  for (; x < end; x += 16) total = f32x4.add(total, V.exp(f32x4.sub(v128.load(x), s)));
  const rest = n & 3;
  if (rest) total = f32x4.add(total, V.exp(f32x4.sub(V.loadPad(x, rest, f32x4.splat(-Infinity)), s)));
  return V.sum(total);
}

function log1(x: f32): f32 {
  return f32x4.extract_lane(V.log(f32x4.splat(x)), 0);
}

/**
 * y = softmax(scale x + mask) in each row. `mask` is added, [maskRows, n], row r uses mask row r % maskRows; 0 for no mask.
 */
export function softmax(x: usize, y: usize, rows: i32, n: i32, scale: f32, mask: usize, maskRows: i32): void {
  const bytes = (<usize>n) << 2;
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  const s = f32x4.splat(scale);
  for (let r = 0; r < rows; r++) {
    let from = x;
    if (scale != 1 || mask != 0) {
      const add = mask + <usize>(r % maskRows) * bytes;
      for (let i: usize = 0; i < whole; i += 16) {
        const v = f32x4.mul(v128.load(x + i), s);
        v128.store(y + i, mask ? f32x4.add(v, v128.load(add + i)) : v);
      }
      if (rest) {
        const v = f32x4.mul(V.loadPart(x + whole, rest), s);
        V.storePart(y + whole, mask ? f32x4.add(v, V.loadPart(add + whole, rest)) : v, rest);
      }
      from = y;
    }
    const inverse = f32x4.splat(1 / expShifted(from, y, n, peak(from, n)));
    for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, f32x4.mul(v128.load(y + i), inverse));
    if (rest) V.storePart(y + whole, f32x4.mul(V.loadPart(y + whole, rest), inverse), rest);
    x += bytes;
    y += bytes;
  }
}

/** dx = scale y (dy - sum(dy y)), the gradient of softmax(scale x + mask) by x. */
export function softmaxGrad(dy: usize, y: usize, dx: usize, rows: i32, n: i32, scale: f32): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  const s = f32x4.splat(scale);
  for (let r = 0; r < rows; r++) {
    let total = f32x4.splat(0);
    for (let i: usize = 0; i < whole; i += 16) total = V.mulAdd(v128.load(dy + i), v128.load(y + i), total);
    if (rest) total = V.mulAdd(V.loadPart(dy + whole, rest), V.loadPart(y + whole, rest), total);
    const t = f32x4.splat(V.sum(total));
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(dx + i, f32x4.mul(f32x4.mul(v128.load(y + i), s), f32x4.sub(v128.load(dy + i), t)));
    }
    if (rest) {
      const v = f32x4.sub(V.loadPart(dy + whole, rest), t);
      V.storePart(dx + whole, f32x4.mul(f32x4.mul(V.loadPart(y + whole, rest), s), v), rest);
    }
    const bytes = (<usize>n) << 2;
    dy += bytes;
    y += bytes;
    dx += bytes;
  }
}

/** y = x - log(sum(exp(x))) in each row. */
export function logSoftmax(x: usize, y: usize, rows: i32, n: i32): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  for (let r = 0; r < rows; r++) {
    // the maximum goes first: x - (max + log) would round away small differences of large logits
    const top = peak(x, n);
    const shift = f32x4.splat(top);
    const log = f32x4.splat(log1(sumExp(x, n, top)));
    for (let i: usize = 0; i < whole; i += 16) v128.store(y + i, f32x4.sub(f32x4.sub(v128.load(x + i), shift), log));
    if (rest) V.storePart(y + whole, f32x4.sub(f32x4.sub(V.loadPart(x + whole, rest), shift), log), rest);
    x += (<usize>n) << 2;
    y += (<usize>n) << 2;
  }
}

/** dx = dy - exp(y) sum(dy), from the output y of logSoftmax. */
export function logSoftmaxGrad(dy: usize, y: usize, dx: usize, rows: i32, n: i32): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  for (let r = 0; r < rows; r++) {
    const t = f32x4.splat(<f32>sum(dy, n));
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(dx + i, f32x4.sub(v128.load(dy + i), f32x4.mul(V.exp(v128.load(y + i)), t)));
    }
    if (rest) {
      const v = f32x4.mul(V.exp(V.loadPart(y + whole, rest)), t);
      V.storePart(dx + whole, f32x4.sub(V.loadPart(dy + whole, rest), v), rest);
    }
    const bytes = (<usize>n) << 2;
    dy += bytes;
    y += bytes;
    dx += bytes;
  }
}

/**
 * loss[r] = logsumexp(x[r]) - x[r, labels[r]] and probabilities = softmax(x); labels are int32. Returns the first row whose label is
 * outside [0, n), or -1; the loss of such a row is NaN.
 */
export function softmaxCrossEntropy(
  x: usize,
  labels: usize,
  loss: usize,
  probabilities: usize,
  rows: i32,
  n: i32,
): i32 {
  let bad = -1;
  const bytes = (<usize>n) << 2;
  for (let r = 0; r < rows; r++) {
    const label = load<i32>(labels + ((<usize>r) << 2));
    const top = peak(x, n);
    let value: f32 = NaN;
    const inside = <u32>label < <u32>n;
    const logit: f32 = inside ? load<f32>(x + ((<usize>label) << 2)) : NaN;
    const total = expShifted(x, probabilities, n, top);
    if (inside) value = log1(total) - (logit - top);
    else if (bad < 0) bad = r;
    store<f32>(loss + ((<usize>r) << 2), value);
    scale(probabilities, 1 / total, probabilities, n);
    x += bytes;
    probabilities += bytes;
  }
  return bad;
}

/** dx[r] = dy[r] (probabilities[r] - onehot(labels[r])), the gradient of the loss per row. */
export function softmaxCrossEntropyGrad(
  probabilities: usize,
  labels: usize,
  dy: usize,
  dx: usize,
  rows: i32,
  n: i32,
): void {
  const bytes = (<usize>n) << 2;
  for (let r = 0; r < rows; r++) {
    const weight = load<f32>(dy + ((<usize>r) << 2));
    const label = load<i32>(labels + ((<usize>r) << 2));
    scale(probabilities, weight, dx, n);
    if (<u32>label < <u32>n) {
      const at = (<usize>label) << 2;
      // p - 1 first: for a sure prediction p * w - w would keep only rounding errors
      store<f32>(dx + at, weight * (load<f32>(probabilities + at) - 1));
    }
    probabilities += bytes;
    dx += bytes;
  }
}

export function rowSum(x: usize, y: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) store<f32>(y + ((<usize>r) << 2), <f32>sum(x + ((<usize>(r * n)) << 2), n));
}
export function rowMean(x: usize, y: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) store<f32>(y + ((<usize>r) << 2), <f32>(sum(x + ((<usize>(r * n)) << 2), n) / <f64>n));
}
export function rowMax(x: usize, y: usize, rows: i32, n: i32): void {
  for (let r = 0; r < rows; r++) store<f32>(y + ((<usize>r) << 2), maximum(x + ((<usize>(r * n)) << 2), n));
}

/** y = x + bias in each row, then max(0, y) when `relu` is 1. */
export function biasAdd(x: usize, bias: usize, y: usize, rows: i32, n: i32, relu: i32): void {
  const whole = (<usize>(n & ~3)) << 2;
  const rest = n & 3;
  // a floor of -Infinity changes nothing; pmax keeps NaN
  const floor = relu ? f32x4.splat(0) : f32x4.splat(-Infinity);
  for (let r = 0; r < rows; r++) {
    for (let i: usize = 0; i < whole; i += 16) {
      v128.store(y + i, f32x4.pmax(f32x4.add(v128.load(x + i), v128.load(bias + i)), floor));
    }
    if (rest) {
      const v = f32x4.add(V.loadPart(x + whole, rest), V.loadPart(bias + whole, rest));
      V.storePart(y + whole, f32x4.pmax(v, floor), rest);
    }
    x += (<usize>n) << 2;
    y += (<usize>n) << 2;
  }
}

/** y[j] = sum of x[r, j] over r, in blocks of 128 rows, so that the error does not grow with the rows. */
export function colSum(x: usize, y: usize, rows: i32, n: i32): void {
  memory.fill(y, 0, (<usize>n) << 2);
  const step = (<usize>n) << 2;
  for (let r = 0; r < rows; r += 128) {
    const count = min(128, rows - r);
    const block = x + <usize>r * step;
    let j = 0;
    for (; j + 8 <= n; j += 8) {
      let p = block + ((<usize>j) << 2);
      let s0 = f32x4.splat(0);
      let s1 = s0;
      for (let i = 0; i < count; i++) {
        s0 = f32x4.add(s0, v128.load(p));
        s1 = f32x4.add(s1, v128.load(p, 16));
        p += step;
      }
      const to = y + ((<usize>j) << 2);
      v128.store(to, f32x4.add(v128.load(to), s0));
      v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
    }
    for (; j < n; j += 4) {
      const width = min(4, n - j);
      let p = block + ((<usize>j) << 2);
      let s = f32x4.splat(0);
      for (let i = 0; i < count; i++) {
        s = f32x4.add(s, width == 4 ? v128.load(p) : V.loadPart(p, width));
        p += step;
      }
      const to = y + ((<usize>j) << 2);
      if (width == 4) v128.store(to, f32x4.add(v128.load(to), s));
      else V.storePart(to, f32x4.add(V.loadPart(to, width), s), width);
    }
  }
}
