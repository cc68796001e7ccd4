// Twenty gradients of our ops on two engines: what an addon has to get right before it is trusted.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Engine } from '../engine.ts';
import { elu, gelu } from '../ops/activations.ts';
import { div, maximum, mul } from '../ops/arithmetic.ts';
import { constant } from '../ops/constant.ts';
import { conv2d, conv2dTranspose } from '../ops/conv.ts';
import { gather } from '../ops/gather.ts';
import { layerNorm } from '../ops/layer-norm.ts';
import { biasAdd, matMul } from '../ops/matmul.ts';
import { max, mean, sum } from '../ops/reduce.ts';
import { logSoftmax, softmax } from '../ops/softmax.ts';
import { exp, log, rsqrt, sigmoid, softplus, square, tanh } from '../ops/unary.ts';
import { gradients } from '../record/gradients.ts';
import { f32 } from '../record/tensor.ts';
import type { Tensor } from '../record/tensor.ts';

type Body = (x: Tensor) => Tensor;

const imageShape = [2, 6, 6, 3];
const filterShape = [3, 3, 3, 4];

function cases(): readonly { readonly shape: readonly number[]; readonly body: Body }[] {
  const [image, filter, tall, square2] = [random(imageShape), random(filterShape), random([7, 5]), random([5, 5])];
  const rows = (body: Body) => ({ shape: [6, 5], body });
  const ids = ndarray('int32', [4], Int32Array.from([2, 0, 2, 5]));
  return [
    rows((x) => matMul(x, constant(square2))),
    { shape: [5, 6], body: (x) => matMul(constant(tall), x) },
    rows((x) => matMul(x, constant(tall), { transposeB: true })),
    { shape: imageShape, body: (x) => conv2d(x, constant(filter), { stride: 1, padding: 'same' }) },
    { shape: filterShape, body: (w) => conv2d(constant(image), w, { stride: 2, padding: 'same' }) },
    { shape: [2, 3, 3, 4], body: (x) => conv2dTranspose(x, constant(filter), { stride: 2, padding: 'same' }) },
    { shape: [5], body: (b) => biasAdd(constant(tall), b) },
    rows(softmax),
    rows(logSoftmax),
    rows((x) => layerNorm(x, constant(random([5])), constant(random([5])))),
    rows(gelu),
    rows(elu),
    rows(tanh),
    rows(sigmoid),
    rows(softplus),
    rows((x) => log(exp(x))),
    rows((x) => rsqrt(softplus(x))),
    rows((x) => gather(x, constant(ids))),
    rows((x) => div(maximum(x, 0.1), mean(square(x)))),
    rows((x) => mul(x, max(x))),
  ];
}

/** Compares the gradients; `worst` is the largest difference, as a part of a gradient's largest element. */
export function compareGradients(
  engine: Engine,
  reference: Engine,
): { readonly gradients: number; readonly worst: number } {
  const shapes = cases().map(({ shape }) => shape);
  const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, random(shape, 100 + i)]));
  const run = (on: Engine): Readonly<Record<string, NdArray>> => {
    const program = on.program(
      'verify',
      Object.fromEntries(shapes.map((shape, i) => [`x${i}`, f32(...shape)])),
      (xs) => {
        const slopes = cases().map(({ body }, i) => {
          const y = body(xs[`x${i}`]!);
          return gradients(sum(mul(y, constant(random(y.shape, 200 + i)))), [xs[`x${i}`]!])[0]!;
        });
        return Object.fromEntries(slopes.map((slope, i) => [`d${i}`, slope]));
      },
    );
    try {
      return program.run(inputs) as Readonly<Record<string, NdArray>>;
    } finally {
      program.dispose();
    }
  };
  const [got, want] = [run(engine), run(reference)];
  const differences = shapes.map((_, i) => difference(got[`d${i}`]!, want[`d${i}`]!));
  // Math.max turns a NaN into the result, which is no small number.
  return { gradients: shapes.length, worst: Math.max(...differences) };
}

function difference({ data: got }: NdArray, { data: want }: NdArray): number {
  let [largest, worst] = [1e-6, 0];
  for (let i = 0; i < want.length; i++) {
    largest = Math.max(largest, Math.abs(Number(want[i])));
    worst = Math.max(worst, Math.abs(Number(got[i]) - Number(want[i])));
  }
  return worst / largest;
}

function random(shape: readonly number[], seed = 0): NdArray<'float32'> {
  const array = ndarray('float32', shape);
  const generator = npRandom(seed);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}
