// Shape arithmetic that several ops share.
import { DTypeError, ShapeError } from '@tessera/core';
import type { Spec } from '../record/tensor.ts';
import { specText } from '../record/tensor.ts';

/** `[2, 3]`, for messages. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** NumPy's broadcasting of two shapes; undefined when they don't fit. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const m = a[axis - rank + a.length] ?? 1;
    const n = b[axis - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape.push(m === 1 ? n : m);
  }
  return shape;
}

/** Counts an axis given from the end (`-1` is the last) from the start. */
export function axisOf(op: string, axis: number, { shape }: Spec): number {
  const from0 = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(from0) || from0 < 0 || from0 >= shape.length) {
    throw new ShapeError(`${op}: expected an axis of ${shapeText(shape)}, got ${axis}.`);
  }
  return from0;
}

export function expectFloat(op: string, ...inputs: readonly Spec[]): void {
  for (const spec of inputs) {
    if (spec.dtype !== 'float32')
      throw new DTypeError(`${op}: expected float32, got ${specText(spec)}. Cast it first.`);
  }
}

/** Throws unless there is a last axis with something along it. */
export function expectRows(op: string, x: Spec): void {
  expectFloat(op, x);
  if ((x.shape.at(-1) ?? 0) === 0) {
    throw new ShapeError(`${op}: expected at least one number along the last axis, got ${shapeText(x.shape)}.`);
  }
}

export function expectInt(op: string, what: string, spec: Spec): void {
  if (spec.dtype !== 'int32') throw new DTypeError(`${op}: expected int32 ${what}, got ${specText(spec)}.`);
}

export function expectRank(op: string, what: string, spec: Spec, rank: number): void {
  if (spec.shape.length !== rank) {
    throw new ShapeError(`${op}: expected ${what} of rank ${rank}, got ${shapeText(spec.shape)}.`);
  }
}
