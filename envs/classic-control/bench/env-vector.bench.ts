// Steps of 16 CartPoles in worker threads.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import '@tessera/env-classic-control';
import type { Benchmark } from '@tessera/experiments';
import { makeVec } from 'gymnasium-js';
import type { VectorEnv } from 'gymnasium-js';
import 'gymnasium-js/node';
import { drawActions, gymnasiumPeer } from './cart-pole-sides.ts';

const numEnvs = 16;

async function play(
  envs: VectorEnv<Float32Array>,
  actions: readonly Int32Array[],
  see: (observation: Float32Array, reward: Float64Array) => void,
): Promise<void> {
  for (const row of actions) {
    const { observation, reward } = await envs.step(row);
    see(observation, reward);
  }
}

async function record(envs: VectorEnv<Float32Array>, actions: readonly Int32Array[]): Promise<Record<string, NdArray>> {
  await envs.reset({ seed: 0 });
  const observations = ndarray('float32', [actions.length, numEnvs, 4]);
  const rewards = ndarray('float64', [actions.length, numEnvs]);
  let t = 0;
  await play(envs, actions, (observation, reward) => {
    observations.data.set(observation, numEnvs * 4 * t);
    rewards.data.set(reward, numEnvs * t++);
  });
  return { observations, rewards };
}

export const benchmark: Benchmark = {
  name: 'env-vector',
  describe: 'A hundred steps of 16 CartPole-v1 in worker threads, against AsyncVectorEnv.',
  prepare: async ({ tiny }) => {
    const steps = tiny ? 10 : 100;
    const flat = drawActions(steps * numEnvs);
    const actions = Array.from({ length: steps }, (_, t) => flat.subarray(t * numEnvs, (t + 1) * numEnvs));
    const imports = [import.meta.resolve('@tessera/env-classic-control')];
    const envs = await makeVec<Float32Array>('CartPole-v1', { numEnvs, vectorizationMode: 'worker', imports });
    const sync = await makeVec<Float32Array>('CartPole-v1', { numEnvs, vectorizationMode: 'sync' });
    const times = async (side: VectorEnv<Float32Array>, count: number): Promise<number[]> => {
      const all: number[] = [];
      await side.reset({ seed: 1 });
      for (let i = 0; i < count; i++) {
        const start = performance.now();
        await play(side, actions, () => {});
        all.push(performance.now() - start);
      }
      return all;
    };
    return {
      ours: {
        name: 'WorkerVectorEnv',
        values: () => record(envs, actions),
        times: (count) => times(envs, count),
        dispose: () => envs.close(),
      },
      theirs: gymnasiumPeer('vector', ndarray('int32', [steps, numEnvs], flat)),
      others: async () => [
        {
          name: 'SyncVectorEnv',
          values: () => record(sync, actions),
          times: (count) => times(sync, count),
          dispose: () => sync.close(),
        },
      ],
      unit: `ms/${steps} vector steps`,
      items: { count: steps * numEnvs, name: 'steps' },
      backend: 'javascript',
      note: String(envs),
    };
  },
};
