// Normal random numbers inside a program, from uniform ones (Box and Muller 1958), so that they are a function of a key on every backend.
import { abs, add, log, mul, randomUniform, sqrt, square, sub } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/**
 * Numbers of the standard normal distribution, float32, a function of `key` int32 [2] (`randomKey`) and of the place of the call in its program; no gradient. Equal
 * keys give the same numbers on every backend but for the last digits of `log` and `sqrt`. Uniform numbers are multiples of 2^-23, so none is beyond 5.65.
 *
 * `sqrt(-2 ln(1 - u)) cos(2 pi v)`.
 */
export function randomNormal(key: Tensor, shape: readonly number[]): Tensor {
  const radius = sqrt(mul(log(sub(1, randomUniform(key, shape))), -2));
  return mul(radius, cosineOfTurn(sub(randomUniform(key, shape), 0.5)));
}

// Coefficients of sin(pi x / 2) = x (c0 + c1 x^2 + ...) by Taylor; what is left out is below 1e-10 for |x| <= 1.
const terms = Array.from({ length: 7 }, (_, i) => {
  let factorial = 1;
  for (let n = 2; n <= 2 * i + 1; n++) factorial *= n;
  return ((-1) ** i * (Math.PI / 2) ** (2 * i + 1)) / factorial;
});

// cos(2 pi t) = sin(pi / 2 (1 - 4 |t|)) for t in [-1/2, 1/2], where the last argument is at most a right angle.
function cosineOfTurn(t: Tensor): Tensor {
  const x = sub(1, mul(abs(t), 4));
  const squared = square(x);
  let series: Tensor | number = terms.at(-1)!;
  for (const term of terms.slice(0, -1).toReversed()) series = add(mul(series, squared), term);
  return mul(x, series);
}
