// Products with a bias and an activation after them, which TensorFlow's executor may make in one node, wherever somebody also wants what lies in between.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { fc, test } from '@fast-check/vitest';
import { describe } from 'vitest';
import { biasAdd, conv2d, conv2dTranspose, f32, gradients, matMul, mul, relu, square, sum } from '../../src/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { engineOf, others, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { expectClose } from '../support/evaluate.ts';

interface Product {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly apply: (x: Tensor, w: Tensor) => Tensor;
}

const products = {
  matrices: { x: [7, 5], w: [5, 6], apply: (x: Tensor, w: Tensor) => matMul(x, w) },
  'many rows': { x: [200, 5], w: [5, 18], apply: (x: Tensor, w: Tensor) => matMul(x, w) },
  'a batch of matrices': { x: [2, 3, 5], w: [5, 6], apply: (x: Tensor, w: Tensor) => matMul(x, w) },
  convolution: { x: [2, 5, 4, 3], w: [3, 3, 3, 6], apply: (x: Tensor, w: Tensor) => conv2d(x, w) },
  'strided convolution': {
    x: [2, 5, 7, 3],
    w: [2, 3, 3, 20],
    apply: (x: Tensor, w: Tensor) => conv2d(x, w, { stride: 2 }),
  },
  'convolution of a pixel': { x: [2, 5, 4, 3], w: [1, 1, 3, 6], apply: (x: Tensor, w: Tensor) => conv2d(x, w) },
  'transposed convolution': {
    x: [2, 3, 4, 5],
    w: [4, 4, 6, 5],
    apply: (x: Tensor, w: Tensor) => conv2dTranspose(x, w, { stride: 2 }),
  },
} satisfies Record<string, Product>;

function normal(seed: number, shape: readonly number[]): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}

const cases = fc.record({
  kind: fc.constantFrom(...(Object.keys(products) as (keyof typeof products)[])),
  activation: fc.boolean(),
  /** Which values between are results of the program too. */
  shown: fc.subarray(['product', 'sum'] as const),
  /** Whether the bias is computed after the product was recorded. */
  late: fc.boolean(),
  seed: fc.nat(),
});

for (const backend of others) {
  describe.skipIf(backend.engine === undefined)(`on ${backend.name}${backend.skipped}`, () => {
    test.prop([cases], { numRuns: runsOn(backend, 60) })(
      'a product with a bias and an activation is what plain JavaScript makes',
      (sample) => {
        const { x: xShape, w: wShape, apply }: Product = products[sample.kind];
        const width = sample.kind === 'transposed convolution' ? wShape[2]! : wShape.at(-1)!;
        const run = (engine: Engine) => {
          const inputs = { x: f32(...xShape), w: f32(...wShape), b: f32(width) };
          const program = engine.program('biased', inputs, ({ x, w, b }) => {
            const early = sample.late ? b : mul(b, 2);
            const product = apply(x, w);
            const biased = biasAdd(product, sample.late ? mul(b, 2) : early);
            const y = sample.activation ? relu(biased) : biased;
            const [dx, dw, db] = gradients(sum(square(y)), [x, w, b]) as [Tensor, Tensor, Tensor];
            const between = { product, sum: biased };
            return { y, dx, dw, db, ...Object.fromEntries(sample.shown.map((name) => [name, between[name]])) };
          });
          const results = program.run({
            x: normal(sample.seed, xShape),
            w: normal(sample.seed + 1, wShape),
            b: normal(sample.seed + 2, [width]),
          });
          program.dispose();
          return results as Record<string, NdArray>;
        };
        const [got, want] = [run(engineOf(backend)), run(cpu)];
        for (const [name, values] of Object.entries(want)) {
          const largest = Math.max(1, ...Array.from(values.data as Float32Array, Math.abs));
          expectClose(got[name]!, values, { tolerance: 1e-5 * largest, what: name });
        }
      },
    );
  });
}
