// The backends that run anywhere, and one call of a layer on them.
import { createEngine, constant, read } from '@tessera/engine';
import type { Engine, Tensor, Traced } from '@tessera/engine';
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { expect } from 'vitest';
import type { Values } from './reference.ts';

/** Engines by name. */
export const engines: readonly (readonly [string, Engine])[] = [
  ['cpu', await createEngine({ backend: 'cpu' })],
  ['wasm', await createEngine({ backend: 'wasm' })],
];

/** The numbers of `layer(parameters, x)`. */
export function call<T extends object>(
  engine: Engine,
  { parameters, x }: { parameters: T; x: NdArray },
  layer: (parameters: Traced<T>, x: Tensor) => Tensor,
): NdArray {
  const state = engine.state(parameters);
  try {
    return state.eager((traced) => read(layer(traced, constant(x))));
  } finally {
    state.dispose();
  }
}

/** Normal numbers of a seed. */
export function floats(shape: readonly number[], seed: number): NdArray<'float32'> {
  const generator = npRandom(seed);
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = generator.normal();
  return array;
}

/** The same record with every array replaced by normal numbers, so that biases and scales take part. */
export function shaken<T extends object>(parameters: T, seed: number): T {
  let at = seed;
  const visit = (node: unknown): unknown =>
    'shape' in (node as object)
      ? floats((node as NdArray).shape, at++)
      : Object.fromEntries(Object.entries(node as object).map(([key, child]) => [key, visit(child)]));
  return visit(parameters) as T;
}

/** Fails unless shapes are equal and numbers within `tolerance (1 + |expected|)`. */
export function expectClose(actual: Pick<NdArray, 'shape' | 'data'>, expected: Values, tolerance = 2e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const error = Math.abs(Number(actual.data[i]) - expected.data[i]!) / (1 + Math.abs(expected.data[i]!));
    if (!(error <= worst)) worst = error;
  }
  expect(worst).toBeLessThanOrEqual(tolerance);
}
