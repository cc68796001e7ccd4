// The examples of the README as code.
import { expect, test } from 'vitest';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  adamUpdate,
  add,
  assign,
  biasAdd,
  f32,
  gradients,
  matMul,
  mean,
  mul,
  sigmoid,
  square,
  sub,
  sum,
} from '../../src/index.ts';
import type { Tensor } from '../../src/index.ts';
import { createEngine } from '../../src/node.ts';
import { defineOp } from '../../src/record/op.ts';
import { applyOne } from '../../src/record/recorder.ts';

const engine = await createEngine();

test('the first example learns a linear map', () => {
  const generator = npRandom(0);
  const normal = (...shape: number[]): NdArray<'float32'> => {
    const array = ndarray('float32', shape);
    for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
    return array;
  };
  const zeros = (...shape: number[]) => ndarray('float32', shape);
  const [w, first, second, b, step] = [normal(4, 1), zeros(4, 1), zeros(4, 1), zeros(1), zeros()];
  const state = engine.state({ w, b, step, first, second });
  const train = state.program(
    'train',
    { x: f32(32, 4), y: f32(32, 1), rate: f32(), correction: f32() },
    (inputs, s) => {
      const loss = mean(square(sub(biasAdd(matMul(inputs.x, s.w), s.b), inputs.y)));
      const [dw, db] = gradients(loss, [s.w, s.b]);
      const { rate, correction } = inputs;
      const adam = { rate, correction, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
      adamUpdate(s.w, { firstMoment: s.first, secondMoment: s.second, gradient: dw!, ...adam });
      assign(s.b, sub(s.b, mul(db!, 0.01)));
      assign(s.step, add(s.step, 1));
      return { loss };
    },
  );
  const x = normal(32, 4);
  const y = ndarray(
    'float32',
    [32, 1],
    Float32Array.from({ length: 32 }, (_, i) => 3 * x.data[4 * i]! + 1),
  );
  const losses: number[] = [];
  for (let t = 1; t <= 500; t++) {
    const rate = 0.02 / (1 - 0.9 ** t);
    losses.push(train.run({ x, y, rate, correction: 1 - 0.999 ** t }).loss.data[0] as number);
  }
  expect(losses.at(-1)).toBeLessThan(0.01 * losses[0]!);
  expect(state.readOne('step').data[0]).toBe(500);
});

const swishOp = defineOp<object>({
  name: 'swish',
  infer: ([x]) => [x!],
  gradient: ({ inputs: [x], outputs: [y] }, [dy]) => {
    const s = sigmoid(x!);
    return [mul(dy!, add(s, mul(y!, sub(1, s))))];
  },
  kernel: (k, [x]) => [k.call('Multiply', { a: x, b: k.call('Sigmoid', { x }) })],
  graph: (g, [x]) => [g.float('Mul', x!, g.float('Sigmoid', x!))],
});

function swish(x: Tensor): Tensor {
  return applyOne(swishOp, [x], {});
}

test('the op of the second example has the value and the slope of x sigmoid(x)', () => {
  const program = engine.program('swish', { x: f32(3) }, ({ x }) => {
    const y = swish(x);
    return { y, slope: gradients(sum(y), [x])[0]! };
  });
  const { y, slope } = program.run({ x: ndarray('float32', [3], Float32Array.of(-1, 0, 2)) });
  const f = (x: number) => x / (1 + Math.exp(-x));
  for (const [i, x] of [-1, 0, 2].entries()) {
    expect(y.data[i]).toBeCloseTo(f(x), 5);
    expect(slope.data[i]).toBeCloseTo((f(x + 1e-4) - f(x - 1e-4)) / 2e-4, 4);
  }
});
