// Small arrays of float64 by index: what the ops mean, written down as their definitions and not as fast code. They are the truth of the
// tests, of values and, by finite differences, of gradients.
import type { NdArray } from '@tessera/core';

/** A float64 array in row-major order. */
export interface Float64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function float64({ shape, data }: Pick<NdArray, 'shape' | 'data'>): Float64 {
  return { shape, data: Float64Array.from(data as ArrayLike<number>) };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The array whose element at each index is `value(index)`. */
export function tabulate(shape: readonly number[], value: (index: readonly number[]) => number): Float64 {
  const data = new Float64Array(sizeOf(shape));
  const index = shape.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  return { shape, data };
}

/** The element at `index`, whose last axes are those of the array; axes of size 1 are stretched as NumPy does. */
export function at({ shape, data }: Float64, index: readonly number[]): number {
  let position = 0;
  for (const [axis, n] of shape.entries()) {
    position = position * n + (n === 1 ? 0 : index[axis + index.length - shape.length]!);
  }
  return data[position]!;
}

export function map(x: Float64, f: (value: number) => number): Float64 {
  return { shape: x.shape, data: x.data.map(f) };
}

/** NumPy's shape of two broadcast arrays. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [m, n] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return m === 1 ? n : m;
  });
}

/** `f` of the elements of two broadcast arrays. */
export function zip(a: Float64, b: Float64, f: (x: number, y: number) => number): Float64 {
  return tabulate(broadcast(a.shape, b.shape), (index) => f(at(a, index), at(b, index)));
}

/** `f` of the elements that differ only along `axes`, which are dropped. */
export function reduce(x: Float64, axes: readonly number[], f: (values: number[]) => number): Float64 {
  const from0 = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !from0.includes(axis));
  const groups = new Map<string, number[]>();
  tabulate(x.shape, (index) => {
    const key = kept.map((axis) => index[axis]).join();
    const group = groups.get(key) ?? [];
    group.push(at(x, index));
    groups.set(key, group);
    return 0;
  });
  return tabulate(
    kept.map((axis) => x.shape[axis]!),
    (index) => f(groups.get(index.join()) ?? []),
  );
}

/** `f` of each row along the last axis. */
export function rows(x: Float64, f: (row: Float64Array, position: number) => Float64Array): Float64 {
  const n = x.shape.at(-1)!;
  const data = new Float64Array(x.data.length);
  for (let start = 0; start < data.length; start += n) {
    data.set(f(x.data.subarray(start, start + n), start / n), start);
  }
  return { shape: x.shape, data };
}

export function reshaped(x: Float64, shape: readonly number[]): Float64 {
  return { shape, data: x.data };
}

export function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** `sum(a b)`. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
