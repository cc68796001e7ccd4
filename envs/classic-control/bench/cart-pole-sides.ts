// What the benchmarks of environments share: CartPole under actions that both sides know, and the peer in Python that does the same.
import { ndarray, npRandom } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Peer } from '@tessera/experiments';
import type { Env } from 'gymnasium-js';

/** As many actions of 0 and 1 as asked for, always the same. */
export function drawActions(count: number): Int32Array {
  return npRandom(0).integersArray(0, 2, count, 'int32');
}

/** The peer for a task; `actions` are what it takes, over and over. Its Python needs Gymnasium and NumPy. */
export function gymnasiumPeer(task: string, actions: NdArray<'int32'>, modules: readonly string[] = []): Peer {
  return {
    script: 'bench/peers/cart_pole.py',
    arguments: ['--task', task],
    arrays: { actions },
    modules: ['gymnasium', 'numpy', ...modules],
  };
}

/** Takes the actions one by one, with a reset where an episode ends. */
export function play<Obs>(env: Env<Obs>, actions: Int32Array, see: (observation: Obs, reward: number) => void): void {
  for (let i = 0; i < actions.length; i++) {
    const { observation, reward, terminated, truncated } = env.step(actions[i]!);
    see(observation, reward);
    if (terminated || truncated) env.reset();
  }
}

/** Observations and rewards of the actions after `reset({ seed: 0 })`, which has been called. */
export function record(env: Env<Float32Array>, actions: Int32Array): Record<string, NdArray> {
  const observations = ndarray('float32', [actions.length, 4]);
  const rewards = ndarray('float64', [actions.length]);
  let t = 0;
  play(env, actions, (observation, reward) => {
    observations.data.set(observation, 4 * t);
    rewards.data[t++] = reward;
  });
  return { observations, rewards };
}

/** Milliseconds of each of `count` calls. */
export function timeCalls(count: number, call: () => void): number[] {
  return Array.from({ length: count }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
}
