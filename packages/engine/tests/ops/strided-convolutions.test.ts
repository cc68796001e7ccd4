// Gradients of convolutions, again and again with one input: oneDNN's filter gradient of a strided 1x1 convolution is wrong in one run of eight or so on AVX2
// (TensorFlow 2.21), which a test that runs once finds once in a while.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { describe, expect, test } from 'vitest';
import { conv2d, conv2dTranspose, f32, gradients, square, sum } from '../../src/index.ts';
import type { Engine } from '../../src/index.ts';
import { engineOf, others } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { expectClose } from '../support/evaluate.ts';

const shapes = [1, 2, 3, 4].flatMap((kernel) => [1, 2, 3].map((stride) => ({ kernel, stride })));

function normal(seed: number, ...shape: number[]): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}

for (const backend of others) {
  describe.skipIf(backend.engine === undefined)(`on ${backend.name}${backend.skipped}`, () => {
    test.each(shapes)('filters of $kernel pixels, stride $stride', ({ kernel, stride }) => {
      const [x, z, w] = [normal(1, 2, 7, 7, 3), normal(2, 2, 7, 7, 5), normal(3, kernel, kernel, 3, 5)];
      const prepare = (engine: Engine) =>
        engine.program('both', { x: f32(...x.shape), z: f32(...z.shape), w: f32(...w.shape) }, (t) => {
          const down = conv2d(t.x, t.w, { stride });
          const up = conv2dTranspose(t.z, t.w, { stride });
          const [dx, dw] = gradients(sum(square(down)), [t.x, t.w]);
          const [dz, dv] = gradients(sum(square(up)), [t.z, t.w]);
          return { down, up, dx: dx!, dw: dw!, dz: dz!, dv: dv! };
        });
      const [reference, program] = [prepare(cpu), prepare(engineOf(backend))];
      const want = reference.run({ x, z, w });
      for (let run = 0; run < 30; run++) {
        const got = program.run({ x, z, w });
        for (const key of ['down', 'up', 'dx', 'dw', 'dz', 'dv'] as const) {
          expect(got[key].shape).toEqual(want[key].shape);
          expectClose(got[key], want[key], { tolerance: 1e-4, what: `${key} of run ${run}` });
        }
      }
      reference.dispose();
      program.dispose();
    });
  });
}
