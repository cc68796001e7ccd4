// Diagonal Gaussians inside a program: what a VAE's encoder gives, their divergence from the standard normal distribution, and samples through which
// gradients pass (Kingma and Welling 2014, arXiv 1312.6114).
import { add, exp, maximum, minimum, mul, split, square, sub } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import { randomNormal } from '@tessera/nn';

/** A normal distribution for each element. */
export interface Gaussian {
  readonly mean: Tensor;
  /** `ln s^2`. */
  readonly logVariance: Tensor;
}

/** The two halves of the last axis as means and log variances, [..., 2 D] to two [..., D]. Log variances are held in [-20, 20], beyond which float32 has no use for them. */
export function gaussianOf(encoded: Tensor): Gaussian {
  const [mean, logVariance] = split(encoded, { count: 2 }) as [Tensor, Tensor];
  return { mean, logVariance: minimum(maximum(logVariance, -20), 20) };
}

/** `KL(N(mu, s^2) || N(0, 1)) = 1/2 (mu^2 + s^2 - 1 - ln s^2)` of each element, in nats (arXiv 1312.6114, appendix B). */
export function standardNormalKl({ mean, logVariance }: Gaussian): Tensor {
  return mul(sub(add(square(mean), exp(logVariance)), add(logVariance, 1)), 0.5);
}

/** A sample of each: `mu + s e`, e standard normal by `key` int32 [2]; gradients reach mean and variance. */
export function reparametrise({ mean, logVariance }: Gaussian, key: Tensor): Tensor {
  return add(mean, mul(exp(mul(logVariance, 0.5)), randomNormal(key, mean.shape)));
}
