// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), in place and in one pass.
import { V } from './vec';

class Adam {
  @inline
  static step(
    p: v128,
    m: v128,
    v: v128,
    param: usize,
    mAt: usize,
    vAt: usize,
    count: i32,
    g: v128,
    beta1: v128,
    beta2: v128,
    rest1: v128,
    rest2: v128,
    rate: v128,
    root: v128,
    epsilon: v128,
    keep: v128,
  ): void {
    m = f32x4.add(f32x4.mul(beta1, m), f32x4.mul(rest1, g));
    v = f32x4.add(f32x4.mul(beta2, v), f32x4.mul(rest2, f32x4.mul(g, g)));
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), root), epsilon);
    p = f32x4.sub(f32x4.mul(p, keep), f32x4.div(f32x4.mul(rate, m), denominator));
    if (count == 4) {
      v128.store(mAt, m);
      v128.store(vAt, v);
      v128.store(param, p);
    } else {
      V.storePart(mAt, m, count);
      V.storePart(vAt, v, count);
      V.storePart(param, p, count);
    }
  }
}

/**
 * With g = gradientScale gradient: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
 * param = param (1 - rate decay) - rate (m / correction1) / (sqrt(v / correction2) + epsilon).
 */
export function adam(
  param: usize,
  m: usize,
  v: usize,
  gradient: usize,
  n: i32,
  rate: f64,
  beta1: f64,
  beta2: f64,
  epsilon: f64,
  correction1: f64,
  correction2: f64,
  decay: f64,
  gradientScale: f64,
): void {
  const b1 = f32x4.splat(<f32>beta1);
  const b2 = f32x4.splat(<f32>beta2);
  // in float64: 1 - 0.999 in float32 is wrong by 5e-5
  const r1 = f32x4.splat(<f32>(1 - beta1));
  const r2 = f32x4.splat(<f32>(1 - beta2));
  const step = f32x4.splat(<f32>(rate / correction1));
  const root = f32x4.splat(<f32>(1 / sqrt(correction2)));
  const eps = f32x4.splat(<f32>epsilon);
  const keep = f32x4.splat(<f32>(1 - rate * decay));
  const s = f32x4.splat(<f32>gradientScale);
  for (; n >= 4; n -= 4) {
    const g = f32x4.mul(v128.load(gradient), s);
    Adam.step(v128.load(param), v128.load(m), v128.load(v), param, m, v, 4, g, b1, b2, r1, r2, step, root, eps, keep);
    param += 16;
    m += 16;
    v += 16;
    gradient += 16;
  }
  if (n > 0) {
    const g = f32x4.mul(V.loadPart(gradient, n), s);
    Adam.step(
      V.loadPart(param, n),
      V.loadPart(m, n),
      V.loadPart(v, n),
      param,
      m,
      v,
      n,
      g,
      b1,
      b2,
      r1,
      r2,
      step,
      root,
      eps,
      keep,
    );
  }
}
