// A tensor of a program that is being recorded: a shape, a dtype and a place in the record. It holds no numbers; `Program.run` moves those.
import type { Recorder } from './recorder.ts';

/** What programs compute with. Masks are float32 of 0 and 1, so that they multiply. */
export type TensorDType = 'float32' | 'int32';

/** The static type of a tensor. */
export interface Spec {
  readonly shape: readonly number[];
  readonly dtype: TensorDType;
}

/** The result of a recorded op. */
export class Tensor implements Spec {
  readonly recorder: Recorder;
  /** The number of this value in its record. */
  readonly index: number;
  readonly shape: readonly number[];
  readonly dtype: TensorDType;

  constructor(recorder: Recorder, index: number, { shape, dtype }: Spec) {
    this.recorder = recorder;
    this.index = index;
    this.shape = shape;
    this.dtype = dtype;
  }

  /** The number of dimensions. */
  get rank(): number {
    return this.shape.length;
  }
}

/** The type of a float32 tensor of this shape. */
export function f32(...shape: number[]): Spec {
  return { shape, dtype: 'float32' };
}

/** The type of an int32 tensor of this shape. */
export function i32(...shape: number[]): Spec {
  return { shape, dtype: 'int32' };
}

/** `float32[2, 3]`, for messages. */
export function specText({ shape, dtype }: Spec): string {
  return `${dtype}[${shape.join(', ')}]`;
}
