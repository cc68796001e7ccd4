// Plays a case of golden/make.py here, in the same form.
import { createHash } from 'node:crypto';
import { make } from 'gymnasium-js';
import type { Discrete, Info, Seed } from 'gymnasium-js';
import '@tessera/env-toy-text';

export interface Case {
  id: string;
  policy: string;
  kwargs?: Record<string, unknown>;
  renderMode?: 'ansi';
  seeds: string[];
  steps: number;
  every: number;
}

/** How many episodes, the hash of the first one (observations, probabilities, masks, rewards, flags), one of all hashes, every n-th observation and reward in clear. */
interface Run {
  count: number;
  first: [hash: string, end: number];
  all: string;
  clear: number[][];
  texts?: string;
  last?: string;
}

export type Trace = Case & { runs: Record<string, Run> };

type Observation = number | number[];

const policies: Readonly<Record<string, (space: Discrete, o: Observation, info: Info) => number>> = {
  masked: (space, _o, info) => space.sample({ mask: info['actionMask'] as Int8Array }),
  brave: (space, o) => ((o as number[])[0]! < 19 ? space.sample() : 0),
  east: (space) => (space.sample() < 2 ? 1 : 2),
};

export function play({ id, policy, kwargs, renderMode, steps, every }: Case, seed: Seed): Run {
  const env = make<Observation>(id, { ...kwargs, renderMode });
  const space = env.actionSpace as Discrete;
  const act = policies[policy] ?? (() => space.sample());
  space.seed(seed);
  const episodes: [string, number][] = [];
  const texts = createHash('sha256');
  let episode = createHash('sha256');
  let { observation, info } = env.reset({ seed });
  const ints = (): number[] => (Array.isArray(observation) ? [...observation] : [observation]);
  const arrived = (): void => {
    episode.update(Int32Array.from(ints())).update(Float64Array.of((info['prob'] as number | undefined) ?? -1));
    if (info['actionMask'] !== undefined) episode.update(info['actionMask'] as Int8Array);
    if (renderMode === 'ansi') texts.update(env.render() as string);
  };
  const close = (t: number): void => {
    episodes.push([episode.digest('hex').slice(0, 16), t]);
    episode = createHash('sha256');
  };
  arrived();
  const clear = [ints()];
  for (let t = 1; t <= steps; t++) {
    const result = env.step(act(space, observation, info));
    ({ observation, info } = result);
    arrived();
    episode.update(Float64Array.of(result.reward));
    episode.update(Uint8Array.of(Number(result.terminated), Number(result.truncated)));
    if (t % every === 0) clear.push([...ints(), result.reward]);
    if (!result.terminated && !result.truncated) continue;
    close(t);
    ({ observation, info } = env.reset());
    arrived();
  }
  close(steps);
  const all = createHash('sha256').update(JSON.stringify(episodes)).digest('hex');
  const run: Run = { count: episodes.length, first: episodes[0]!, all, clear };
  if (renderMode === 'ansi') Object.assign(run, { texts: texts.digest('hex'), last: env.render() as string });
  return run;
}
