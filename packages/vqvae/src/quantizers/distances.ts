// How far vectors are from every code, free of the scale that an encoder happens to have: what a soft choice of codes is made of.
import { add, div, matMul, maximum, mean, mul, square, stopGradient, sub, sum, transpose } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/**
 * `|z_n - e_k|^2 / s` of `vectors` z [N, d] and a `table` of codes e [K, d], with `s` the mean squared distance of the codes to their mean: [N, K].
 *
 * The gradient reaches the vectors alone, as that of a commitment loss does; codes and `s` are taken as given.
 */
export function relativeDistances(vectors: Tensor, table: Tensor): Tensor {
  const codes = stopGradient(table);
  const centre = mean(codes, { axes: [0], keepDims: true }); // [1, d]
  // Both sides from the mean of the codes: a common offset would eat the digits of |z|^2 - 2 z.e + |e|^2.
  const [z, e] = [sub(vectors, centre), sub(codes, centre)];
  const [zz, ee] = [sum(square(z), { axes: [1], keepDims: true }), sum(square(e), { axes: [1] })]; // [N, 1], [K]
  const squares = add(sub(zz, mul(matMul(z, transpose(e, [1, 0])), 2)), ee);
  return div(squares, maximum(mean(ee), 1e-30));
}
