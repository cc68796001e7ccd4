// The losses of the VQ-VAE (van den Oord et al. 2017, arXiv 1711.00937, equation 3), each a mean over all elements of the vectors that are not masked.
import { div, maximum, mean, mul, reshape, square, stopGradient, sub, sum, zeros } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** `mean((sg[z] - e)^2)` of `z`, `e` [N, D] and a mask [N] of 0 and 1: its gradient reaches the codes `e` alone. 0 without vectors. */
export function codebookLoss(z: Tensor, e: Tensor, mask?: Tensor): Tensor {
  return meanSquare(sub(stopGradient(z), e), mask);
}

/** `mean((z - sg[e])^2)` of `z`, `e` [N, D] and a mask [N] of 0 and 1: its gradient reaches the encoder's output `z` alone. 0 without vectors. */
export function commitmentLoss(z: Tensor, e: Tensor, mask?: Tensor): Tensor {
  return meanSquare(sub(z, stopGradient(e)), mask);
}

function meanSquare(x: Tensor, mask: Tensor | undefined): Tensor {
  const [rows, width] = x.shape as [number, number];
  if (rows === 0) return zeros({ shape: [] });
  if (mask === undefined) return mean(square(x));
  return div(sum(mul(square(x), reshape(mask, [rows, 1]))), mul(maximum(sum(mask), 1), width));
}
