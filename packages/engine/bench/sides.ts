// Sides of benchmarks: a training step and a function without gradients on one of our engines, and a training step by TensorFlow.js's tape with its own Adam.
import { flatten } from '@tessera/engine';
import { createEngine } from '@tessera/engine/node';
import type { BackendChoice, Engine, NamedArrays, Tensor, Traced } from '@tessera/engine';
import type { NdArray } from '@tessera/core';
import { env, setBackend, tensor, tidy, train, variable } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Scalar, Variable } from '@tensorflow/tfjs-core';
// Registers the gradients of TensorFlow.js's ops.
import '@tensorflow/tfjs-layers';
import type { BenchOptions, Side } from '@tessera/experiments';
import { registerStockWasmKernels } from './stock-wasm-kernels.ts';
import { adam, startingValues, trainOn } from './models/step-model.ts';
import type { StepModel } from './models/step-model.ts';

/** The engine that a benchmark is asked to run on. */
export async function benchEngine({ backend, precision }: Omit<BenchOptions, 'tiny'>): Promise<Engine> {
  return createEngine({ precision, ...(backend !== undefined && { backend: backend as BackendChoice }) });
}

/** Milliseconds of each of `count` calls. */
export function timeCalls(count: number, call: () => void): number[] {
  return Array.from({ length: count }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
}

/** A training step as a recorded program. */
export function stepSide<P extends object>(engine: Engine, model: StepModel<P>): Side {
  let running: ReturnType<typeof trainOn> | undefined;
  return {
    name: engine.backend,
    values: () => startingValues(engine, model),
    times: (count) => {
      running ??= trainOn(engine, model);
      return timeCalls(count, running.step);
    },
    dispose: () => {
      running?.dispose();
      engine.dispose();
    },
  };
}

/** A function of a state and inputs, as a recorded program. */
export interface FunctionModel<S extends object = object> {
  readonly name: string;
  readonly state: S;
  readonly inputs: Readonly<Record<string, NdArray<'float32'>>>;
  outputs(state: Traced<S>, inputs: Readonly<Record<string, Tensor>>): Readonly<Record<string, Tensor>>;
}

/** A function that is called again and again with the same inputs. */
export function functionSide<S extends object>(engine: Engine, model: FunctionModel<S>): Side {
  const { name, inputs } = model;
  const state = engine.state(model.state);
  const specs = Object.fromEntries(Object.entries(inputs).map(([key, { shape, dtype }]) => [key, { shape, dtype }]));
  const program = state.program(name, specs, (tensors, traced) => model.outputs(traced, tensors));
  return {
    name: engine.backend,
    values: () => program.run(inputs),
    times: (count) => timeCalls(count, () => program.run(inputs)),
    dispose: () => {
      program.dispose();
      state.dispose();
      engine.dispose();
    },
  };
}

/** The other ways to make a training step: our wasm, and TensorFlow.js as it is meant to be used, where they run and are not `best`. */
export async function otherSides<P extends object>(best: Engine, model: StepModel<P>): Promise<Side[]> {
  const sides: Side[] = [];
  if (best.backend !== 'wasm') sides.push(stepSide(await createEngine({ backend: 'wasm' }), model));
  if (best.backend.startsWith('tensorflow')) sides.push(tapeSide('tensorflow', model));
  registerStockWasmKernels();
  sides.push(tapeSide('wasm', model));
  return sides;
}

// On the TensorFlow.js backend of that name, which has been started.
function tapeSide<P extends object>(backend: string, model: StepModel<P>): Side {
  let running: ReturnType<typeof tapeStep> | undefined;
  const prepare = async (): Promise<void> => {
    // The engine sets it for silence; TensorFlow.js then also looks for leaks after every kernel, which takes time.
    env().set('IS_TEST', false);
    await setBackend(backend);
  };
  return {
    name: `tape on ${backend}`,
    values: async () => {
      await prepare();
      const { step, dispose } = tapeStep(model);
      const losses = Float32Array.from({ length: 5 }, step);
      dispose();
      return { losses: { dtype: 'float32', shape: [5], data: losses } };
    },
    times: async (count) => {
      await prepare();
      running ??= tapeStep(model);
      return timeCalls(count, running.step);
    },
    dispose: () => running?.dispose(),
  };
}

function tapeStep<P extends object>(model: StepModel<P>): { step: () => number; dispose: () => void } {
  const toTensor = ({ data, shape, dtype }: NdArray) => tensor(data as Float32Array, [...shape], dtype as 'float32');
  const parameters: Record<string, Variable> = {};
  for (const [name, array] of flatten<NdArray>(model.parameters)) parameters[name] = variable(toTensor(array));
  const batch: NamedTensorMap = {};
  for (const [name, array] of Object.entries(model.batch)) batch[name] = toTensor(array);
  const optimizer = train.adam(adam.learningRate, adam.beta1, adam.beta2, adam.epsilon);
  const list = Object.values(parameters);
  return {
    step: () =>
      tidy(() => {
        const loss = optimizer.minimize(() => model.tapeLoss(parameters, batch), true, list) as Scalar;
        return loss.dataSync()[0]!;
      }),
    dispose: () => {
      optimizer.dispose();
      for (const held of [...list, ...Object.values(batch)]) held.dispose();
    },
  };
}

/** What a peer of a step starts from: parameters and batch by flat name. */
export function stepArrays<P extends object>({ parameters, batch }: StepModel<P>): NamedArrays {
  return { ...Object.fromEntries(flatten<NdArray>(parameters)), ...batch };
}
