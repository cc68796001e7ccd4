// Real steps as the policy learns them: what it thinks of each chunk that it has just played.
import { ndarray } from '@tessera/core';
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

/** What is known of chunks beside what is in them, one array a chunk. */
export interface PlayedChunks extends StepsAsked {
  /** int32 [(steps + 1) * tokens]. */
  readonly tokens: readonly Int32Array[];
  /** float32 [(steps + 1) * hiddenSize], for a policy with the input `state`. */
  readonly hiddenStates?: readonly Float32Array[] | undefined;
  /** [steps]: the log-probabilities of its actions, where another policy than this one took them. */
  readonly logProbabilities?: readonly Float32Array[] | undefined;
}

/** Chunks as experience. */
export function realExperience(
  behaviour: Behaviour,
  chunks: readonly ReplayChunk[],
  { tokens, hiddenStates, logProbabilities, ...options }: PlayedChunks,
): Experience[] {
  const { tokens: width, hiddenSize, actionCount } = behaviour.spec;
  const rows = tokens.reduce((total, { length }) => total + length, 0) / width;
  const joined = ndarray('int32', [rows, width]);
  joinInto(joined.data, tokens);
  const hiddenState = hiddenStates && ndarray('float32', [rows, hiddenSize]);
  if (hiddenStates !== undefined) joinInto(hiddenState!.data, hiddenStates);
  const judgement = behaviour.judge(joined, { hiddenState });
  return judgedSteps(chunks, judgement, options).map((steps, i) => ({
    ...steps,
    ...(logProbabilities !== undefined && { logProbabilities: logProbabilities[i]! }),
    // A policy that has learned nothing was not asked.
    ...(chunks[i]!.metadata.policyVersion === 0 && {
      logProbabilities: steps.logProbabilities.fill(-Math.log(actionCount)),
    }),
    tokens: tokens[i]!.subarray(0, steps.actions.length * width),
    ...(hiddenStates && { hiddenState: hiddenStates[i]!.subarray(0, steps.actions.length * hiddenSize) }),
  }));
}

function joinInto<A extends Int32Array | Float32Array>(out: A, parts: readonly A[]): void {
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
}
