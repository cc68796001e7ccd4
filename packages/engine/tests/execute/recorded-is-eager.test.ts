// Random small programs give the same numbers as a record, op by op, and in float64, with their gradients, on every backend.
import type { NdArray } from '@tessera/core';
import { describe, expect } from 'vitest';
import { fc, test } from '@fast-check/vitest';
import * as ops from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { floats } from '../support/arbitraries.ts';
import { backends, engineOf, runsOn } from '../support/backends.ts';
import { cpu } from '../support/cpu.ts';
import { expectClose, runOnce } from '../support/evaluate.ts';

const size = 4;

// All values are [4, 4], so that anything composes with anything; no op lets numbers grow.
const steps: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  add: (a, b) => ops.add(ops.mul(a, 0.5), b),
  sub: ops.sub,
  mul: (a, b) => ops.mul(a, ops.tanh(b)),
  maximum: ops.maximum,
  tanh: ops.tanh,
  gelu: ops.gelu,
  relu: ops.relu,
  softplus: ops.softplus,
  sigmoid: ops.sigmoid,
  softmax: ops.softmax,
  matMul: (a, b) => ops.matMul(ops.softmax(a), b),
  matMulT: (a, b) => ops.matMul(ops.softmax(a), b, { transposeB: true }),
  transpose: (a) => ops.transpose(a),
  reshape: (a) => ops.reshape(ops.transpose(ops.reshape(a, [2, 2, 4]), [1, 0, 2]), [size, size]),
  center: (a) => ops.sub(a, ops.mean(a, { axes: [0], keepDims: true })),
  rows: (a, b) => ops.add(a, ops.sum(ops.mul(b, 0.25), { axes: [1], keepDims: true })),
  slices: (a, b) => ops.concat([ops.slice(a, [0, 1], [size, 3]), ops.slice(b, [0, 0], [size, 1])]),
  stop: (a, b) => ops.add(ops.stopGradient(a), b),
  norm: (a, b) => ops.layerNorm(a, ops.max(b, { axes: [0] }), ops.mean(b, { axes: [1] }), { epsilon: 0.1 }),
};

type Recipe = readonly (readonly [name: string, a: number, b: number])[];

const recipes: fc.Arbitrary<Recipe> = fc.array(
  fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.nat(100), fc.nat(100)),
  { minLength: 1, maxLength: 10 },
);

function cook(recipe: Recipe, x: Tensor, w: Tensor): { y: Tensor; dx: Tensor; dw: Tensor } {
  const values = [x, w];
  for (const [name, a, b] of recipe) {
    values.push(steps[name]!(values[a % values.length]!, values[b % values.length]!));
  }
  const y = values.at(-1)!;
  const [dx, dw] = ops.gradients(ops.mean(ops.square(y)), [x, w]);
  return { y, dx: dx!, dw: dw! };
}

const inputs = (seed: number): [NdArray, NdArray] => [
  floats([size, size], { seed, values: 'smooth' }),
  floats([size, size], { seed: seed + 1, values: 'smooth' }),
];

for (const backend of backends) {
  describe.skipIf(backend.engine === undefined)(`random programs on ${backend.name}${backend.skipped}`, () => {
    const numRuns = runsOn(backend, 50);
    test.prop([recipes, fc.nat(1e6)], { numRuns })(
      'recorded and op by op are the same, and what cpu computes',
      (recipe, seed) => {
        const engine = engineOf(backend);
        const [x, w] = inputs(seed);
        const recorded = runOnce(engine, [x, w], (tensors) => cook(recipe, tensors[0]!, tensors[1]!));
        const eager = engine.eager(() => {
          const { y, dx, dw } = cook(recipe, ops.constant(x), ops.constant(w));
          return { y: ops.read(y), dx: ops.read(dx), dw: ops.read(dw) };
        });
        const plain = runOnce(cpu, [x, w], (tensors) => cook(recipe, tensors[0]!, tensors[1]!));
        for (const key of ['y', 'dx', 'dw'] as const) {
          // On kernels both ways call the same ones. TensorFlow's graph is another program, with eager functions in plain JavaScript.
          if (!backend.name.startsWith('tensorflow')) expect(eager[key]).toEqual(recorded[key]);
          // Ten ops deep: roundings of one are amplified by the next.
          expectClose(recorded[key], plain[key], { tolerance: 3e-4, what: key });
          expectClose(eager[key], plain[key], { tolerance: 3e-4, what: key });
        }
      },
    );
  });
}
