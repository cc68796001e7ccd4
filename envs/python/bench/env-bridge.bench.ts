// A console behind the bridge: eight games in one child, stepped together, frames of 64 x 64 pixels in our memory at the end of each step.
import { ndarray } from '@tessera/core';
import type { Benchmark, BenchOptions, Comparison } from '@tessera/experiments';
import { PythonVectorEnv } from '@tessera/env-python';

const id = 'ALE/Breakout-v5';
const seed = 0;
// Everything in these steps is compared with the peer before anything is timed: preprocessing, sticky actions, order of environments.
const comparedSteps = 40;

export const benchmark: Benchmark = {
  name: 'env-bridge',
  describe: 'A step of 8 games of Breakout (ALE, 64x64 RGB, 4 frames skipped) in one child, against a loop in Python.',
  prepare,
};

async function prepare({ tiny }: BenchOptions): Promise<Comparison> {
  const [numEnvs, size] = [tiny ? 2 : 8, 64];
  const envs = await PythonVectorEnv.create<Uint8Array>(id, { numEnvs, numWorkers: 1, preprocessing: { size } });
  let step = 0;
  const act = (): Promise<{ observation: Uint8Array; reward: Float64Array }> => {
    const actions = Int32Array.from({ length: numEnvs }, (_, i) => (step + i) % 4);
    step++;
    return envs.step(actions);
  };
  return {
    ours: {
      name: 'bridge',
      values: async () => {
        step = 0;
        const frames = ndarray('uint8', [comparedSteps + 1, numEnvs, size, size, 3]);
        const rewards = ndarray('float32', [comparedSteps, numEnvs]);
        frames.data.set((await envs.reset({ seed })).observation);
        for (let t = 0; t < comparedSteps; t++) {
          const { observation, reward } = await act();
          frames.data.set(observation, (t + 1) * observation.length);
          rewards.data.set(reward, t * numEnvs);
        }
        return { frames, rewards };
      },
      times: async (count) => {
        const times: number[] = [];
        for (let i = 0; i < count; i++) {
          const start = performance.now();
          await act();
          times.push(performance.now() - start);
        }
        return times;
      },
      dispose: () => envs.close(),
    },
    theirs: {
      script: 'bench/peers/loop.py',
      arguments: ['--id', id, '--envs', String(numEnvs), '--size', String(size), '--compared', String(comparedSteps)],
      arrays: {},
      modules: ['gymnasium', 'ale_py', 'cv2', 'numpy'],
    },
    unit: 'ms/step',
    items: { count: numEnvs, name: 'frames' },
    backend: 'bridge',
    note: `${envs.toString()} with Python ${envs.versions['python']}, gymnasium ${envs.versions['gymnasium']}`,
  };
}
