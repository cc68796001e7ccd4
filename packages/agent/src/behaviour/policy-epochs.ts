// How a policy learns from a batch of steps, whatever it sees: lambda-returns once, then passes in shuffled minibatches.
import { ConfigError, ShapeError, ndarray } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { checkFinite } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { adamStep } from '@tessera/nn';
import type { AdamState } from '@tessera/nn';
import type { BehaviourConfig } from './config.ts';
import { lambdaReturns } from './lambda-returns.ts';
import type { ReturnOptions } from './lambda-returns.ts';
import type { Judgement } from './networks.ts';
import { policyLoss } from './policy-loss.ts';
import type { PolicyLossConfig, PolicyRows } from './policy-loss.ts';

/** Consecutive steps of one episode, without what the policy saw. */
export interface PolicySteps {
  /** [T], as indices from 0. */
  readonly actions: Int32Array;
  /** [T]: logarithm of the probability that the policy gave each action when it was taken. */
  readonly logProbabilities: Float32Array;
  /** [T], as signs. */
  readonly rewards: ArrayLike<number>;
  /** [T + 1]: the value before each step and after the last. */
  readonly values: Float32Array;
  /** [T]: 1 where the step led to a terminal state; a truncated step counts as 0. */
  readonly terminated: ArrayLike<number>;
}

/** What learning from a batch reports, means over its minibatches. */
export interface BehaviourMetrics {
  readonly policyLoss: number;
  readonly valueLoss: number;
  readonly entropy: number;
  readonly clipped: number;
  readonly gradientNorm: number;
}

/** A column for each row of a batch. */
export interface PolicyTable {
  readonly actions: Int32Array;
  readonly logProbabilities: Float32Array;
  readonly values: Float32Array;
  readonly returns: Float32Array;
}

/** The steps of all stretches one below the other, with their lambda-returns. Throws ShapeError for stretches whose parts do not fit. */
export function policyTable(stretches: readonly PolicySteps[], options: ReturnOptions): PolicyTable {
  const count = stretches.reduce((total, { actions }) => total + actions.length, 0);
  const column = () => new Float32Array(count);
  const table = { actions: new Int32Array(count), logProbabilities: column(), values: column(), returns: column() };
  let at = 0;
  for (const stretch of stretches) {
    const { actions, logProbabilities, rewards, values } = stretch;
    if (logProbabilities.length !== actions.length || rewards.length !== actions.length) {
      throw new ShapeError(
        `learn: ${actions.length} actions need as many probabilities and rewards, got ${logProbabilities.length} and ${rewards.length}.`,
      );
    }
    table.actions.set(actions, at);
    table.logProbabilities.set(logProbabilities, at);
    table.values.set(values.subarray(0, actions.length), at);
    table.returns.set(lambdaReturns(stretch, options), at);
    at += actions.length;
  }
  return table;
}

/** How a table is learned. */
export interface EpochOptions {
  readonly epochs: number;
  /** Rows of a minibatch. */
  readonly minibatch: number;
  /** Shuffles the rows. */
  readonly generator: Generator;
  /** What all advantages are divided by; without it they are normalised in each minibatch. */
  readonly scale?: number;
}

/** The columns of a minibatch, all of its size, padded with rows of weight 0. */
export type PolicyColumns = Readonly<Record<keyof PolicyRows, NdArray>>;

/**
 * Passes over the table in shuffled minibatches; `update` adds what the policy saw in the rows `chosen` and learns. Returns
 * the means of what it reports.
 *
 * Throws ConfigError for an empty table and a minibatch of no rows, and whatever `update` throws; minibatches before it have then been learned.
 */
