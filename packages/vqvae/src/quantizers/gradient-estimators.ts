// How the gradient of what comes after the quantizer reaches the vectors before it: the choice of a code itself has none.
import {
  add,
  div,
  greaterEqual,
  maximum,
  mul,
  reshape,
  rsqrt,
  sqrt,
  square,
  stopGradient,
  straightThrough,
  sub,
  sum,
  where,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { QuantizerConfig } from '../config.ts';

/**
 * Exactly `codes` [N, D]; the gradient g goes to `z` [N, D] as g (`straight-through`), as `|q| / |z| R^T g` with the rotation R of z onto its code q (`rotation`;
 * Fifty et al. 2024, arXiv 2410.06424) or not at all (`none`), and never to the codes.
 */
export function passGradient(kind: QuantizerConfig['gradient'], z: Tensor, codes: Tensor): Tensor {
  if (kind === 'none') return stopGradient(codes);
  return straightThrough(kind === 'rotation' ? rotated(z, codes) : z, codes);
}

// float32 makes the rotation garbage for vectors that point away from their code and for those without a length: there the gradient goes straight through.
const leastCosine = -0.99;
const leastNorm = 1e-5;

/** `|q| / |z| R z` as a linear function of z: equal to the codes up to rounding, with z itself where there is no good rotation. */
function rotated(z: Tensor, codes: Tensor): Tensor {
  const [from, to] = [stopGradient(z), stopGradient(codes)];
  const [fromNorm, toNorm] = [norm(from), norm(to)]; // [N, 1]
  const [e, q] = [div(from, maximum(fromNorm, leastNorm)), div(to, maximum(toNorm, leastNorm))];
  const cosine = dot(e, q);
  const between = mul(add(e, q), rsqrt(maximum(add(mul(cosine, 2), 2), 1e-3))); // of length 1: |e + q|^2 = 2 + 2 cos
  // R x = x - 2 r (r.x) + 2 q (e.x)
  const turned = add(sub(z, mul(mul(between, dot(between, z)), 2)), mul(mul(q, dot(e, z)), 2));
  const good = mul(
    greaterEqual(cosine, leastCosine),
    mul(greaterEqual(fromNorm, leastNorm), greaterEqual(toNorm, leastNorm)),
  );
  const scaled = mul(turned, div(toNorm, maximum(fromNorm, leastNorm)));
  return where(reshape(good, [z.shape[0]!]), scaled, z);
}

function dot(a: Tensor, b: Tensor): Tensor {
  return sum(mul(a, b), { axes: [1], keepDims: true });
}

function norm(x: Tensor): Tensor {
  return sqrt(sum(square(x), { axes: [1], keepDims: true }));
}
