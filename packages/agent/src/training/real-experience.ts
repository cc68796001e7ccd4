// Real steps as the policy learns them: what it thinks of each chunk that it has just played.
import type { ReplayChunk } from '@tessera/rollouts';
import type { Behaviour, Experience } from '../behaviour/behaviour.ts';
import { logProbability } from '../behaviour/choose-actions.ts';
import type { RewardKind } from '../world-model/config.ts';

/**
 * Chunks, with the tokens of all their frames, as experience. The value of a chunk's last frame stands for what follows, whether the episode goes on, was cut
 * by a limit, or is played on in the next chunk; only a terminal state has none. Actions are numbered from `firstAction`; rewards
 * are what the world model says of them too, their signs or their sizes.
 */
export function realExperience(
  behaviour: Behaviour,
  chunks: readonly ReplayChunk[],
  {
    tokens,
    firstAction,
    rewards: kind,
  }: { readonly tokens: readonly Int32Array[]; readonly firstAction: number; readonly rewards: RewardKind },
): Experience[] {
  const width = behaviour.spec.tokens;
  const joined = new Int32Array(tokens.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const own of tokens) {
    joined.set(own, at);
    at += own.length;
  }
  const { logits, values } = behaviour.judge({ dtype: 'int32', shape: [joined.length / width, width], data: joined });
  const count = behaviour.spec.actionCount;
  let row = 0;
  return chunks.map((chunk, i) => {
    const { steps, rewards, terminated } = chunk;
    const first = row;
    row += steps + 1;
    const actions = chunk.actions.map((action) => action - firstAction);
    return {
      tokens: tokens[i]!.subarray(0, steps * width),
      actions,
      logProbabilities: Float32Array.from(actions, (action, step) =>
        logProbability(
          logits.data.subarray((first + step) * count, (first + step + 1) * count) as Float32Array,
          action,
        ),
      ),
      rewards: kind === 'sign' ? rewards.map(Math.sign) : rewards,
      values: values.slice(first, row),
      terminated,
    };
  });
}
