// Steps of CartPole whose observations are pictures of 64 x 64.
import { ndarray } from '@tessera/core';
import '@tessera/env-classic-control';
import type { Benchmark } from '@tessera/experiments';
import { AddRenderObservation, make } from 'gymnasium-js';
import { drawActions, gymnasiumPeer, play, timeCalls } from './cart-pole-sides.ts';

export const benchmark: Benchmark = {
  name: 'env-pixels',
  describe: 'A hundred steps of CartPole-v1 seen as 64x64 RGB, against Gymnasium with pygame and OpenCV.',
  prepare: async ({ tiny }) => {
    const actions = drawActions(tiny ? 10 : 100);
    const env = new AddRenderObservation(make<Float32Array>('CartPole-v1', { renderMode: 'rgb_array' }));
    return {
      ours: {
        name: 'gymnasium-js',
        // The pictures are our own; what they are pictures of is equal.
        values: () => {
          env.reset({ seed: 0 });
          const rewards = ndarray('float64', [actions.length]);
          const bytes = ndarray('int32', [1]);
          let t = 0;
          play(env, actions, (observation, reward) => {
            rewards.data[t++] = reward;
            bytes.data[0] = observation.length;
          });
          return { rewards, bytes };
        },
        times: (count) => {
          env.reset({ seed: 1 });
          return timeCalls(count, () => play(env, actions, () => {}));
        },
        dispose: () => env.close(),
      },
      theirs: gymnasiumPeer('pixels', ndarray('int32', [actions.length], actions), ['pygame', 'cv2']),
      unit: `ms/${actions.length} frames`,
      items: { count: actions.length, name: 'frames' },
      backend: 'javascript',
      note: String(env),
    };
  },
};
