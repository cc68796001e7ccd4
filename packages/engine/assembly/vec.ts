// Vectors of four floats: partial loads and stores for the end of an array, and the elementary functions.
// exp, log and tanh follow S. Moshier's Cephes library (expf, logf, tanhf); the error function was fitted here (see erfcx).
// Static methods, because only those may carry `@inline` in plain TypeScript syntax.

export class V {
  /** The first `count` (1 to 3) floats, the other lanes zero; never reads past them. */
  @inline
  static loadPart(p: usize, count: i32): v128 {
    if (count == 1) return v128.load32_zero(p);
    const low = v128.load64_zero(p);
    return count == 2 ? low : v128.load_lane<u32>(p + 8, low, 2);
  }

  /** As `loadPart`, with the other lanes from `pad`. */
  @inline
  static loadPad(p: usize, count: i32, pad: v128): v128 {
    let v = v128.load_lane<u32>(p, pad, 0);
    if (count > 1) v = v128.load_lane<u32>(p + 4, v, 1);
    if (count > 2) v = v128.load_lane<u32>(p + 8, v, 2);
    return v;
  }

  /** Stores the first `count` (1 to 3) floats. */
  @inline
  static storePart(p: usize, v: v128, count: i32): void {
    v128.store_lane<u32>(p, v, 0);
    if (count > 1) v128.store_lane<u32>(p + 4, v, 1);
    if (count > 2) v128.store_lane<u32>(p + 8, v, 2);
  }

  @inline
  static sum(v: v128): f32 {
    return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
  }

  @inline
  static max(v: v128): f32 {
    return max(
      max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
      max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
    );
  }

  /** `x` without its sign. */
  @inline
  static abs(x: v128): v128 {
    return f32x4.abs(x);
  }

  /** `magnitude >= 0` (or NaN) with the sign of `x`. */
  @inline
  static withSign(magnitude: v128, x: v128): v128 {
    return v128.or(magnitude, v128.and(x, i32x4.splat(0x80000000)));
  }

  /** `a * b + c`, rounded twice. */
  @inline
  static mulAdd(a: v128, b: v128, c: v128): v128 {
    return f32x4.add(f32x4.mul(a, b), c);
  }

