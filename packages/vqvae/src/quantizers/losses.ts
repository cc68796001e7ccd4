// The losses of the VQ-VAE (van den Oord et al. 2017, arXiv 1711.00937, equation 3), each a mean over all elements.
import { mean, square, stopGradient, sub } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** `mean((sg[z] - e)^2)`: its gradient reaches the codes `e` alone. */
export function codebookLoss(z: Tensor, e: Tensor): Tensor {
  return mean(square(sub(stopGradient(z), e)));
}

/** `mean((z - sg[e])^2)`: its gradient reaches the encoder's output `z` alone. */
export function commitmentLoss(z: Tensor, e: Tensor): Tensor {
  return mean(square(sub(z, stopGradient(e))));
}
