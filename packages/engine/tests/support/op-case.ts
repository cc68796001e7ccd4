// What the suite knows of an op: hostile inputs, how to call it, what it means in float64, and TensorFlow.js's own version where there is one.
import type * as fc from 'fast-check';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { NdArray } from '@tessera/core';
import type { Tensor } from '../../src/index.ts';
import type { Values } from './arbitraries.ts';
import type { Float64 } from './float64.ts';

/** Arguments of one call: float32 and int32 arrays, and settings. */
export interface Sample<A> {
  readonly inputs: readonly NdArray[];
  readonly attrs: A;
}

/** One way to use an op. */
export interface OpCase<A = unknown> {
  /** The name under which the front door exports the op. */
  readonly op: string;
  /** What this case is about, when an op has several. */
  readonly about?: string;
  readonly samples: (values: Values) => fc.Arbitrary<Sample<A>>;
  readonly call: (inputs: readonly Tensor[], attrs: A) => Tensor;
  /** The definition in float64. */
  readonly meaning: (inputs: readonly Float64[], attrs: A) => Float64;
  /** Inputs with a gradient, by position; none when left out. */
  readonly gradients?: readonly number[];
  /** Whether the gradient can be differentiated again. */
  readonly twice?: boolean;
  /** How far a float32 result may lie from the truth, as a part of `1 + |truth|`; the reason stands beside it where it is not a few roundings. */
  readonly tolerance?: number;
  /** The same in TensorFlow.js, whose tape gives its gradient. */
  readonly tape?: (inputs: readonly TfTensor[], attrs: A) => TfTensor;
}

/** Gives a case its type and hides that of its settings. */
export function opCase<A>(definition: OpCase<A>): OpCase {
  return definition as unknown as OpCase;
}

/** A few roundings of float32. */
export const defaultTolerance = 1e-5;

export function title({ op, about }: Pick<OpCase, 'op' | 'about'>): string {
  return about === undefined ? op : `${op} (${about})`;
}
