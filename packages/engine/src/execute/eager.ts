// Eager evaluation: the same functions run op by op as they are called, for debugging, for code that depends on the data, and as the oracle of the tests.
// The ops are recorded as well, so `gradients` works inside.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { ConfigError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { Recorder, isActive, recording } from '../record/recorder.ts';
import { Tensor } from '../record/tensor.ts';
import type { Spec } from '../record/tensor.ts';
import { applyEffects } from './kernel-effects.ts';
import { download, lowerNode, upload } from './kernel-executor.ts';
import type { KernelContext } from './kernel-context.ts';

/** A function asked for numbers while it was recorded: what it does depends on the data, so it can only run op by op. */
export class NotRecordableError extends ConfigError {}

const readers = new WeakMap<Recorder, (tensor: Tensor) => NdArray>();

/**
 * The numbers of a tensor inside an eager function. A program whose function asks for them cannot be recorded, and runs op by op. Throws ConfigError for a tensor of a
 * function that has ended.
 */
export function read(tensor: Tensor): NdArray {
  const reader = tensor instanceof Tensor ? readers.get(tensor.recorder) : undefined;
  if (reader === undefined) {
    const message =
      'read: only tensors of a running eager function have numbers. Return the tensor from the program and take it from the result of run.';
    throw tensor instanceof Tensor && isActive(tensor.recorder)
      ? new NotRecordableError(message)
      : new ConfigError(message);
  }
  return reader(tensor);
}

/** Runs `body` op by op on `context`; effects change `buffers` when it ends. Everything else is freed. */
export function runEagerly<R>(
  context: KernelContext,
  { specs, buffers }: { specs: ReadonlyMap<string, Spec>; buffers: Map<string, TensorInfo> },
  body: (recorder: Recorder) => R,
): R {
  const recorder = new Recorder('eager');
  const values = new Map<number, TensorInfo>();
  const owned = new Map<number, TensorInfo>();
  for (const [name, spec] of specs) values.set(recorder.variable(name, spec).index, buffers.get(name)!);
  recorder.onNode = (node) => {
    const results = lowerNode(
      context,
      node,
      node.inputs.map(({ index }) => values.get(index)!),
    );
    for (const [k, { index }] of node.outputs.entries()) {
      values.set(index, results[k]!);
      owned.set(index, results[k]!);
    }
  };
  readers.set(recorder, (tensor) => download(context, values.get(tensor.index)!, tensor));
  try {
    const result = recording(recorder, () => body(recorder));
    applyEffects(context, recorder.effects, buffers, ({ index }) => values.get(index)!);
    return result;
  } finally {
    readers.delete(recorder);
    for (const buffer of owned.values()) context.free(buffer);
  }
}

/** Arrays as buffers of `context`, owned by the caller: the copies that an eager function works on. */
export function uploadAll(context: KernelContext, values: ReadonlyMap<string, NdArray>): Map<string, TensorInfo> {
  return new Map([...values].map(([name, array]) => [name, upload(context, array)]));
}
