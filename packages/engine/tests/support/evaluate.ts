// Runs an op case: as a recorded program, op by op, and in float64.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { expect } from 'vitest';
import { constant, gradients, mul, read, sum } from '../../src/index.ts';
import type { Engine, Spec, Tensor } from '../../src/index.ts';
import { floats } from './arbitraries.ts';
import { dot, float64 } from './float64.ts';
import type { Float64 } from './float64.ts';
import { defaultTolerance } from './op-case.ts';
import type { OpCase, Sample } from './op-case.ts';

/** The type of an array of a program. */
export function specOf({ shape, dtype }: NdArray): Spec {
  return { shape, dtype: dtype as Spec['dtype'] };
}

/** Records `body` for these arrays and runs it once. */
export function runOnce<K extends string>(
  engine: Engine,
  arrays: readonly NdArray[],
  body: (tensors: Tensor[]) => Readonly<Record<K, Tensor>>,
): Readonly<Record<K, NdArray>> {
  const named = Object.fromEntries(arrays.map((array, i) => [`x${i}`, array]));
  const specs = Object.fromEntries(arrays.map((array, i) => [`x${i}`, specOf(array)]));
  const program = engine.program('case', specs, (inputs) => body(arrays.map((_, i) => inputs[`x${i}`]!)));
  try {
    return program.run(named) as Readonly<Record<K, NdArray>>;
  } finally {
    program.dispose();
  }
}

/** The value of a case as a recorded program. */
export function recordedValue(engine: Engine, { call }: OpCase, { inputs, attrs }: Sample<unknown>): NdArray {
  return runOnce(engine, inputs, (tensors) => ({ y: call(tensors, attrs) })).y;
}

/** The value of a case op by op. */
export function eagerValue(engine: Engine, { call }: OpCase, { inputs, attrs }: Sample<unknown>): NdArray {
  return engine.eager(() => read(call(inputs.map(constant), attrs)));
}

/** Numbers by which the elements of a result are weighted, so that a loss sees each of them. */
export function weights(shape: readonly number[], salt = 0): NdArray<'float32'> {
  return floats(shape, { seed: 77 + salt, values: 'smooth' });
}

/** `sum(y weights)`. */
export function lossOf(y: Tensor): Tensor {
  return sum(mul(y, constant(weights(y.shape))));
}

/** The positions of the inputs of a sample that have a gradient. */
export function differentiable({ gradients = [] }: OpCase, { inputs }: Sample<unknown>): number[] {
  return gradients.filter((i) => i < inputs.length);
}

/** The gradients of the loss of a case, in the order of `differentiable`. */
export function recordedGradients(engine: Engine, op: OpCase, sample: Sample<unknown>): NdArray[] {
  const positions = differentiable(op, sample);
  const results = runOnce(engine, sample.inputs, (tensors) => {
    const slopes = gradients(
      lossOf(op.call(tensors, sample.attrs)),
      positions.map((i) => tensors[i]!),
    );
    return Object.fromEntries(slopes.map((slope, i) => [`d${i}`, slope]));
  });
  return positions.map((_, i) => results[`d${i}`]!);
}

/** The value of a case in float64. */
export function trueValue({ meaning }: OpCase, { inputs, attrs }: Sample<unknown>): Float64 {
  return meaning(inputs.map(float64), attrs);
}

/** The loss of a case in float64, with `steps[i] * directions[i]` added to each differentiable input. */
export function trueLoss(
  op: OpCase,
  sample: Sample<unknown>,
  moves: readonly { readonly step: number; readonly directions: readonly NdArray[] }[],
): number {
  const positions = differentiable(op, sample);
  const inputs = sample.inputs.map((input, i) => {
    const k = positions.indexOf(i);
    if (k < 0) return float64(input);
    const data = Float64Array.from(input.data as Float32Array);
    for (const { step, directions } of moves) {
      for (const [j, direction] of directions[k]!.data.entries()) data[j]! += step * Number(direction);
    }
    return { shape: input.shape, data };
  });
  const y = op.meaning(inputs, sample.attrs);
  return dot(y.data, weights(y.shape).data);
}

/** A random direction for each differentiable input. */
export function directionsOf(op: OpCase, sample: Sample<unknown>, salt: number): NdArray<'float32'>[] {
  return differentiable(op, sample).map((i) => weights(sample.inputs[i]!.shape, 100 * salt + i));
}

/** `sum(a b)` over lists of arrays. */
export function inner(a: readonly NdArray[], b: readonly NdArray[]): number {
  return a.reduce((sum, x, i) => sum + dot(x.data as Float32Array, b[i]!.data as Float32Array), 0);
}

/** Fails unless `got` has the shape of `want` and each number lies within `tolerance (1 + |want|)`; infinities and NaN must be the same. */
export function expectClose(
  got: Pick<NdArray, 'shape' | 'data'>,
  want: Pick<NdArray, 'shape' | 'data'> | Float64,
  { tolerance = defaultTolerance, what }: { tolerance?: number | undefined; what: string },
): void {
  if (got.shape.join() !== want.shape.join()) {
    expect.fail(`${what}: got the shape [${got.shape.join(', ')}], expected [${want.shape.join(', ')}]`);
  }
  const [results, wanted] = [got.data, want.data];
  for (let i = 0; i < results.length; i++) {
    const a = Number(results[i]);
    const b = Number(wanted[i]);
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)))) {
      expect.fail(`${what}: element ${i} of [${got.shape.join(', ')}] is ${a}, expected ${b} within ${tolerance}`);
    }
  }
}

/** An array as plain numbers, for short expectations. */
export function numbers({ data }: Pick<NdArray, 'data'>): number[] {
  return Array.from(data as Float32Array, Number);
}

/** A float32 array of plain numbers. */
export function vector(...values: number[]): NdArray<'float32'> {
  return ndarray('float32', [values.length], Float32Array.from(values));
}
