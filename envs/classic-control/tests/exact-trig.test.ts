// Sine and cosine against sums of the series in whole numbers of 400 bits: correctly rounded, wherever the angle is.
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { cos, sin } from '../src/exact-trig.ts';

const bits = 400n;
const one = 1n << bits;

/** A finite double as a whole number of units 2^-400, exactly down to 2^-348. */
function toFixed(x: number): bigint {
  let exponent = 0n;
  let value = x;
  while (!Number.isSafeInteger(value)) {
    value *= 2;
    exponent += 1n;
    if (exponent >= bits) return BigInt(Math.trunc(value));
  }
  return (BigInt(value) << bits) >> exponent;
}

/** The double nearest to a whole number of units 2^-400. */
function toNumber(fixed: bigint): number {
  if (fixed < 0n) return -toNumber(-fixed);
  const excess = fixed.toString(2).length - 53;
  if (excess <= 0) return Number(fixed) * 2 ** -Number(bits);
  const shift = BigInt(excess);
  const half = 1n << (shift - 1n);
  const rest = fixed & ((1n << shift) - 1n);
  let mantissa = fixed >> shift;
  if (rest > half || (rest === half && mantissa % 2n === 1n)) mantissa += 1n;
  return Number(mantissa) * 2 ** (excess - Number(bits));
}

/** arctan(1/n) by its series. */
function arctanInverse(n: bigint): bigint {
  let sum = 0n;
  for (let power = one / n, k = 1n; power !== 0n; power /= n * n, k += 2n) {
    sum += (k % 4n === 1n ? 1n : -1n) * (power / k);
  }
  return sum;
}
// Machin's formula.
const pi = 16n * arctanInverse(5n) - 4n * arctanInverse(239n);

function series(x: bigint, start: 0n | 1n): bigint {
  let term = start === 0n ? one : x;
  let sum = 0n;
  for (let n = start; term !== 0n; n += 2n) {
    sum += term;
    term = (-((term * x) / one) * x) / one / ((n + 1n) * (n + 2n));
  }
  return sum;
}

const turn = (x: number): bigint => {
  const rest = toFixed(x) % (2n * pi);
  return rest > pi ? rest - 2n * pi : rest < -pi ? rest + 2n * pi : rest;
};
const trueSine = (x: number): number => toNumber(series(turn(x), 1n));
const trueCosine = (x: number): number => toNumber(series(turn(x), 0n));

const within = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });
const angles = fc.oneof(
  within(0.25),
  within(4),
  within(1e6),
  // Next to multiples of pi/4, where reduction loses most and the branches meet.
  fc
    .tuple(fc.integer({ min: -4000, max: 4000 }), fc.integer({ min: -3, max: 3 }))
    .map(([k, ulps]) => (k * Math.PI) / 4 + ulps * 2 ** -52 * Math.abs(k || 1)),
  fc.constantFrom(0.25, -0.25, 0.25 + 2 ** -54, 2 ** -30, 2 ** -31, 1e-8, 1.6e6),
);

describe('correctly rounded', () => {
  test.prop([angles], { numRuns: 3000 })('sine', (x) => {
    // The oracle has 348 bits below 1: the tiniest angles are their own sines.
    expect(sin(x)).toBe(Math.abs(x) < 2 ** -100 ? x : trueSine(x));
  });

  test.prop([angles], { numRuns: 3000 })('cosine', (x) => {
    expect(cos(x)).toBe(trueCosine(x));
  });
});

// fast-check's doubles are mostly tiny or huge.
test.each([0.25, 4, 100])('over evenly spread angles up to %d', (limit) => {
  const angles = Array.from({ length: 2000 }, (_, i) => ((i * 0.6180339887498949) % 1) * limit);
  expect(angles.filter((x) => sin(x) !== (x === 0 ? 0 : trueSine(x)))).toEqual([]);
  expect(angles.filter((x) => cos(x) !== trueCosine(x))).toEqual([]);
});

test('Math.sin and Math.cos are not, or these would not be needed', () => {
  const xs = Array.from({ length: 2000 }, (_, i) => i / 500 + 0.0003);
  expect(xs.filter((x) => Math.sin(x) !== sin(x)).length).toBeGreaterThan(20);
  expect(xs.filter((x) => Math.cos(x) !== cos(x)).length).toBeGreaterThan(20);
});

test('odd numbers', () => {
  expect(sin(0)).toBe(0);
  expect(sin(-0)).toBe(-0);
  expect(cos(-0)).toBe(1);
  expect(sin(Number.MIN_VALUE)).toBe(Number.MIN_VALUE);
  for (const x of [NaN, Infinity, -Infinity]) {
    expect(sin(x)).toBeNaN();
    expect(cos(x)).toBeNaN();
  }
  expect(sin(1e300)).toBe(Math.sin(1e300));
  expect(cos(-1e300)).toBe(Math.cos(1e300));
});
