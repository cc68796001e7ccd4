// Imagination: the policy acts in the world model instead of in the environment (Sutton's Dyna, 1991; Ha and Schmidhuber 2018, arXiv 1803.10122).
import type { Generator } from '@tessera/core';
import type { Behaviour, Experience } from '../behaviour/behaviour.ts';
import { pastHidden } from '../world-model/past-hidden.ts';
import { copyRow, copyStarts, lastFrames, pick, setActions, shift, withoutFrame } from '../world-model/windows.ts';
import type { Starts } from '../world-model/windows.ts';
import type { Imagined, WorldModel } from '../world-model/world-model.ts';

/** What imagination is given. */
export interface ImagineOptions {
  readonly worldModel: WorldModel;
  readonly behaviour: Behaviour;
  /**
   * Gives so many states, asked once at the beginning and again for rows whose episode has ended. For a policy with the input `state` they have a frame more than the
   * world model's context.
   */
  readonly starts: (count: number) => Promise<Starts>;
  /** Rows imagined side by side. */
  readonly rows: number;
  /** Steps of each row. */
  readonly horizon: number;
  /** In each row a random action is held for 0 to so many steps before the first one that counts; default 0. */
  readonly explore?: number;
  /** Draws actions, and what the world model draws. */
  readonly generator: Generator;
}

/** What came out. */
export interface Imagination {
  /** One or more stretches a row: an episode that ends in the model is followed by one from another start. */
  readonly experience: readonly Experience[];
  /** Passes of the model times rows. */
  readonly steps: number;
}

/** Lets the policy act in the model for `horizon` steps in each of `rows` rows. Rewards are what the model says; where a row's last step is no end, its value stands for what would follow. */
export async function imagine(options: ImagineOptions): Promise<Imagination> {
  const { worldModel, behaviour, starts, rows, horizon, explore = 0, generator } = options;
  const context = copyStarts(await starts(rows));
  const { tokens: width, hiddenSize } = behaviour.spec;
  const predict = (window: Starts) =>
    worldModel.predict(hiddenSize > 0 ? withoutFrame(window, 'oldest') : window, { generator });
  const look = () =>
    hiddenSize > 0 ? { hiddenState: pastHidden(worldModel, withoutFrame(context, 'newest')) } : undefined;
  const { actionCount } = worldModel.spec;
  let steps = explore > 0 ? exploreStarts(predict, context, { explore, actionCount, generator }) : 0;
  const track = Array.from({ length: rows }, (): Track => ({
    tokens: [],
    hidden: [],
    actions: [],
    logs: [],
    rewards: [],
    values: [],
    ends: [],
  }));
  const experience: Experience[] = [];
  for (let step = 0; step < horizon; step++) {
    const present = lastFrames(context, width);
    const past = look();
    const { actions, logProbabilities, values } = behaviour.act(present, { generator, ...past });
    worldModel.sticky.execute(context, actions, generator);
    const next = predict(context);
    steps += rows;
    const ended: number[] = [];
    for (const [row, own] of track.entries()) {
      own.tokens.push(present.data.subarray(row * width, (row + 1) * width));
      if (past !== undefined) own.hidden.push(past.hiddenState.data.subarray(row * hiddenSize, (row + 1) * hiddenSize));
      own.actions.push(actions[row]!);
      own.logs.push(logProbabilities[row]!);
      own.rewards.push(next.rewards[row]!);
      own.values.push(values[row]!);
      own.ends.push(next.ends[row]!);
      if (next.ends[row] === 1) ended.push(row);
    }
    shift(context, next.tokens, width);
    if (ended.length > 0 && step < horizon - 1) {
      const fresh = await starts(ended.length);
      for (const [i, row] of ended.entries()) {
        experience.push(finish(track[row]!, 0, width));
        track[row] = { tokens: [], hidden: [], actions: [], logs: [], rewards: [], values: [], ends: [] };
        copyRow(fresh.tokens, i, context.tokens, row);
        copyRow(fresh.actions, i, context.actions, row);
      }
    }
  }
  const { values } = behaviour.judge(lastFrames(context, width), look());
  for (const [row, own] of track.entries()) experience.push(finish(own, values[row]!, width));
  return { experience, steps };
}

interface Track {
  readonly tokens: Int32Array[];
  readonly hidden: Float32Array[];
  readonly actions: number[];
  readonly logs: number[];
  readonly rewards: number[];
  readonly values: number[];
  readonly ends: number[];
}

function finish(
  { tokens, hidden, actions, logs, rewards, values, ends }: Track,
  lastValue: number,
  width: number,
): Experience {
  const seen = new Int32Array(tokens.length * width);
  for (const [i, row] of tokens.entries()) seen.set(row, i * width);
  const size = hidden[0]?.length ?? 0;
  const hiddenState = new Float32Array(hidden.length * size);
  for (const [i, row] of hidden.entries()) hiddenState.set(row, i * size);
  return {
    tokens: seen,
    ...(size > 0 && { hiddenState }),
    actions: Int32Array.from(actions),
    logProbabilities: Float32Array.from(logs),
    rewards,
    values: Float32Array.from([...values, lastValue]),
    terminated: ends,
  };
}

/** Holds one random action for a random time in each row; a row whose episode ends stays before its end. Returns the steps imagined. */
function exploreStarts(
  predict: (window: Starts) => Imagined,
  context: Starts,
  {
    explore,
    actionCount,
    generator,
  }: { readonly explore: number; readonly actionCount: number; readonly generator: Generator },
): number {
  const rows = context.tokens.shape[0]!;
  const width = context.tokens.shape[2]!;
  const held = Int32Array.from({ length: rows }, () => generator.integers(actionCount));
  const left = Int32Array.from({ length: rows }, () => generator.integers(explore + 1));
  let steps = 0;
  for (;;) {
    const going = [...left.keys()].filter((row) => left[row]! > 0);
    if (going.length === 0) return steps;
    setActions(context, held);
    const part = { tokens: pick(context.tokens, going), actions: pick(context.actions, going) };
    const next = predict(part);
    steps += going.length;
    shift(part, next.tokens, width);
    for (const [i, row] of going.entries()) {
      left[row] = next.ends[i] === 1 ? 0 : left[row]! - 1;
      if (next.ends[i] === 1) continue;
      copyRow(part.tokens, i, context.tokens, row);
      copyRow(part.actions, i, context.actions, row);
    }
  }
}