  /** `2^n` of a biased integer: n in [-126, 127] as an int32 in each lane. */
  @inline
  static pow2(n: v128): v128 {
    return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23);
  }

  /** `(exp(r) - 1)` for |r| <= ln(2) / 2. */
  @inline
  static expm1Reduced(r: v128): v128 {
    const r2 = f32x4.mul(r, r);
    const low = V.mulAdd(r, f32x4.splat(1.6666665459e-1), f32x4.splat(5.0000001201e-1));
    const mid = V.mulAdd(r, f32x4.splat(8.3334519073e-3), f32x4.splat(4.1665795894e-2));
    const high = V.mulAdd(r, f32x4.splat(1.98756915e-4), f32x4.splat(1.3981999507e-3));
    const p = V.mulAdd(V.mulAdd(high, r2, mid), r2, low);
    return V.mulAdd(p, r2, r);
  }

  /** `exp(x + dx)` for a tiny `dx` (|dx| < 0.02), which keeps exp(-t^2) exact where t^2 is rounded. */
  @inline
  static expSum(x: v128, dx: v128): v128 {
    // pmin and pmax with this order of arguments keep NaN
    const clamped = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89));
    // adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits
    const magic = f32x4.splat(12582912);
    const shifted = V.mulAdd(clamped, f32x4.splat(1.44269504088896341), magic);
    const n = i32x4.sub(shifted, i32x4.splat(0x4b400000));
    const nf = f32x4.sub(shifted, magic);
    let r = f32x4.sub(clamped, f32x4.mul(nf, f32x4.splat(0.693359375)));
    r = f32x4.add(f32x4.sub(r, f32x4.mul(nf, f32x4.splat(-2.1219444e-4))), dx);
    const value = f32x4.add(V.expm1Reduced(r), f32x4.splat(1));
    // in two factors, because 2^128 and 2^-150 are no floats
    const half = i32x4.shr_s(n, 1);
    return f32x4.mul(f32x4.mul(value, V.pow2(half)), V.pow2(i32x4.sub(n, half)));
  }

  @inline
  static exp(x: v128): v128 {
    return V.expSum(x, f32x4.splat(0));
  }

  /** `exp(x) - 1` for x <= 0, exact also near 0. */
  @inline
  static expm1Negative(x: v128): v128 {
    const clamped = f32x4.pmax(x, f32x4.splat(-40));
    const magic = f32x4.splat(12582912);
    const shifted = V.mulAdd(clamped, f32x4.splat(1.44269504088896341), magic);
    const scale = V.pow2(i32x4.sub(shifted, i32x4.splat(0x4b400000)));
    const nf = f32x4.sub(shifted, magic);
    let r = f32x4.sub(clamped, f32x4.mul(nf, f32x4.splat(0.693359375)));
    r = f32x4.sub(r, f32x4.mul(nf, f32x4.splat(-2.1219444e-4)));
    return V.mulAdd(V.expm1Reduced(r), scale, f32x4.sub(scale, f32x4.splat(1)));
  }

  /** `log(1 + f) - f` for f in [sqrt(1/2) - 1, sqrt(2) - 1]. */
  @inline
  static log1pReduced(f: v128): v128 {
    const square = f32x4.mul(f, f);
    let p = f32x4.splat(7.0376836292e-2);
    p = V.mulAdd(p, f, f32x4.splat(-1.151461031e-1));
    p = V.mulAdd(p, f, f32x4.splat(1.167699874e-1));
    p = V.mulAdd(p, f, f32x4.splat(-1.2420140846e-1));
    p = V.mulAdd(p, f, f32x4.splat(1.4249322787e-1));
    p = V.mulAdd(p, f, f32x4.splat(-1.6668057665e-1));
    p = V.mulAdd(p, f, f32x4.splat(2.0000714765e-1));
    p = V.mulAdd(p, f, f32x4.splat(-2.4999993993e-1));
    p = V.mulAdd(p, f, f32x4.splat(3.3333331174e-1));
    p = f32x4.mul(f32x4.mul(p, f), square);
    return f32x4.sub(p, f32x4.mul(square, f32x4.splat(0.5)));
  }

  @inline
  static log(x: v128): v128 {
    const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38));
    const scaled = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal);
    const mantissa = v128.or(v128.and(scaled, i32x4.splat(0x7fffff)), i32x4.splat(0x3f800000));
    const large = f32x4.gt(mantissa, f32x4.splat(1.41421356237));
    let exponent = i32x4.sub(i32x4.shr_u(scaled, 23), i32x4.splat(127));
    exponent = i32x4.sub(exponent, large); // a true comparison is -1
    exponent = i32x4.sub(exponent, v128.and(subnormal, i32x4.splat(23)));
    const e = f32x4.convert_i32x4_s(exponent);
    const m = v128.bitselect(f32x4.mul(mantissa, f32x4.splat(0.5)), mantissa, large);
    const f = f32x4.sub(m, f32x4.splat(1));
    const tail = f32x4.add(V.log1pReduced(f), f32x4.mul(e, f32x4.splat(-2.1219444e-4)));
    const value = f32x4.add(f32x4.add(f, tail), f32x4.mul(e, f32x4.splat(0.693359375)));
    const zero = f32x4.splat(0);
    let special = v128.bitselect(f32x4.splat(NaN), x, f32x4.lt(x, zero));
    special = v128.bitselect(f32x4.splat(-Infinity), special, f32x4.eq(x, zero));
    const ordinary = v128.and(f32x4.gt(x, zero), f32x4.lt(x, f32x4.splat(Infinity)));
    return v128.bitselect(value, special, ordinary);
  }

  @inline
  static tanh(x: v128): v128 {
    const z = f32x4.mul(x, x);
    let p = f32x4.splat(-5.70498872745e-3);
    p = V.mulAdd(p, z, f32x4.splat(2.06390887954e-2));
    p = V.mulAdd(p, z, f32x4.splat(-5.37397155531e-2));
    p = V.mulAdd(p, z, f32x4.splat(1.33314422036e-1));
    p = V.mulAdd(p, z, f32x4.splat(-3.33332819422e-1));
    const near = V.mulAdd(f32x4.mul(p, z), x, x);
    const t = V.abs(x);
    const e = V.exp(f32x4.add(t, t));
    const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))));
    return v128.bitselect(near, V.withSign(far, x), f32x4.lt(t, f32x4.splat(0.625)));
  }

  @inline
  static sigmoid(x: v128): v128 {
    const one = f32x4.splat(1);
    const e = V.exp(f32x4.neg(V.abs(x)));
    const numerator = v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0)));
    return f32x4.div(numerator, f32x4.add(one, e));
  }

  /** `log(1 + exp(x))`. */
  @inline
  static softplus(x: v128): v128 {
    const e = V.exp(f32x4.neg(V.abs(x))); // (0, 1]
    const large = f32x4.gt(e, f32x4.splat(0.41421356));
    const f = v128.bitselect(f32x4.mul(f32x4.sub(e, f32x4.splat(1)), f32x4.splat(0.5)), e, large);
    const log1p = f32x4.add(f32x4.add(f, V.log1pReduced(f)), v128.and(large, f32x4.splat(0.69314718056)));
    return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log1p);
  }

  /**
   * `exp(t^2) erfc(t)` for t >= 1 as `u P(u)`, u = 1 / (t + 2): a weighted least-squares fit at 4000 Chebyshev points of [1, 10.06],
   * reweighted to the smallest relative error (1.1e-8).
   */
  @inline
  static erfcx(t: v128): v128 {
    const u = f32x4.div(f32x4.splat(1), f32x4.add(t, f32x4.splat(2)));
    let p = f32x4.splat(23.840408325195312);
    p = V.mulAdd(p, u, f32x4.splat(-28.817325592041016));
    p = V.mulAdd(p, u, f32x4.splat(5.184760570526123));
    p = V.mulAdd(p, u, f32x4.splat(1.9840874671936035));
    p = V.mulAdd(p, u, f32x4.splat(2.8541080951690674));
    p = V.mulAdd(p, u, f32x4.splat(1.976444125175476));
    p = V.mulAdd(p, u, f32x4.splat(1.1281133890151978));
    p = V.mulAdd(p, u, f32x4.splat(0.5641979575157166));
    return f32x4.mul(p, u);
  }

  /** `erf(t)` for |t| <= 1, fitted as `t + t P(t^2)` in the same way (1.2e-9). */
  @inline
  static erfNear(t: v128): v128 {
    const s = f32x4.mul(t, t);
    let p = f32x4.splat(7.853892020648345e-5);
    p = V.mulAdd(p, s, f32x4.splat(-8.010203600861132e-4));
    p = V.mulAdd(p, s, f32x4.splat(5.188329145312309e-3));
    p = V.mulAdd(p, s, f32x4.splat(-2.6853812858462334e-2));
    p = V.mulAdd(p, s, f32x4.splat(0.1128358542919159));
    p = V.mulAdd(p, s, f32x4.splat(-0.3761262595653534));
    p = V.mulAdd(p, s, f32x4.splat(0.12837916612625122));
    return V.mulAdd(p, t, t);
  }

  /** `exp(-scale t^2)` for t >= 0 and a power of two `scale`; t is split so that the square of its upper half is exact. */
  @inline
  static expMinusSquare(t: v128, scale: v128): v128 {
    const high = v128.and(t, i32x4.splat(0xfffff000));
    const rest = f32x4.mul(f32x4.sub(t, high), f32x4.add(t, high));
    return V.expSum(f32x4.neg(f32x4.mul(f32x4.mul(high, high), scale)), f32x4.neg(f32x4.mul(rest, scale)));
  }

  @inline
  static erf(x: v128): v128 {
    const t = f32x4.pmin(V.abs(x), f32x4.splat(10));
    const one = f32x4.splat(1);
    const far = f32x4.sub(one, f32x4.mul(V.expMinusSquare(t, one), V.erfcx(t)));
    return v128.bitselect(V.erfNear(x), V.withSign(far, x), f32x4.lt(t, one));
  }

  /** The normal distribution function; `e` is exp(-x^2 / 2). */
  @inline
  static normalCdf(x: v128, e: v128): v128 {
    const half = f32x4.splat(0.5);
    const one = f32x4.splat(1);
    const t = f32x4.mul(x, f32x4.splat(0.70710678118654752));
    const magnitude = V.abs(t);
    const near = f32x4.add(half, f32x4.mul(half, V.erfNear(t)));
    const tail = f32x4.mul(f32x4.mul(half, e), V.erfcx(magnitude));
    const far = v128.bitselect(tail, f32x4.sub(one, tail), f32x4.lt(x, f32x4.splat(0)));
    return v128.bitselect(near, far, f32x4.lt(magnitude, one));
  }

  /** |x|, at most 20: beyond it exp(-x^2 / 2) is 0. */
  @inline
  static clampedAbs(x: v128): v128 {
    return f32x4.pmin(V.abs(x), f32x4.splat(20));
  }

  /** `x Phi(x)`, Hendrycks and Gimpel 2016. */
  @inline
  static gelu(x: v128): v128 {
    const cdf = V.normalCdf(x, V.expMinusSquare(V.clampedAbs(x), f32x4.splat(0.5)));
    // -Infinity * 0 would be NaN
    return f32x4.mul(f32x4.pmax(x, f32x4.splat(-3e38)), cdf);
  }

  /** `Phi(x) + x phi(x)`. */
  @inline
  static geluDerivative(x: v128): v128 {
    const t = V.clampedAbs(x);
    const e = V.expMinusSquare(t, f32x4.splat(0.5));
    const density = f32x4.mul(f32x4.mul(V.withSign(t, x), e), f32x4.splat(0.39894228040143268));
    return f32x4.add(V.normalCdf(x, e), density);
  }

  @inline
  static elu(x: v128): v128 {
    const zero = f32x4.splat(0);
    return v128.bitselect(x, V.expm1Negative(f32x4.pmin(x, zero)), f32x4.gt(x, zero));
  }
}
