// Evaluation apart from training: whole episodes, each with a seed of its own, whoever plays them.
import { CancelledError, ConfigError, Generators, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { importEnvironments, isFrameSpace, makeFrames } from '@tessera/rollouts';
import type { BatchPolicy, EnvConfig } from '@tessera/rollouts';
import type { Env } from 'gymnasium-js';

/** Which episodes are played. */
export interface EvaluateOptions {
  readonly env: EnvConfig;
  readonly episodes: number;
  /** Seed of the episodes; the same seed gives every policy the same starts. */
  readonly seed: number;
  /** Longest episode; what is longer is cut and counts as it stands. Default the environment's own limit. */
  readonly maxSteps?: number;
  /** Episodes played side by side; default 32. */
  readonly side?: number;
  readonly signal?: AbortSignal;
}

/** What came out. */
export interface Evaluation {
  readonly meanReturn: number;
  /** Of the mean, over episodes. */
  readonly standardError: number;
  readonly episodes: number;
  readonly meanLength: number;
  /** Episodes that were cut by a limit of steps. */
  readonly truncated: number;
  /** In the order of their seeds. */
  readonly returns: readonly number[];
}

interface Slot {
  readonly env: Env;
  episode: number;
  total: number;
  length: number;
  executed: number | undefined;
  frame: Uint8Array;
}

/**
 * Plays `episodes` whole episodes. Episode k has the k-th seed, and all episodes count, so short ones are not favoured.
 *
 * Throws ConfigError when there is no episode to play or observations are no frames, CancelledError, and whatever the environment or the policy throws.
 */
export async function evaluatePolicy(policy: BatchPolicy, options: EvaluateOptions): Promise<Evaluation> {
  const {
    env: { id, kwargs = {} },
    episodes,
    seed,
    maxSteps,
    side = 32,
    signal,
  } = options;
  if (!Number.isInteger(episodes) || episodes < 1) {
    throw new ConfigError(`evaluatePolicy: expected a number of episodes, 1 or more, got ${episodes}.`);
  }
  if (!Number.isInteger(side) || side < 1) {
    throw new ConfigError(`evaluatePolicy: expected side to be a whole number >= 1, got ${side}.`);
  }
  await importEnvironments(options.env);
  const draw = new Generators(seed).get('evaluation/seeds');
  const seeds = Array.from({ length: episodes }, () => draw.integers(2 ** 31 - 1));
  const results: { total: number; length: number; cut: boolean }[] = [];
  const slots: Slot[] = [];
  let begun = 0;
  const begin = (slot: Slot): void => {
    slot.episode = begun++;
    slot.total = 0;
    slot.length = 0;
    slot.executed = undefined;
    slot.frame = slot.env.reset({ seed: seeds[slot.episode]! }).observation as Uint8Array;
  };
  try {
    for (let i = 0; i < Math.min(side, episodes); i++) {
      const env = makeFrames(id, { ...kwargs, ...(maxSteps !== undefined && { maxEpisodeSteps: maxSteps }) });
      const slot: Slot = { env, episode: 0, total: 0, length: 0, executed: undefined, frame: new Uint8Array() };
      slots.push(slot);
      begin(slot);
    }
    const shape = frameShapeOf(slots[0]!.env);
    for (let playing = [...slots]; playing.length > 0;) {
      if (signal?.aborted) {
        throw new CancelledError('evaluatePolicy: cancelled by the signal.', { cause: signal.reason });
      }
      const actions = policy.act(
        stackFrames(playing, shape),
        playing.map((slot) => slots.indexOf(slot)),
        {
          begins: Uint8Array.from(playing, ({ length }) => (length === 0 ? 1 : 0)),
          executed: playing.map(({ executed }) => executed),
        },
      );
      for (const [i, slot] of playing.entries()) {
        const { observation, reward, terminated, truncated, info } = slot.env.step(actions[i]!);
        slot.executed = (info?.['executedAction'] as number | undefined) ?? actions[i]!;
        slot.frame = observation as Uint8Array;
        slot.total += reward;
        slot.length++;
        if (!terminated && !truncated) continue;
        results[slot.episode] = { total: slot.total, length: slot.length, cut: !terminated };
        if (begun < episodes) begin(slot);
        else slot.episode = -1;
      }
      playing = playing.filter(({ episode }) => episode >= 0);
      // Lets signals in.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    for (const { env } of slots) env.close();
  }
  const returns = results.map(({ total }) => total);
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const meanReturn = mean(returns);
  const variance = returns.reduce((sum, x) => sum + (x - meanReturn) ** 2, 0) / Math.max(1, episodes - 1);
  return {
    meanReturn,
    standardError: Math.sqrt(variance / episodes),
    episodes,
    meanLength: mean(results.map(({ length }) => length)),
    truncated: results.filter(({ cut }) => cut).length,
    returns,
  };
}

function frameShapeOf({ observationSpace }: Env): readonly number[] {
  const space = observationSpace;
  if (isFrameSpace(space)) return space.shape;
  throw new ConfigError(
    `evaluatePolicy: expected an environment of pictures, Box(0, 255, (height, width, channels), uint8), got ${String(space)}.`,
  );
}

function stackFrames(slots: readonly Slot[], shape: readonly number[]): NdArray<'uint8'> {
  const out = ndarray('uint8', [slots.length, ...shape]);
  for (const [i, { frame }] of slots.entries()) out.data.set(frame, i * frame.length);
  return out;
}