export function policyEpochs(
  table: PolicyTable,
  { epochs, minibatch, generator, scale }: EpochOptions,
  update: (chosen: readonly number[], columns: PolicyColumns) => Readonly<Record<keyof BehaviourMetrics, NdArray>>,
): BehaviourMetrics {
  if (!Number.isInteger(minibatch) || minibatch < 1) {
    throw new ConfigError(`learn: expected a minibatch of 1 or more rows, got ${minibatch}.`);
  }
  const count = table.actions.length;
  if (count === 0) throw new ConfigError('learn: expected at least one step of experience, got none.');
  const sums = { policyLoss: 0, valueLoss: 0, entropy: 0, clipped: 0, gradientNorm: 0 };
  let minibatches = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = generator.permutation(count);
    for (let start = 0; start < count; start += minibatch) {
      const chosen = order.slice(start, start + minibatch);
      const out = update(chosen, columnsOf(table, chosen, { size: minibatch, scale }));
      for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += out[name].data[0] as number;
      minibatches++;
    }
  }
  return Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [name, sum / minibatches]),
  ) as unknown as BehaviourMetrics;
}

function columnsOf(
  table: PolicyTable,
  chosen: readonly number[],
  { size, scale }: { readonly size: number; readonly scale: number | undefined },
): PolicyColumns {
  const actions = ndarray('int32', [size]);
  const column = () => ndarray('float32', [size]);
  const [logProbabilities, values, returns, advantages, weights] = [column(), column(), column(), column(), column()];
  let [sum, squares] = [0, 0];
  for (const [i, row] of chosen.entries()) {
    actions.data[i] = table.actions[row]!;
    logProbabilities.data[i] = table.logProbabilities[row]!;
    values.data[i] = table.values[row]!;
    returns.data[i] = table.returns[row]!;
    weights.data[i] = 1;
    const advantage = table.returns[row]! - table.values[row]!;
    advantages.data[i] = advantage;
    sum += advantage;
    squares += advantage * advantage;
  }
  const mean = scale === undefined ? sum / chosen.length : 0;
  const deviation = scale ?? Math.sqrt(Math.max(0, squares / chosen.length - mean * mean)) + 1e-6;
  for (let i = 0; i < chosen.length; i++) advantages.data[i] = (advantages.data[i]! - mean) / deviation;
  return { actions, logProbabilities, values, returns, advantages, weights };
}

/** What an update changes, and how. */
export interface PolicyUpdateOptions {
  readonly parameters: unknown;
  readonly adam: Traced<AdamState>;
  readonly learningRate: Tensor;
  /** Weight of the entropy bonus, a scalar. */
  readonly entropy: Tensor;
  readonly config: Omit<PolicyLossConfig, 'entropy' | 'slow'> & Pick<BehaviourConfig, 'clipNorm'>;
  readonly slow?: PolicyLossConfig['slow'];
}

/** One minibatch inside a program: the loss, and a step of Adam that lowers it. A loss that is no number ends the program with NonFiniteError. */
export function policyUpdate(
  judgement: Judgement,
  rows: PolicyRows,
  { parameters, adam, learningRate, entropy: entropyWeight, config, slow }: PolicyUpdateOptions,
): Readonly<Record<'loss' | keyof BehaviourMetrics, Tensor>> {
  const losses = policyLoss(judgement, rows, { ...config, entropy: entropyWeight, ...(slow && { slow }) });
  const loss = checkFinite(losses.total, 'the loss of the policy');
  const { clipNorm } = config;
  const { gradientNorm } = adamStep(loss, parameters, adam, { learningRate, epsilon: 1e-5, clipNorm });
  const { policy, value, entropy, clipped } = losses;
  // What no output needs is not computed, the check included: gradients need the loss's record alone.
  return { loss, policyLoss: policy, valueLoss: value, entropy, clipped, gradientNorm };
}

/** Weight of the entropy bonus where so much of the run is done: a straight line from `entropy` to `endEntropy`, or `entropy` throughout. */
export function entropyAt(
  { entropy, endEntropy }: Pick<BehaviourConfig, 'entropy' | 'endEntropy'>,
  progress: number,
): number {
  if (endEntropy === null) return entropy;
  const share = Math.min(1, Math.max(0, progress));
  return entropy * (1 - share) + endEntropy * share;
}
