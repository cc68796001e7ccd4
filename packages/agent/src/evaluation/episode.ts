// One episode to look at: what the agent saw and did, and what its world model would have dreamed instead.
import { CancelledError, ConfigError, Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { toBytes } from '@tessera/vqvae';
import type { Env } from 'gymnasium-js';
import type { Agent } from '../agent.ts';
import { tokensOf } from '../preprocess.ts';

/** An episode as it was played. */
export interface Episode {
  /** uint8 [steps + 1, height, width, channels]. */
  readonly frames: NdArray<'uint8'>;
  /** [steps], as the environment took them. */
  readonly actions: Int32Array;
  /** [steps]: what the environment says that it did instead; `actions` where it says nothing. */
  readonly executedActions: Int32Array;
  /** [steps] */
  readonly rewards: Float32Array;
  readonly totalReward: number;
  /** float32 [steps, actions]: how likely the policy found each action. */
  readonly probabilities: NdArray<'float32'>;
  /** [steps]: the return that it expected from each frame, discounted. */
  readonly values: Float32Array;
}

/** How an episode is played. */
export interface PlayOptions {
  /** Seed of the episode and of the agent's choices. */
  readonly seed: number;
  /** Longest episode; default 1,000 steps. */
  readonly maxSteps?: number;
  /** The most likely actions instead of drawn ones; default false. */
  readonly greedy?: boolean;
  readonly signal?: AbortSignal;
}

/** Lets the agent play one episode. The environment stays open. */
export function playEpisode(
  agent: Agent,
  env: Env,
  { seed, maxSteps = 1000, greedy = false, signal }: PlayOptions,
): Episode {
  if (!Number.isInteger(maxSteps) || maxSteps < 1) {
    throw new ConfigError(`playEpisode: expected maxSteps to be a whole number >= 1, got ${maxSteps}.`);
  }
  const player = agent.player({ generator: new Generators(seed).get('episode/policy'), greedy });
  const { frameShape } = agent.tokenizer.spec;
  const frames: Uint8Array[] = [Uint8Array.from(env.reset({ seed }).observation as Uint8Array)];
  const actions: number[] = [];
  const executed: number[] = [];
  const rewards: number[] = [];
  const probabilities: Float32Array[] = [];
  const values: number[] = [];
  for (let ended = false; !ended && actions.length < maxSteps;) {
    if (signal?.aborted) throw new CancelledError('playEpisode: cancelled by the signal.', { cause: signal.reason });
    const frame: NdArray<'uint8'> = { dtype: 'uint8', shape: [1, ...frameShape], data: frames.at(-1)! };
    const decision = player.act(frame, { executed: [executed.at(-1)] });
    const [action] = decision.actions;
    const { observation, reward, terminated, truncated, info } = env.step(action!);
    frames.push(Uint8Array.from(observation as Uint8Array));
    actions.push(action!);
    executed.push((info['executedAction'] as number | undefined) ?? action!);
    rewards.push(reward);
    probabilities.push(decision.probabilities.data);
    values.push(decision.values[0]!);
    ended = terminated || truncated;
  }
  const joined = ndarray('uint8', [frames.length, ...frameShape]);
  for (const [i, frame] of frames.entries()) joined.data.set(frame, i * frame.length);
  const likely = ndarray('float32', [actions.length, agent.actions.count]);
  for (const [i, row] of probabilities.entries()) likely.data.set(row, i * row.length);
  return {
    frames: joined,
    actions: Int32Array.from(actions),
    executedActions: Int32Array.from(executed),
    rewards: Float32Array.from(rewards),
    totalReward: rewards.reduce((sum, x) => sum + x, 0),
    probabilities: likely,
    values: Float32Array.from(values),
  };
}

/** An episode through the agent's eyes; all [steps + 1, ...]. */
export interface Dream {
  /** int32 [steps + 1, tokens]: the codes of the real frames. */
  readonly tokens: NdArray<'int32'>;
  /** uint8 [steps + 1, height, width, channels]: decoded from these codes. */
  readonly reconstruction: NdArray<'uint8'>;
  /** uint8 [steps + 1, height, width, channels]: imagined from the first frame on, with the same actions; after an imagined end it stands still. */
  readonly imagined: NdArray<'uint8'>;
}

/**
 * The same episode as the world model imagines it: it sees the first frame and then only the actions. With `lookEvery` it sees a real frame again every so many
 * steps, for games that chance makes go another way.
 */
export function dreamEpisode(
  agent: Agent,
  { frames, actions: chosen, executedActions }: Episode,
  { lookEvery = Infinity }: { readonly lookEvery?: number } = {},
): Dream {
  if (!(lookEvery >= 1 && (lookEvery === Infinity || Number.isInteger(lookEvery)))) {
    throw new ConfigError(`dreamEpisode: expected lookEvery to be a whole number >= 1, or Infinity, got ${lookEvery}.`);
  }
  const { tokenizer, worldModel } = agent;
  const { context } = worldModel.config;
  const actions = worldModel.config.actions === 'executed' ? executedActions : chosen;
  const tokens = tokensOf(tokenizer, frames);
  const [count, width] = tokens.shape as [number, number];
  const imagined = ndarray('int32', [count, width]);
  imagined.data.set(tokens.data.subarray(0, width));
  const realFrame = (frame: number) =>
    tokens.data.subarray(Math.max(0, frame) * width, (Math.max(0, frame) + 1) * width);
  const window = ndarray('int32', [1, context, width]);
  const past = ndarray('int32', [1, context]);
  let ended = false;
  for (let step = 0; step < actions.length; step++) {
    if (step % lookEvery === 0) {
      for (let age = 0; age < context; age++) {
        const frame = step - context + 1 + age;
        window.data.set(realFrame(frame), age * width);
        past.data[age] = frame < 0 ? worldModel.spec.actionCount : actions[frame]! - agent.actions.first;
      }
      imagined.data.set(realFrame(step), step * width);
      ended = false;
    } else {
      window.data.copyWithin(0, width);
      window.data.set(imagined.data.subarray(step * width, (step + 1) * width), (context - 1) * width);
      past.data.copyWithin(0, 1);
      past.data[context - 1] = actions[step]! - agent.actions.first;
    }
    const next = worldModel.predict({ tokens: window, actions: past });
    const shown = ended ? imagined.data.slice(step * width, (step + 1) * width) : next.tokens.data;
    imagined.data.set(shown, (step + 1) * width);
    ended ||= next.ends[0] === 1;
  }
  const decode = (codes: NdArray<'int32'>) =>
    toBytes(tokenizer.decode({ dtype: 'int32', shape: [count, ...tokenizer.spec.tokenShape], data: codes.data }));
  return { tokens, reconstruction: decode(tokens), imagined: decode(imagined) };
}
