// Plays a case of golden/make.py here and says how it differs from what Gymnasium did.
import { createHash } from 'node:crypto';
import { make } from 'gymnasium-js';
import type { Seed } from 'gymnasium-js';
import '@tessera/env-classic-control';
import { policies } from './policies.ts';

export interface Case {
  id: string;
  policy: string;
  kwargs?: Record<string, unknown>;
  options?: Record<string, unknown>;
  seeds: string[];
  steps: number;
  every: number;
}

/** For each episode the hash of observations and flags, that of rewards, and the step after which it ended; every n-th observation and reward in clear. */
interface Run {
  episodes: [observations: string, rewards: string, end: number][];
  clear: number[][];
}

export type Trace = Case & { runs: Record<string, Run> };

export interface Differences {
  /** Of episodes: in any bit of an observation or flag, in any bit of a reward. */
  observations: number;
  rewards: number;
  episodes: number;
  /** Largest distance of observations and of rewards in clear. */
  observationError: number;
  rewardError: number;
  /** Whether all episodes ended after the same steps. */
  sameEnds: boolean;
}

export function play(trace: Case, seed: Seed): Run {
  const { id, kwargs = {}, options, steps, every } = trace;
  const env = make<Float32Array, unknown>(id, kwargs);
  const policy = policies[trace.policy] ?? (() => env.actionSpace.sample());
  env.actionSpace.seed(seed);
  const run: Run = { episodes: [], clear: [] };
  let [observations, rewards] = [createHash('sha256'), createHash('sha256')];
  const close = (t: number): void => {
    run.episodes.push([observations.digest('hex').slice(0, 16), rewards.digest('hex').slice(0, 16), t]);
    [observations, rewards] = [createHash('sha256'), createHash('sha256')];
  };
  let { observation } = env.reset({ seed, options });
  observations.update(observation);
  run.clear.push([...observation]);
  for (let t = 1; t <= steps; t++) {
    const result = env.step(policy(observation));
    ({ observation } = result);
    observations.update(observation).update(Uint8Array.of(Number(result.terminated), Number(result.truncated)));
    rewards.update(Float64Array.of(result.reward));
    if (t % every === 0) run.clear.push([...observation, result.reward]);
    if (!result.terminated && !result.truncated) continue;
    close(t);
    ({ observation } = env.reset({ options }));
    observations.update(observation);
  }
  close(steps);
  return run;
}

export function compare(trace: Trace): Differences {
  const all: Differences = {
    observations: 0,
    rewards: 0,
    episodes: 0,
    observationError: 0,
    rewardError: 0,
    sameEnds: true,
  };
  for (const seed of trace.seeds) {
    const expected = trace.runs[seed]!;
    const got = play(trace, BigInt(seed));
    all.sameEnds &&= String(got.episodes.map(([, , t]) => t)) === String(expected.episodes.map(([, , t]) => t));
    for (const [i, [observations, rewards]] of expected.episodes.entries()) {
      all.episodes += 1;
      all.observations += Number(got.episodes[i]?.[0] !== observations);
      all.rewards += Number(got.episodes[i]?.[1] !== rewards);
    }
    for (const [i, values] of expected.clear.entries()) {
      const { length } = got.clear[0]!;
      for (const [j, value] of values.entries()) {
        const x = got.clear[i]![j]!;
        if (j < length) all.observationError = Math.max(all.observationError, Math.abs(x - Math.fround(value)));
        else all.rewardError = Math.max(all.rewardError, Math.abs(x - value));
      }
    }
  }
  return all;
}
