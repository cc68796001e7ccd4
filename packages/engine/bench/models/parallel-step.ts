// The step of a model of the benchmarks in the two halves that data parallelism takes.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { adamUpdate, f32, flatten, gradients } from '@tessera/engine';
import type { Engine, NamedArrays, Program, Spec, Tensor, Traced } from '@tessera/engine';
import type { ParallelStep } from '@tessera/engine/node';
import { convVq, convVqSizes } from './conv-vq.ts';
import type { ConvVqSizes } from './conv-vq.ts';
import { adam } from './step-model.ts';

/** Made in each worker. */
export function createStep(engine: Engine, { size }: { readonly size: keyof typeof convVqSizes }): ParallelStep {
  const sizes: ConvVqSizes = convVqSizes[size];
  const model = convVq(sizes);
  const { parameters } = model;
  const leaves = flatten<NdArray>(parameters);
  const zeros = () =>
    Object.fromEntries([...leaves].map(([name, { shape }]) => [name.replaceAll('.', '/'), ndarray('float32', shape)]));
  const state = engine.state({ parameters, first: zeros(), second: zeros() });
  const gradientShapes = Object.fromEntries([...leaves].map(([name, { shape }]) => [name, shape]));
  const halves = new Map<number, Program<Record<'frames', Spec>, Record<string, Tensor>>>();
  const slopesOf = (batch: number) => {
    const frames = f32(batch, sizes.pixels, sizes.pixels, 3);
    return state.program(`gradients ${batch}`, { frames }, (inputs, traced) => {
      const p = traced.parameters as Traced<typeof parameters>;
      const tensors = flatten<Tensor>(p);
      const loss = model.loss(p, inputs);
      const slopes = gradients(loss, [...tensors.values()]);
      return { loss, ...Object.fromEntries([...tensors.keys()].map((name, i) => [name, slopes[i]!])) };
    });
  };
  const inputs: Record<string, Spec> = { rate: f32(), correction: f32() };
  for (const [name, { shape }] of leaves) inputs[name] = f32(...shape);
  const update = state.program('update', inputs, (x, traced) => {
    for (const [name, leaf] of flatten<Tensor>(traced.parameters)) {
      const key = name.replaceAll('.', '/');
      adamUpdate(leaf, {
        firstMoment: traced.first[key]!,
        secondMoment: traced.second[key]!,
        gradient: x[name]!,
        rate: x['rate']!,
        correction: x['correction']!,
        beta1: adam.beta1,
        beta2: adam.beta2,
        epsilon: adam.epsilon,
      });
    }
    return {};
  });
  let t = 0;
  return {
    gradientShapes,
    gradients(part) {
      const batch = part['frames']!.shape[0]!;
      const half = halves.get(batch) ?? slopesOf(batch);
      halves.set(batch, half);
      const { loss, ...slopes } = half.run({ frames: part['frames']! });
      return { gradients: slopes as NamedArrays, metrics: { loss: loss!.data[0] as number } };
    },
    apply(slopes) {
      t++;
      const rate = adam.learningRate / (1 - adam.beta1 ** t);
      update.run({ ...slopes, rate, correction: 1 - adam.beta2 ** t });
    },
    state: () => state.read(),
  };
}
