// What the benchmarks know of a model: its starting arrays, its loss as a plain function of our ops, the same loss in TensorFlow.js, and its PyTorch peer.
import { ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { adamUpdate, f32, flatten, gradients } from '@tessera/engine';
import type { Engine, InputSpecs, NamedArrays, Spec, Tensor, Traced } from '@tessera/engine';
import type { Scalar, Tensor as TfTensor } from '@tensorflow/tfjs-core';

/** A model with one fixed batch. */
export interface StepModel<P extends object = object> {
  readonly name: string;
  readonly batch: Readonly<Record<string, NdArray<'float32'> | NdArray<'int32'>>>;
  readonly parameters: P;
  loss(parameters: Traced<P>, batch: Readonly<Record<string, Tensor>>): Tensor;
  /** Parameters by flat name. */
  tapeLoss(parameters: Readonly<Record<string, TfTensor>>, batch: Readonly<Record<string, TfTensor>>): Scalar;
}

/** Adam as all of them run it. */
export const adam = { learningRate: 3e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** One training step on an engine; calls return the loss before the update. */
export function trainOn<P extends object>(
  engine: Engine,
  model: StepModel<P>,
): { step: () => number; dispose: () => void } {
  const { batch, parameters } = model;
  const state = engine.state({ parameters, first: zerosLike(parameters), second: zerosLike(parameters) });
  const specs = Object.fromEntries(Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
  const inputs: InputSpecs & { rate: Spec; correction: Spec } = { ...specs, rate: f32(), correction: f32() };
  const program = state.program(model.name, inputs, ({ rate, correction, ...tensors }, traced) => {
    const loss = model.loss(traced.parameters as Traced<P>, tensors);
    const leaves = [...flatten<Tensor>(traced.parameters)];
    const first = flatten<Tensor>(traced.first);
    const second = flatten<Tensor>(traced.second);
    const slopes = gradients(
      loss,
      leaves.map(([, leaf]) => leaf),
    );
    for (const [i, [name, leaf]] of leaves.entries()) {
      const { beta1, beta2, epsilon } = adam;
      const moments = { firstMoment: first.get(name)!, secondMoment: second.get(name)! };
      adamUpdate(leaf, { ...moments, gradient: slopes[i]!, rate, correction, beta1, beta2, epsilon });
    }
    return { loss };
  });
  let t = 0;
  return {
    step: () => {
      t++;
      const rate = adam.learningRate / (1 - adam.beta1 ** t);
      const { loss } = program.run({ ...batch, rate, correction: 1 - adam.beta2 ** t });
      return loss.data[0] as number;
    },
    dispose: () => {
      program.dispose();
      state.dispose();
    },
  };
}

const firstLosses = 5;

/** What steps start with, for comparisons: `gradient.NAME` for each parameter, and the `losses` of the first five steps. */
export function startingValues<P extends object>(engine: Engine, model: StepModel<P>): NamedArrays {
  const { batch, parameters } = model;
  const state = engine.state(parameters);
  const specs = Object.fromEntries(Object.entries(batch).map(([name, { shape, dtype }]) => [name, { shape, dtype }]));
  const program = state.program(`${model.name}: gradients`, specs, (tensors, traced) => {
    const leaves = flatten<Tensor>(traced);
    const slopes = gradients(model.loss(traced, tensors), [...leaves.values()]);
    return Object.fromEntries([...leaves.keys()].map((name, i) => [`gradient.${name}`, slopes[i]!]));
  });
  const values = program.run(batch);
  program.dispose();
  state.dispose();
  const { step, dispose } = trainOn(engine, model);
  const losses = Float32Array.from({ length: firstLosses }, step);
  dispose();
  return { ...values, losses: ndarray('float32', [firstLosses], losses) };
}

function zerosLike(tree: object): object {
  return Object.fromEntries(
    Object.entries(tree).map(([name, child]: [string, object]) => [
      name,
      'dtype' in child ? ndarray('float32', (child as unknown as NdArray).shape) : zerosLike(child),
    ]),
  );
}

/** `deviation` times standard normal numbers. */
export function normal(generator: Generator, shape: readonly number[], deviation: number): NdArray<'float32'> {
  const array = ndarray('float32', shape);
  for (let i = 0; i < array.data.length; i++) array.data[i] = deviation * generator.normal();
  return array;
}
