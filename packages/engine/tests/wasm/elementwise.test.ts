import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { GradKernel, UnaryKernel, WasmKernels } from '../../src/wasm/kernels.ts';
import { erf, normalCdf, normalPdf } from './special-functions.ts';
import { expectAccurate, expectClose, kernelsOn, TestMemory } from './test-memory.ts';

const memory = new TestMemory();
const kernels = await kernelsOn(memory);
const f = Math.fround;
const smallest = 2 ** -149;

/** Kernels by the name of a method with the signature `T`. */
type Named<T> = { [K in keyof WasmKernels]: WasmKernels[K] extends T ? K : never }[keyof WasmKernels];

function elu(x: number): number {
  return x > 0 ? x : Math.expm1(x);
}

function gelu(x: number): number {
  return x === -Infinity ? -0 : x * normalCdf(x);
}

function geluDerivative(x: number): number {
  return normalCdf(x) + (Number.isFinite(x) || Number.isNaN(x) ? x * normalPdf(x) : 0);
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Name, formula in float64, largest relative error. */
const unary: [Named<UnaryKernel>, (x: number) => number, number][] = [
  ['exp', Math.exp, 3e-7],
  ['log', Math.log, 3e-7],
  ['tanh', Math.tanh, 3e-7],
  ['sigmoid', sigmoid, 3e-7],
  ['erf', erf, 3e-7],
  ['gelu', gelu, 1e-6],
  ['softplus', softplus, 3e-7],
  ['sqrt', Math.sqrt, 6e-8],
  ['rsqrt', (x) => 1 / Math.sqrt(x), 1.2e-7],
  ['relu', (x) => (x < 0 ? 0 : x), 0],
  ['elu', elu, 3e-7],
];

/** Whole numbers step through all bit patterns of a float, so every exponent, both zeros, infinities, NaN and subnormals occur. */
function sweep(): Float32Array {
  const patterns = new Uint32Array(200_000);
  const step = Math.floor(2 ** 32 / patterns.length);
  for (let i = 0; i < patterns.length; i++) patterns[i] = i * step;
  const special = [0, -0, Infinity, -Infinity, Number.NaN, smallest, -smallest, 3.4e38, -3.4e38, 1.17549435e-38];
  const dense = Array.from({ length: 50_000 }, (_, i) => (i - 25_000) / 250);
  return Float32Array.from([...new Float32Array(patterns.buffer), ...special, ...dense]);
}

describe.each(unary)('%s', (name, formula, tolerance) => {
  test('is the formula over all of float32', () => {
    memory.reset();
    const values = sweep();
    const x = memory.float32(values);
    const y = memory.allocate(values.length * 4);
    kernels[name](x, y, values.length);
    expectAccurate(memory.readFloat32(y, values.length), Float64Array.from(values, formula), tolerance, values);
    memory.expectGuardsIntact();
  });

  test.prop([fc.array(fc.float(), { maxLength: 21, size: 'max' }), fc.boolean()])(
    'handles every length, also in place, and touches nothing else',
    (list, inPlace) => {
      memory.reset();
      const values = Float32Array.from(list);
      const x = memory.float32(values);
      const y = inPlace ? x : memory.allocate(values.length * 4);
      kernels[name](x, y, values.length);
      expectAccurate(memory.readFloat32(y, values.length), Float64Array.from(values, formula), tolerance, values);
      if (!inPlace) expectClose(memory.readFloat32(x, values.length), values, 0);
      memory.expectGuardsIntact();
    },
  );
});

/** Name, derivative by the saved array, domain of the saved values, largest absolute error of the derivative. */
const grads: [Named<GradKernel>, (saved: number) => number, [number, number], number][] = [
  ['reluGrad', (y) => (y > 0 ? 1 : 0), [-5, 5], 0],
  ['tanhGrad', (y) => 1 - y * y, [-1, 1], 2e-7],
  ['sigmoidGrad', (y) => y * (1 - y), [0, 1], 2e-7],
  ['eluGrad', (y) => (y > 0 ? 1 : y + 1), [-1, 5], 2e-7],
  ['geluGrad', geluDerivative, [-30, 30], 3e-7],
  ['softplusGrad', sigmoid, [-200, 200], 3e-7],
];

describe.each(grads)('%s', (name, derivative, [min, max], tolerance) => {
  const pairs = fc.array(
    fc.tuple(
      fc.float({ min: -1e6, max: 1e6, noNaN: true }),
      fc.oneof(fc.float({ min, max, noNaN: true }), fc.constantFrom(0, -0)),
    ),
    { maxLength: 21, size: 'max' },
  );
  test.prop([pairs, fc.boolean()])('is dy times the derivative', (list, inPlace) => {
    memory.reset();
    const dy = memory.float32(list.map(([d]) => d));
    const saved = memory.float32(list.map(([, s]) => s));
    const dx = inPlace ? dy : memory.allocate(list.length * 4);
    kernels[name](dy, saved, dx, list.length);
    expectClose(
      memory.readFloat32(dx, list.length),
      list.map(([d, s]) => d * derivative(s)),
      1,
      (i) => tolerance * Math.abs(list[i]?.[0] as number) + smallest,
    );
    memory.expectGuardsIntact();
  });
});

describe('geluGrad and softplusGrad at the ends', () => {
  test.each(['geluGrad', 'softplusGrad'] as const)('%s is 1 at infinity, 0 at -infinity, NaN at NaN', (name) => {
    memory.reset();
    const x = memory.float32([Infinity, -Infinity, Number.NaN, 3e38, -3e38]);
    const dy = memory.float32([2, 2, 2, 2, 2]);
    kernels[name](dy, x, dy, 5);
    expectClose(memory.readFloat32(dy, 5), [2, 0, Number.NaN, 2, 0], 0);
  });
});

describe('scale and addScaled', () => {
  const arrays = fc.array(fc.tuple(fc.float(), fc.float()), { maxLength: 21, size: 'max' });
  test.prop([arrays, fc.float()])('are alpha x and x + alpha y', (list, alpha) => {
    memory.reset();
    const x = memory.float32(list.map(([a]) => a));
    const y = memory.float32(list.map(([, b]) => b));
    const z = memory.allocate(list.length * 4);
    kernels.scale(x, alpha, z, list.length);
    expectClose(
      memory.readFloat32(z, list.length),
      list.map(([a]) => f(alpha * a)),
      0,
    );
    kernels.addScaled(x, y, alpha, z, list.length);
    expectClose(
      memory.readFloat32(z, list.length),
      list.map(([a, b]) => f(a + f(alpha * b))),
      0,
    );
    memory.expectGuardsIntact();
  });
});

describe('comparisons and what reads them', () => {
  const comparisons = {
    greater: (a: number, b: number) => a > b,
    greaterEqual: (a: number, b: number) => a >= b,
    less: (a: number, b: number) => a < b,
    lessEqual: (a: number, b: number) => a <= b,
    equal: (a: number, b: number) => a === b,
    notEqual: (a: number, b: number) => a !== b,
  };
  const few = fc.oneof(fc.float(), fc.constantFrom(0, -0, 1, Number.NaN, Infinity, -Infinity));
  const arrays = fc.array(fc.tuple(few, few), { minLength: 1, maxLength: 50, size: 'max' });
  const names = Object.keys(comparisons) as (keyof typeof comparisons)[];

  test.prop([fc.constantFrom(...names), arrays, fc.constantFrom(0, 1)])(
    'give one byte, 0 or 1, an element',
    (name, list, step) => {
      memory.reset();
      const a = memory.float32(list.map(([x]) => x));
      const b = memory.float32(list.map(([, x]) => x));
      const y = memory.allocate(list.length);
      kernels[name](a, b, y, list.length, step as 0 | 1);
      const first = list[0]?.[1] as number;
      const expected = list.map(([p, q]) => Number(comparisons[name](p, step === 1 ? q : first)));
      expect([...memory.readUint8(y, list.length)]).toEqual(expected);
      memory.expectGuardsIntact();
    },
  );

  test.prop([
    fc.array(fc.tuple(fc.integer(), fc.constantFrom(-1, 0, 7)), { minLength: 1, maxLength: 40, size: 'max' }),
  ])('of int32 compare the numbers, not their bits as floats', (list) => {
    memory.reset();
    const left = list.map(([a, b]) => (a % 2 === 0 ? b : a));
    const a = memory.int32(left);
    const b = memory.int32(list.map(([, x]) => x));
    const y = memory.allocate(list.length);
    kernels.equalInt(a, b, y, list.length, 1);
    const expected = list.map(([, x], i) => Number(left[i] === x));
    expect([...memory.readUint8(y, list.length)]).toEqual(expected);
    kernels.notEqualInt(a, b, y, list.length, 1);
    expect([...memory.readUint8(y, list.length)]).toEqual(expected.map((x) => 1 - x));
    memory.expectGuardsIntact();
  });

  const choices = fc.array(fc.tuple(fc.boolean(), few, few), { minLength: 1, maxLength: 21, size: 'max' });
  test.prop([choices, fc.constantFrom(0, 1), fc.constantFrom(0, 1)])('select picks a or b', (list, aStep, bStep) => {
    memory.reset();
    const condition = memory.uint8(list.map(([c]) => Number(c)));
    const a = memory.float32(list.map(([, x]) => x));
    const b = memory.float32(list.map(([, , x]) => x));
    const y = memory.allocate(list.length * 4);
    kernels.select(condition, a, b, y, list.length, aStep as 0 | 1, bStep as 0 | 1);
    const [, a0, b0] = list[0] as [boolean, number, number];
    expectClose(
      memory.readFloat32(y, list.length),
      list.map(([c, p, q]) => (c ? (aStep === 1 ? p : a0) : bStep === 1 ? q : b0)),
      0,
    );
    kernels.bytesToFloat(condition, y, list.length);
    expectClose(
      memory.readFloat32(y, list.length),
      list.map(([c]) => Number(c)),
      0,
    );
    memory.expectGuardsIntact();
  });
});
