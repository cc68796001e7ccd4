// Real steps as the policy learns them: what it thinks of each chunk that it has just played.
import type { NdArray } from '@tessera/core';
import type { ReplayChunk } from '@tessera/rollouts';
import type { Behaviour, Experience } from '../behaviour/behaviour.ts';
import { logProbability } from '../behaviour/choose-actions.ts';
import type { PolicySteps } from '../behaviour/policy-epochs.ts';
import type { RewardKind } from '../world-model/config.ts';

/** What was done in a chunk, and what came of it; actions as the environment takes them. */
export type PlayedSteps = Pick<ReplayChunk, 'actions' | 'rewards' | 'terminated'>;

/** How steps are read. */
export interface StepsAsked {
  /** The action that counts as 0. */
  readonly firstAction: number;
  /** What the world model says of rewards too. */
  readonly rewards: RewardKind;
}

/**
 * Chunks with what the policy says of all their frames: `logits` [frames, actions] and `values` [frames], one more frame than steps in each chunk. The value of
 * a chunk's last frame stands for what follows, whether the episode goes on, was cut by a limit, or is played on in the next chunk; only a terminal state has
 * none. Actions are numbered from `firstAction`; rewards are their signs or their sizes.
 */
export function judgedSteps(
  chunks: readonly PlayedSteps[],
  { logits, values }: { readonly logits: NdArray; readonly values: Float32Array },
  { firstAction, rewards: kind }: StepsAsked,
): PolicySteps[] {
  const count = logits.shape[1]!;
  let row = 0;
  return chunks.map((chunk) => {
    const first = row;
    row += chunk.actions.length + 1;
    const actions = chunk.actions.map((action) => action - firstAction);
    return {
      actions,
      logProbabilities: Float32Array.from(actions, (action, step) =>
        logProbability(
          logits.data.subarray((first + step) * count, (first + step + 1) * count) as Float32Array,
          action,
        ),
      ),
      rewards: kind === 'sign' ? chunk.rewards.map(Math.sign) : chunk.rewards,
      values: values.slice(first, row),
      terminated: chunk.terminated,
    };
  });
}

/** What is known of chunks beside what is in them. */
export interface PlayedChunks extends StepsAsked {
  /** Of each chunk the tokens of all its frames. */
  readonly tokens: readonly Int32Array[];
  /** Of each chunk the log-probabilities of its actions, where another policy than this one took them. */
  readonly logProbabilities?: readonly Float32Array[] | undefined;
}

/** Chunks as experience. */
export function realExperience(
  behaviour: Behaviour,
  chunks: readonly ReplayChunk[],
  { tokens, logProbabilities, ...options }: PlayedChunks,
): Experience[] {
  const width = behaviour.spec.tokens;
  const joined = new Int32Array(tokens.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const own of tokens) {
    joined.set(own, at);
    at += own.length;
  }
  const judgement = behaviour.judge({ dtype: 'int32', shape: [joined.length / width, width], data: joined });
  return judgedSteps(chunks, judgement, options).map((steps, i) => ({
    ...steps,
    ...(logProbabilities !== undefined && { logProbabilities: logProbabilities[i]! }),
    tokens: tokens[i]!.subarray(0, steps.actions.length * width),
  }));
}
