// Steps of CartPole with the wrappers that `make` puts around it.
import { ndarray } from '@tessera/core';
import '@tessera/env-classic-control';
import type { Benchmark } from '@tessera/experiments';
import { make } from 'gymnasium-js';
import { drawActions, gymnasiumPeer, play, record, timeCalls } from './cart-pole-sides.ts';

export const benchmark: Benchmark = {
  name: 'env-step',
  describe: 'A thousand steps of CartPole-v1 with the default wrappers, resets included, against Gymnasium.',
  prepare: async ({ tiny }) => {
    const actions = drawActions(tiny ? 50 : 1000);
    const env = make<Float32Array>('CartPole-v1');
    return {
      ours: {
        name: 'gymnasium-js',
        values: () => {
          env.reset({ seed: 0 });
          return record(env, actions);
        },
        times: (count) => {
          env.reset({ seed: 1 });
          return timeCalls(count, () => play(env, actions, () => {}));
        },
        dispose: () => env.close(),
      },
      theirs: gymnasiumPeer('step', ndarray('int32', [actions.length], actions)),
      unit: `ms/${actions.length} steps`,
      items: { count: actions.length, name: 'steps' },
      backend: 'javascript',
      note: String(env),
    };
  },
};
