// Sine and cosine, correctly rounded: `Math.sin` and `Math.cos` differ from C's (and so from NumPy's) in the last bit of one value in thirty, these of one in a thousand
// or less, and they are equal in every JavaScript engine. Computed in pairs of doubles, about 100 bits; small angles first try 60.

const splitter = 2 ** 27 + 1;
const unit = 2 ** -53;
const small = 0.25;

// pi/2 in parts of 33 bits, whose products with whole numbers below 2^20 are exact, and what is left.
const halfPi1 = 1.57079632673412561417;
const halfPi2 = 6.0771005063039659766e-11;
const halfPi3 = 2.0222662487111664558e-21;
const halfPi4 = 8.47842766036889956997e-32;
const largest = 2 ** 20;

// A pair of doubles high + low, the result of the function called last.
let high = 0;
let low = 0;

/** `a * b - product`, exactly, where `product` is `a * b` rounded (Dekker 1971). */
function productError(a: number, b: number, product: number): number {
  const ca = splitter * a;
  const ah = ca - (ca - a);
  const al = a - ah;
  const cb = splitter * b;
  const bh = cb - (cb - b);
  const bl = b - bh;
  return ah * bh - product + ah * bl + al * bh + al * bl;
}

// 1 / n! as pairs, with alternating signs as in the series of sine (odd n) and cosine (even n). Up to 18! whole numbers are exact; beyond, low parts do not count.
const terms = 28;
const inverseHigh = new Float64Array(terms);
const inverseLow = new Float64Array(terms);
for (let n = 0, factorial = 1; n < terms; n++) {
  if (n > 0) factorial *= n;
  const sign = Math.floor(n / 2) % 2 === 0 ? 1 : -1;
  const value = 1 / factorial;
  const product = value * factorial;
  inverseHigh[n] = sign * value;
  inverseLow[n] = n > 18 ? 0 : (sign * (1 - product - productError(value, factorial, product))) / factorial;
}

/** The sine of `x` radians, correctly rounded for |x| < 1.6 million; beyond that `Math.sin`. */
export function sin(x: number): number {
  if (x <= small && x >= -small) {
    // The sine of 0 and of the tiniest numbers is the number itself, down to the sign of 0.
    if (Math.abs(x) < 2 ** -30) return x;
    // sin x = x + c; c is known to 6 units of its last place, and mostly that settles the last place of the sum.
    const square = x * x;
    const c =
      x *
      square *
      (-1 / 6 +
        square *
          (1 / 120 + square * (-1 / 5040 + square * (1 / 362880 + square * (-1 / 39916800 + square / 6227020800)))));
    const error = 6 * unit * Math.abs(c);
    const sum = x + (c - error);
    if (sum === x + (c + error)) return sum;
  }
  const quadrant = reduce(x);
  if (quadrant < 0) return Math.sin(x);
  if (quadrant % 2 === 0) sineSeries(high, low);
  else cosineSeries(high, low);
  return quadrant >= 2 ? -high : high;
}

/** The cosine of `x` radians, correctly rounded for |x| < 1.6 million; beyond that `Math.cos`. */
export function cos(x: number): number {
  if (x <= small && x >= -small) {
    // cos x = 1 - x^2 / 2 + c, where the first two terms are exact in a pair.
    const square = x * x;
    const half = -0.5 * square;
    const sum = 1 + half;
    const c =
      square *
      square *
      (1 / 24 + square * (-1 / 720 + square * (1 / 40320 + square * (-1 / 3628800 + square * (1 / 479001600)))));
    const rest = half - (sum - 1) - 0.5 * productError(x, x, square) + c;
    const error = 8 * unit * c + 2 ** -104;
    const rounded = sum + (rest - error);
    if (rounded === sum + (rest + error)) return rounded;
  }
  const quadrant = reduce(x);
  if (quadrant < 0) return Math.cos(x);
  if (quadrant % 2 === 0) cosineSeries(high, low);
  else sineSeries(high, low);
  return quadrant === 1 || quadrant === 2 ? -high : high;
}

/** Leaves `x - k pi/2`, within +-pi/4, and returns k modulo 4; -1 for angles that are too large, and for NaN. */
function reduce(x: number): number {
  if (x <= Math.PI / 4 && x >= -Math.PI / 4) {
    high = x;
    low = 0;
    return 0;
  }
  const k = Math.round(x * (2 / Math.PI));
  if (!(Math.abs(k) < largest)) return -1;
  const a = x - k * halfPi1;
  const b = k * halfPi2;
  const difference = a - b;
  const bRounded = difference - a;
  const error = a - (difference - bRounded) - (b + bRounded);
  const c = k * halfPi3;
  const rest = difference - c;
  const cRounded = rest - difference;
  const tail = error + (difference - (rest - cRounded) - (c + cRounded)) - k * halfPi4;
  high = rest + tail;
  low = tail - (high - rest);
  return ((k % 4) + 4) % 4;
}

function sineSeries(x: number, xLow: number): void {
  horner(x, xLow, 27, 1);
  const [a, aLow] = [high, low];
  const product = a * x;
  const error = productError(a, x, product) + a * xLow + aLow * x;
  high = product + error;
  low = error - (high - product);
}

function cosineSeries(x: number, xLow: number): void {
  horner(x, xLow, 26, 0);
}

/** The sum of `+-x^(n - last) / n!` for n = first, first - 2, ... last, from the small end; plain doubles are enough for the terms above 15. */
function horner(x: number, xLow: number, first: number, last: number): void {
  const rounded = x * x;
  const roundedError = productError(x, x, rounded) + 2 * x * xLow;
  const square = rounded + roundedError;
  const squareLow = roundedError - (square - rounded);
  let a = inverseHigh[first]!;
  let n = first - 2;
  for (; n > 15; n -= 2) a = inverseHigh[n]! + square * a;
  let aLow = 0;
  for (; n >= last; n -= 2) {
    const product = a * square;
    const productLow = productError(a, square, product) + a * squareLow + aLow * square;
    const term = inverseHigh[n]!;
    const sum = term + product;
    const termRounded = sum - term;
    const error = term - (sum - termRounded) + (product - termRounded) + productLow + inverseLow[n]!;
    a = sum + error;
    aLow = error - (a - sum);
  }
  high = a;
  low = aLow;
}
