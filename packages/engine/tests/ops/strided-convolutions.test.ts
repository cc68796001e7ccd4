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

const shapes = [1, 2, 3, 4].flatMap((kernel) =>
  [1, 2, 3].flatMap((stride) => [
    { kernel, stride, batch: 2, size: 7, channels: 3, features: 5 },
    // Several tiles of our own kernels, and sizes of oneDNN's.
    { kernel, stride, batch: 1, size: 11, channels: 20, features: 24 },
    { kernel, stride, batch: 1, size: 9, channels: 32, features: 28 },
    { kernel, stride, batch: 2, size: 8, channels: 36, features: 40 },
  ]),
);

function normal(seed: number, ...shape: number[]): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}

type Shape = (typeof shapes)[number];

const keys = ['down', 'up', 'dx', 'dw', 'dz', 'dv'] as const;

function inputsOf({ kernel, batch, size, channels, features }: Shape): Record<'x' | 'z' | 'w', NdArray<'float32'>> {
  return {
    x: normal(1, batch, size, size, channels),
    z: normal(2, batch, size, size, features),
    w: normal(3, kernel, kernel, channels, features),
  };
}

function programOn(engine: Engine, shape: Shape) {
  const { x, z, w } = inputsOf(shape);
  const { stride } = shape;
  return engine.program('both', { x: f32(...x.shape), z: f32(...z.shape), w: f32(...w.shape) }, (t) => {
    const down = conv2d(t.x, t.w, { stride });
    const up = conv2dTranspose(t.z, t.w, { stride });
    const [dx, dw] = gradients(sum(square(down)), [t.x, t.w]);
    const [dz, dv] = gradients(sum(square(up)), [t.z, t.w]);
    return { down, up, dx: dx!, dw: dw!, dz: dz!, dv: dv! };
  });
}

// Plain JavaScript takes seconds for some of them.
const references = new Map<Shape, Record<(typeof keys)[number], NdArray>>();

function referenceOf(shape: Shape): Record<(typeof keys)[number], NdArray> {
  let reference = references.get(shape);
  if (reference === undefined) {
    const program = programOn(cpu, shape);
    reference = program.run(inputsOf(shape));
    references.set(shape, reference);
    program.dispose();
  }
  return reference;
}

for (const backend of others) {
  describe.skipIf(backend.engine === undefined)(`on ${backend.name}${backend.skipped}`, () => {
    test.each(shapes)('filters of $kernel pixels, stride $stride, $channels to $features channels', (shape) => {
      const want = referenceOf(shape);
      const program = programOn(engineOf(backend), shape);
      const inputs = inputsOf(shape);
      // Sums of thousands of products cancel: what float32 allows depends on the largest of them.
      const tolerances = keys.map((key) => 1e-5 * Math.max(...Array.from(want[key].data as Float32Array, Math.abs)));
      for (let run = 0; run < (backend.name === 'wasm' ? 2 : 30); run++) {
        const got = program.run(inputs);
        expect(Object.keys(got)).toEqual(keys);
        for (const [i, key] of keys.entries()) {
          expectClose(got[key], want[key], { tolerance: tolerances[i]!, what: `${key} of run ${run}` });
        }
      }
      program.dispose();
    });
  });
}
