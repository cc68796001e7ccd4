// Law 38: the rotation trick hands on `|q| / |z| R^T g`, R the rotation of z onto its code q, and goes straight through where float32 has no good rotation.
import { expect, describe } from 'vitest';
import { test, fc } from '@fast-check/vitest';
import { ndarray } from '@tessera/core';
import { constant, gradients, mul, read, sum } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import { passGradient } from '@tessera/vqvae';
import { floats } from './floats.ts';
import { bits, rowsOf } from './quantizing.ts';
import type { Floats } from './quantizing.ts';
import { runs } from './runs.ts';
import { engines, row } from './samples.ts';

const pairs = fc.record({
  rows: fc.constantFrom(0, 1, 4),
  width: fc.constantFrom(1, 2, 3, 16),
  seed: fc.noShrink(fc.nat(1e6)),
  scale: fc.constantFrom(1, 1e-3, 1e3),
});

/** What passes through, forward and backward. */
function through(engine: Engine, z: Floats, codes: Floats, weights: Floats) {
  return engine.eager(() => {
    const [a, b] = [constant(z), constant(codes)];
    const out = passGradient('rotation', a, b);
    const [dz, dCodes] = gradients(sum(mul(out, constant(weights))), [a, b]);
    return { out: read(out) as Floats, dz: read(dz!) as Floats, dCodes: read(dCodes!) as Floats };
  });
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((total, x, d) => total + x * b[d]!, 0);
const norm = (x: ArrayLike<number>) => Math.sqrt(dot(x, x));

/** `|q| / |z| R^T g` in float64, with `R = I - 2 r r^T + 2 q^ z^T`, r the unit vector between both. */
function turned(z: Float32Array, q: Float32Array, g: Float32Array): number[] {
  const [from, to] = [z, q].map((x) => Array.from(x, (value) => value / norm(x)));
  const sums = from!.map((x, d) => x + to![d]!);
  const r = sums.map((x) => x / norm(sums));
  const factor = norm(q) / norm(z);
  return Array.from(g, (x, d) => factor * (x - 2 * r[d]! * dot(r, g) + 2 * from![d]! * dot(to!, g)));
}

describe.each(engines)('%s', (_, engine) => {
  test.prop([pairs], runs)(
    '38: the codes forward, bit for bit, and the turned gradient backward',
    ({ rows, width, seed, scale }) => {
      const [z, weights] = [floats([rows, width], seed), floats([rows, width], seed + 1)];
      const codes = ndarray(
        'float32',
        [rows, width],
        floats([rows, width], seed + 2).data.map((x) => x * scale),
      );
      const { out, dz, dCodes } = through(engine, z, codes, weights);
      expect(bits(out)).toEqual(bits(codes));
      expect(dCodes.data.every((x) => x === 0)).toBe(true);
      for (let i = 0; i < rows; i++) {
        const [vector, code, g, slope] = [z, codes, weights, dz].map((array) => row(array, i));
        const cosine = dot(vector!, code!) / (norm(vector!) * norm(code!));
        const least = Math.min(norm(vector!), norm(code!));
        if (Math.abs(cosine + 0.99) < 1e-4 || Math.abs(least / 1e-5 - 1) < 1e-6) continue; // rounding decides
        if (cosine < -0.99 || least < 1e-5) {
          expect(slope).toEqual(g);
          continue;
        }
        const factor = norm(code!) / norm(vector!);
        const expected = turned(vector!, code!, g!);
        for (const [d, x] of slope!.entries()) {
          expect(Math.abs(x - expected[d]!)).toBeLessThanOrEqual(1e-4 * factor * norm(g!));
        }
        // Lengths and angles are kept: what g is to the code, the gradient is to the vector.
        expect(norm(slope!) / (factor * norm(g!))).toBeCloseTo(1, 3);
        expect(dot(slope!, vector!) / (norm(slope!) * norm(vector!))).toBeCloseTo(
          dot(g!, code!) / (norm(g!) * norm(code!)),
          3,
        );
      }
    },
  );

  test.prop([pairs], runs)('38: a vector at its code is passed straight through', ({ rows, width, seed }) => {
    const [z, weights] = [floats([rows, width], seed), floats([rows, width], seed + 1)];
    const { dz } = through(engine, z, z, weights);
    for (let i = 0; i < rows; i++) {
      const size = norm(row(weights, i));
      for (const [d, x] of row(dz, i).entries())
        expect(Math.abs(x - row(weights, i)[d]!)).toBeLessThanOrEqual(1e-5 * size);
    }
  });

  test('38: no rotation for vectors and codes without a length, nor for those that point away', () => {
    const z = rowsOf(2, [0, 0, 1, 2, 1e-6, 0, 1, 0, 1e-6, 1e-6]);
    const codes = rowsOf(2, [1, 2, 0, 0, 1, 1, -1, 1e-3, 1e-7, 0]);
    const weights = floats([5, 2], 3);
    expect(through(engine, z, codes, weights).dz).toEqual(weights);
  });
});
