// How well a world model predicts transitions, beside the answer that does not look at the action: the last frame again.
import type { Transitions, WorldModel } from './world-model.ts';

/** Shares in [0, 1], NaN where there was nothing to be right about. */
export interface Accuracy {
  readonly transitions: number;
  /** Of all next tokens, predicted right. */
  readonly tokens: number;
  /** Of those that differ from the token before. */
  readonly changedTokens: number;
  /** Of frames predicted right in every token. */
  readonly frames: number;
  /** Of all next tokens that the last frame has right; of the changed ones it has none. */
  readonly copyLastFrame: number;
  /** F1 of "the reward is not 0", sign included; what is said counts as 0 below half of the smallest true one, and at most 0.5. */
  readonly rewardF1: number;
  /** F1 of "the episode ends". */
  readonly endF1: number;
}

/** Measures one-step predictions on transitions that the model has not learned from. */
export function measureAccuracy(worldModel: WorldModel, batch: Transitions): Accuracy {
  const { tokens, rewards, ends } = worldModel.predict(batch);
  const [rows, context, width] = batch.tokens.shape as [number, number, number];
  // Rewards that are predicted by their size are never quite 0.
  const smallest = batch.rewards.data.reduce(
    (least, reward) => (reward === 0 ? least : Math.min(least, Math.abs(reward))),
    1,
  );
  const signOf = (reward: number) => (Math.abs(reward) < smallest / 2 ? 0 : Math.sign(reward));
  const counts = { right: 0, changed: 0, changedRight: 0, frames: 0, same: 0 };
  const reward = { hit: 0, said: 0, true: 0 };
  const end = { hit: 0, said: 0, true: 0 };
  for (let row = 0; row < rows; row++) {
    let whole = true;
    for (let i = 0; i < width; i++) {
      const truth = batch.nextTokens.data[row * width + i]!;
      const before = batch.tokens.data[(row * context + context - 1) * width + i]!;
      const right = tokens.data[row * width + i] === truth;
      if (right) counts.right++;
      else whole = false;
      if (truth === before) counts.same++;
      else {
        counts.changed++;
        if (right) counts.changedRight++;
      }
    }
    if (whole) counts.frames++;
    tally(reward, signOf(rewards[row]!), Math.sign(batch.rewards.data[row]!));
    tally(end, ends[row]!, batch.terminated.data[row]!);
  }
  const all = rows * width;
  return {
    transitions: rows,
    tokens: counts.right / all,
    changedTokens: counts.changedRight / counts.changed,
    frames: counts.frames / rows,
    copyLastFrame: counts.same / all,
    rewardF1: f1(reward),
    endF1: f1(end),
  };
}

interface Tally {
  hit: number;
  said: number;
  true: number;
}

function tally(counts: Tally, said: number, truth: number): void {
  if (said !== 0) counts.said++;
  if (truth !== 0) counts.true++;
  if (said !== 0 && said === truth) counts.hit++;
}

function f1(counts: Tally): number {
  return (2 * counts.hit) / (counts.said + counts.true);
}
