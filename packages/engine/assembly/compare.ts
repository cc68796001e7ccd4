// Comparisons that write TensorFlow.js booleans (one byte each, 0 or 1), and what reads them. Where `bStep` is 0, b is a single number.

const GREATER: i32 = 0;
const GREATER_EQUAL: i32 = 1;
const LESS: i32 = 2;
const LESS_EQUAL: i32 = 3;
const EQUAL: i32 = 4;
const NOT_EQUAL: i32 = 5;
const EQUAL_INT: i32 = 6;
const NOT_EQUAL_INT: i32 = 7;

class Compare {
  @inline
  static apply(op: i32, a: v128, b: v128): v128 {
    if (op == GREATER) return f32x4.gt(a, b);
    if (op == GREATER_EQUAL) return f32x4.ge(a, b);
    if (op == LESS) return f32x4.lt(a, b);
    if (op == LESS_EQUAL) return f32x4.le(a, b);
    if (op == EQUAL) return f32x4.eq(a, b);
    if (op == NOT_EQUAL) return f32x4.ne(a, b);
    if (op == EQUAL_INT) return i32x4.eq(a, b);
    return i32x4.ne(a, b);
  }

  @inline
  static run(op: i32, a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
    const single = bStep == 0 && n > 0 ? v128.load32_splat(b) : i32x4.splat(0);
    let i = 0;
    for (; i + 16 <= n; i += 16) {
      const m0 = Compare.apply(op, v128.load(a), bStep ? v128.load(b) : single);
      const m1 = Compare.apply(op, v128.load(a, 16), bStep ? v128.load(b, 16) : single);
      const m2 = Compare.apply(op, v128.load(a, 32), bStep ? v128.load(b, 32) : single);
      const m3 = Compare.apply(op, v128.load(a, 48), bStep ? v128.load(b, 48) : single);
      const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(m0, m1), i16x8.narrow_i32x4_s(m2, m3));
      v128.store(y + i, v128.and(bytes, i8x16.splat(1)));
      a += 64;
      if (bStep) b += 64;
    }
    for (; i < n; i++) {
      const m = Compare.apply(op, v128.load32_zero(a), v128.load32_zero(b));
      store<u8>(y + i, i32x4.extract_lane(m, 0) & 1);
      a += 4;
      if (bStep) b += 4;
    }
  }
}

export function greater(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(GREATER, a, b, y, n, bStep);
}
export function greaterEqual(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(GREATER_EQUAL, a, b, y, n, bStep);
}
export function less(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(LESS, a, b, y, n, bStep);
}
export function lessEqual(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(LESS_EQUAL, a, b, y, n, bStep);
}
export function equal(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(EQUAL, a, b, y, n, bStep);
}
export function notEqual(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(NOT_EQUAL, a, b, y, n, bStep);
}
export function equalInt(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(EQUAL_INT, a, b, y, n, bStep);
}
export function notEqualInt(a: usize, b: usize, y: usize, n: i32, bStep: i32): void {
  Compare.run(NOT_EQUAL_INT, a, b, y, n, bStep);
}

/** y = condition ? a : b for floats or int32; a step of 0 repeats one number. */
export function select(condition: usize, a: usize, b: usize, y: usize, n: i32, aStep: i32, bStep: i32): void {
  if (n == 0) return;
  const oneA = v128.load32_splat(a);
  const oneB = v128.load32_splat(b);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const bytes = v128.load32_zero(condition + i);
    const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes));
    const mask = i32x4.ne(lanes, i32x4.splat(0));
    const offset = (<usize>i) << 2;
    const va = aStep ? v128.load(a + offset) : oneA;
    const vb = bStep ? v128.load(b + offset) : oneB;
    v128.store(y + offset, v128.bitselect(va, vb, mask));
  }
  for (; i < n; i++) {
    const offset = (<usize>i) << 2;
    const from = load<u8>(condition + i) ? a + (aStep ? offset : 0) : b + (bStep ? offset : 0);
    store<u32>(y + offset, load<u32>(from));
  }
}

/** Booleans (or any bytes) as floats. */
export function bytesToFloat(x: usize, y: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const lanes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(x + i)));
    v128.store(y + ((<usize>i) << 2), f32x4.convert_i32x4_u(lanes));
  }
  for (; i < n; i++) store<f32>(y + ((<usize>i) << 2), <f32>load<u8>(x + i));
}
