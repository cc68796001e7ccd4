// What a kind of world model is: starting values, a lesson and a way to imagine, as plain functions inside programs. `WorldModel` does the rest for all of them.
import type { Generator, NdArray } from '@tessera/core';
import { argMax, categorical, log, maximum, mul, neg, reshape, slice, sum } from '@tessera/engine';
import type { Spec, Tensor, Traced } from '@tessera/engine';
import type { WorldModelConfig } from './config.ts';
import type { Prediction, Seen, WorldModelSpec } from './model.ts';
import type { Transitions } from './world-model.ts';

/** What a model is built by and for. */
export interface ModelSettings {
  readonly config: WorldModelConfig;
  readonly spec: WorldModelSpec;
}

/** Logits of what a step brings besides a frame: the reward [batch, signs or bins] and the end [batch, 2]. */
export interface Outcome {
  readonly rewards: Tensor;
  readonly ends: Tensor;
}

/** What a lesson says of tokens, and the outcome. */
export interface Learned extends Outcome {
  /** The mean cross-entropy of tokens, a scalar. */
  readonly tokenLoss: Tensor;
  /** Row by row what `tokenLoss` is the mean of: [batch]. Made when it is asked for, so that nobody else pays for it. */
  tokenLosses(): Tensor;
}

/** How what is not certain is decided. */
export interface Choice {
  /** Picks a class of logits [batch, ..., classes]: int32 [batch, ...]. */
  pick(logits: Tensor): Tensor;
  /** What is drawn by the logarithm of its probability gets these added to it first, [batch, count]; undefined where nothing is drawn. */
  noise?(count: number): Tensor;
}

/** A kind of world model with parameters `P`. */
export interface Dynamics<P extends object> {
  init(generator: Generator, settings: ModelSettings): P;
  /** How often a row asks for a class of a token or for noise. */
  choices(settings: ModelSettings): number;
  /** What training takes besides transitions, for a batch of this size. */
  inputs(settings: ModelSettings, batch: number): Readonly<Record<string, Spec>>;
  /** The arrays of `inputs` for transitions; `update` counts the updates before. */
  arrays(settings: ModelSettings, transitions: Transitions, update: number): Readonly<Record<string, NdArray>>;
  /** What a lesson says; it has `nextTokens` and the tensors of `inputs`. */
  learn(parameters: Traced<P>, settings: ModelSettings, lesson: Seen & Readonly<Record<string, Tensor>>): Learned;
  /** Numbers of `hidden`. */
  hiddenSize(settings: ModelSettings): number;
  /** What the model has in mind when it has seen these frames and actions and nothing yet of the next frame: [batch, hiddenSize], after the last norm. */
  hidden(parameters: Traced<P>, settings: ModelSettings, seen: Seen): Tensor;
  /** The logits of the next frame given those before it alone; left out where a token's depend on others of its own frame. */
  predict?(parameters: Traced<P>, settings: ModelSettings, seen: Seen): Prediction;
  /** The next frame, int32 [batch, tokens], and the outcome. */
  imagine(
    parameters: Traced<P>,
    settings: ModelSettings,
    options: { readonly seen: Seen; readonly choice: Choice },
  ): Outcome & { readonly tokens: Tensor };
}

/** Tokens of a frame. */
export function tokensIn({ grid: [rows, columns] }: WorldModelSpec): number {
  return rows * columns;
}

/** The losses of tokens whose weights add up to 1 in the whole batch, [batch, tokens]. */
export function weighted(losses: Tensor): Pick<Learned, 'tokenLoss' | 'tokenLosses'> {
  return { tokenLoss: sum(losses), tokenLosses: () => mul(sum(losses, { axes: [1] }), losses.shape[0]!) };
}

/** The most likely class. */
export const likeliest: Choice = { pick: (logits) => argMax(logits) };

/** Classes drawn from `softmax(logits / temperature)`, and Gumbel noise times the temperature, each by a number of its own out of `chances` [batch, choices], in the order in which they are asked for. */
export function drawnBy(chances: Tensor, temperature: number): Choice {
  const batch = chances.shape[0]!;
  let used = 0;
  const next = (count: number): Tensor => {
    const own = slice(chances, [0, used], [batch, count]);
    used += count;
    return own;
  };
  return {
    pick(logits) {
      const shape = logits.shape.slice(0, -1);
      const count = shape.slice(1).reduce((product, size) => product * size, 1);
      const flat = reshape(logits, [batch * count, logits.shape.at(-1)!]);
      return reshape(categorical(mul(flat, 1 / temperature), reshape(next(count), [batch * count])), shape);
    },
    noise: (count) => mul(log(neg(log(maximum(next(count), 1e-30)))), -temperature),
  };
}
