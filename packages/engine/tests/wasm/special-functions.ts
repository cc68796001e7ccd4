// The error function in float64, for tests: its Taylor series near 0 and the continued fraction of erfc elsewhere (Abramowitz and Stegun
// 7.1.5 and 7.1.14), both to about 1e-15.

export function erfc(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 2) return 1 - erf(x);
  if (x > 30) return 0;
  let tail = 0;
  for (let i = 200; i >= 1; i--) tail = i / 2 / (x + tail);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + tail);
}

export function erf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 0) return -erf(-x);
  if (x >= 2) return 1 - erfc(x);
  let term = x;
  let total = x;
  for (let i = 1; i < 60; i++) {
    term *= (-x * x) / i;
    total += term / (2 * i + 1);
  }
  return (total * 2) / Math.sqrt(Math.PI);
}

/** The normal distribution function. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x / Math.SQRT2);
}

/** The normal density. */
export function normalPdf(x: number): number {
  return Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
}
