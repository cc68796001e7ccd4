// What an op is: a shape rule, a gradient, a plain lowering to TensorFlow.js kernels that every backend can run, one to TensorFlow graph nodes and,
// where it pays, one to our wasm kernels. An op lives in one file with its public function; `defineOp` only gives it its type.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelContext } from '../execute/kernel-context.ts';
import type { WasmContext } from '../execute/wasm-context.ts';
import type { GraphContext } from '../tensorflow/graph-context.ts';
import type { Spec, Tensor } from './tensor.ts';

/** Settings of one use of an op. */
export type Attrs = object;

/** What a gradient rule sees of the use of its op. */
export interface GradientContext<A extends Attrs> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  /** Which inputs somebody wants a gradient for; the others may be left undefined. */
  readonly needs: readonly boolean[];
}

/** What follows a product. */
export interface BiasAndActivation {
  /** A vector in the graph. */
  readonly bias: string;
  readonly relu: boolean;
}

/** The definition of an op; `inputs` and outputs are in the same order everywhere. */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** The types of the outputs; throws ShapeError or DTypeError, naming the op and the shapes. */
  infer(inputs: readonly Spec[], attrs: A): readonly Spec[];
  /** The vector-Jacobian product: gradients of the inputs out of those of the outputs (undefined where an output does not reach the loss). Without it no gradient passes. */
  gradient?(context: GradientContext<A>, dys: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** The plain lowering. It owns what it returns; inputs stay the caller's. */
  kernel(context: KernelContext, inputs: readonly TensorInfo[], attrs: A): readonly TensorInfo[];
  /** A better lowering for the wasm backend. */
  wasm?(context: WasmContext, inputs: readonly TensorInfo[], attrs: A): readonly TensorInfo[];
  /** Nodes of a TensorFlow graph. */
  graph(context: GraphContext, inputs: readonly string[], attrs: A): readonly string[];
  /** Nodes of a TensorFlow graph for the op, a bias over its last axis and perhaps ReLU after that; undefined where `graph` and separate nodes are better. */
  graphBiased?(
    context: GraphContext,
    inputs: readonly string[],
    attrs: A,
    after: BiasAndActivation,
  ): string | undefined;
  /** Floating-point operations of one run, 0 where they don't count beside the moved memory. */
  flops?(inputs: readonly Spec[], outputs: readonly Spec[], attrs: A): number;
}

/** Gives an op definition its type. */
export function defineOp<A extends Attrs = Attrs>(op: Op<A>): Op<A> {
  return op;
}
