// The same training step by different means, behind one interface: our engine on a backend, and the TensorFlow.js tape with its own Adam.
import { flatten } from '@tessera/engine';
import type { Engine } from '@tessera/engine';
import type { NdArray } from '@tessera/core';
import { env, setBackend, tensor, tidy, train, variable } from '@tensorflow/tfjs-core';
import type { NamedTensorMap, Scalar, Variable } from '@tensorflow/tfjs-core';
// Registers the gradients of TensorFlow.js's ops.
import '@tensorflow/tfjs-layers';
import { adam, trainOn } from './models/step-model.ts';
import type { StepModel } from './models/step-model.ts';

/** One way to train a model. */
export interface Trainer {
  readonly name: string;
  /** Of the first steps from the model's arrays. */
  losses(count: number): Promise<number[]>;
  /** Milliseconds of further steps, each up to the loss as a number. */
  times(count: number): Promise<number[]>;
  dispose(): Promise<void>;
}

interface Stepper {
  readonly step: () => number;
  readonly dispose: () => void;
}

// Steps of a model that is made at its first use; `prepare` runs before each burst.
function trainer(name: string, make: () => Stepper, prepare: () => Promise<void> = async () => {}): Trainer {
  let running: Stepper | undefined;
  return {
    name,
    losses: async (count) => {
      await prepare();
      const fresh = make();
      const losses = Array.from({ length: count }, () => fresh.step());
      fresh.dispose();
      return losses;
    },
    times: async (count) => {
      await prepare();
      if (running === undefined) {
        running = make();
        for (let i = 0; i < 3; i++) running.step();
      }
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        running.step();
        times.push(performance.now() - start);
      }
      return times;
    },
    dispose: async () => running?.dispose(),
  };
}

/** A recorded program. */
export function engineTrainer<P extends object>(engine: Engine, model: StepModel<P>): Trainer {
  return trainer(engine.backend, () => trainOn(engine, model));
}

/** TensorFlow.js as it is meant to be used, on the backend of the given name, which has been started. */
export function tapeTrainer<P extends object>(backend: string, model: StepModel<P>): Trainer {
  const start = async () => {
    // The engine sets it for silence; TensorFlow.js then also looks for leaks after every kernel, which takes time.
    env().set('IS_TEST', false);
    await setBackend(backend);
  };
  return trainer(`tape on ${backend}`, () => tape(model), start);
}

function tape<P extends object>(model: StepModel<P>): Stepper {
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
