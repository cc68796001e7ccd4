// Likelihoods in units that compare: nats of whole frames and bits per dimension. Only numbers of one likelihood compare.
import { ConfigError } from '@tessera/core';

/** `-ln N(x; x^, s^2 I)` of a frame in nats, constants included: `|x - x^|^2 / (2 s^2) + dimensions / 2 ln(2 pi s^2)`. Throws ConfigError for a deviation that is not positive. */
export function gaussianNll(
  squaredError: number,
  { dimensions, deviation }: { readonly dimensions: number; readonly deviation: number },
): number {
  if (!(deviation > 0)) throw new ConfigError(`gaussianNll: expected a deviation above 0, got ${deviation}.`);
  return squaredError / (2 * deviation ** 2) + (dimensions / 2) * Math.log(2 * Math.PI * deviation ** 2);
}

/** The bound of a VQ-VAE on `-ln p(x)` in nats when codes are drawn uniformly: `-ln p(x | z_q) + tokens ln K`. With a prior its `-ln p(z)` stands in the second term's place. */
export function uniformCodeBound(
  nll: number,
  { tokens, vocabulary }: { readonly tokens: number; readonly vocabulary: number },
): number {
  return nll + tokens * Math.log(vocabulary);
}

/**
 * `nats / (dimensions ln 2)`. `levels` turns the density of numbers that were scaled from so many grey levels to [0, 1] into that of the levels themselves, by `log2 levels`
 * more: 256 for bytes. Default 1, for likelihoods of discrete values.
 */
export function bitsPerDimension(nats: number, dimensions: number, { levels = 1 }: { levels?: number } = {}): number {
  return nats / (dimensions * Math.LN2) + Math.log2(levels);
}
