// stopGradient and straightThrough: forward bit for bit, backwards exactly what is documented, on every backend.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import { add, constant, gradients, mul, square, stopGradient, straightThrough, sub, sum } from '../../src/index.ts';
import { floats, integers } from '../support/arbitraries.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { runOnce, vector } from '../support/evaluate.ts';

// Every float32, also the smallest, the largest and -0; NaN has no one bit pattern.
const anyFloats = fc
  .float32Array({ minLength: 1, maxLength: 20, noNaN: true })
  .map((data) => ndarray('float32', [data.length], data));

// TensorFlow's products flush numbers below the smallest normal one to 0.
const normalFloats = anyFloats.map(({ data, shape }) =>
  ndarray(
    'float32',
    shape,
    data.map((x) => (Math.abs(x) < 2 ** -126 ? 0 : x)),
  ),
);

const bits = ({ data }: NdArray): Int32Array => new Int32Array((data as Float32Array).slice().buffer);

for (const backend of backends) {
  const numRuns = runsOn(backend, 30);
  describe.skipIf(backend.engine === undefined)(
    `copies with a gradient of their own on ${backend.name}${backend.skipped}`,
    () => {
      test.prop([anyFloats, fc.nat(1e6)], { numRuns })('forward they are their argument bit for bit', (x, seed) => {
        const other = floats(x.shape, { seed, values: 'smooth' });
        const { stopped, straight } = runOnce(engineOf(backend), [x, other], ([a, z]) => ({
          stopped: stopGradient(a!),
          straight: straightThrough(z!, a!),
        }));
        expect(bits(stopped)).toEqual(bits(x));
        expect(bits(straight)).toEqual(bits(x));
      });

      test('stopGradient takes int32 too', () => {
        const indices = integers([3, 2], { seed: 1, count: 1 << 30 });
        expect(runOnce(engineOf(backend), [indices], ([x]) => ({ y: stopGradient(x!) })).y).toEqual(indices);
      });

      test.prop([normalFloats, fc.nat(1e6)], { numRuns })(
        'straightThrough hands the gradient on, bit for bit, and none to the codes',
        (dy, seed) => {
          const [z, codes] = [
            floats(dy.shape, { seed, values: 'smooth' }),
            floats(dy.shape, { seed: seed + 1, values: 'smooth' }),
          ];
          const { dz, dcodes } = runOnce(engineOf(backend), [z, codes, dy], ([a, b, g]) => {
            const [first, second] = gradients(sum(mul(straightThrough(a!, b!), g!)), [a!, b!]);
            return { dz: first!, dcodes: second! };
          });
          expect(bits(dz)).toEqual(bits(dy));
          expect(dcodes).toEqual(ndarray('float32', dy.shape));
        },
      );
    },
  );
}

test('the slope of what comes after straightThrough is taken at the codes, not at z', () => {
  const { dz } = runOnce(cpu, [vector(0.4, -0.2), vector(1, 3)], ([z, codes]) => ({
    dz: gradients(sum(square(straightThrough(z!, codes!))), [z!])[0]!,
  }));
  expect(dz).toEqual(vector(2, 6));
});

test('z + sg(codes - z), which straightThrough replaces, is off by a rounding', () => {
  const [z, codes] = [vector(1e4), vector(0.1)];
  const { sums, exact } = runOnce(cpu, [z, codes], ([a, b]) => ({
    sums: add(a!, stopGradient(sub(b!, a!))),
    exact: straightThrough(a!, b!),
  }));
  expect(exact).toEqual(codes);
  expect(sums).not.toEqual(codes);
});

test('the losses of a VQ-VAE: the codebook loss moves only the codes, the commitment loss only the encoder', () => {
  const { codebook, commitment } = runOnce(cpu, [vector(1, 2), vector(4, 0)], ([z, e]) => {
    const both = (loss: Parameters<typeof gradients>[0]) => gradients(loss, [z!, e!]);
    const [dz1, de1] = both(sum(square(sub(stopGradient(z!), e!))));
    const [dz2, de2] = both(sum(square(sub(z!, stopGradient(e!)))));
    const row = constant(ndarray('float32', [1, 1], Float32Array.of(1)));
    const table = (a: typeof row, b: typeof row) => add(mul(row, a), mul(row, mul(b, 100)));
    return { codebook: table(dz1!, de1!), commitment: table(dz2!, de2!) };
  });
  expect(codebook.data).toEqual(Float32Array.of(600, -400));
  expect(commitment.data).toEqual(Float32Array.of(-6, 4));
});
