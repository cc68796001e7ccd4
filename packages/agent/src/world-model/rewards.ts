// Rewards as a world model learns them: the class of their sign, or a two-hot code of their size (DreamerV3, Hafner et al. 2023, arXiv 2301.04104, "Symlog
// predictions"): 255 bins, evenly apart in symlog from -20 to 20, between the two nearest of which a reward is shared out.
import type { Generator, NdArray } from '@tessera/core';
import { ndarray } from '@tessera/core';
import {
  abs,
  constant,
  exp,
  f32,
  i32,
  logSoftmax,
  mul,
  neg,
  sign,
  softmax,
  softmaxCrossEntropy,
  sub,
  sum,
} from '@tessera/engine';
import type { Spec, Tensor } from '@tessera/engine';
import { initDense, zeros } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import type { RewardKind, WorldModelConfig } from './config.ts';

const bins = 255;
const limit = 20;
const binWidth = (2 * limit) / (bins - 1);

/** `sign(x) ln(1 + |x|)`: small numbers as they are, large ones by their order. */
export function symlog(x: number): number {
  return Math.sign(x) * Math.log1p(Math.abs(x));
}

/** `sign(x) (e^|x| - 1)`, the inverse of `symlog`. */
export function symexp(x: number): number {
  return Math.sign(x) * Math.expm1(Math.abs(x));
}

/** float32 [rewards, 255]: of each reward two neighbours with weights that sum to 1 and whose mean, in symlog, is the reward; beyond e^20 the last bin. */
export function twoHot(rewards: ArrayLike<number>): NdArray<'float32'> {
  const out = ndarray('float32', [rewards.length, bins]);
  for (let row = 0; row < rewards.length; row++) {
    const place = (Math.min(limit, Math.max(-limit, symlog(rewards[row]!))) + limit) / binWidth;
    const below = Math.min(bins - 2, Math.floor(place));
    out.data[row * bins + below] = 1 - (place - below);
    out.data[row * bins + below + 1] = place - below;
  }
  return out;
}

/** What logits [batch, 255] expect: `symexp(sum softmax(logits) bins)`, [batch]. */
export function expectedReward(logits: Tensor): Tensor {
  const places = ndarray(
    'float32',
    [bins],
    Float32Array.from({ length: bins }, (_, i) => i * binWidth - limit),
  );
  const expected = sum(mul(softmax(logits), constant(places)), { axes: [1] });
  return mul(sign(expected), sub(exp(abs(expected)), 1));
}

/** One way to learn rewards. */
export interface RewardHead {
  /** Numbers that the network says of a reward. */
  readonly outputs: number;
  /** What `targets` gives. */
  spec(batch: number): Spec;
  /** What is learned of rewards float32 [batch]. */
  targets(rewards: Float32Array): NdArray;
  /** The loss of each row of logits [batch, outputs]: [batch]. */
  losses(logits: Tensor, targets: Tensor): Tensor;
  /** [batch]: what is imagined; `pick` decides on a class of logits. */
  imagine(logits: Tensor, pick: (logits: Tensor) => Tensor): Tensor;
  /** The rewards that this stands for. */
  read(imagined: NdArray): Float32Array;
}

/** The ways by name. */
export const rewardHeads: Readonly<Record<RewardKind, RewardHead>> = {
  sign: {
    outputs: 3,
    spec: (batch) => i32(batch),
    targets: (rewards) =>
      ndarray(
        'int32',
        [rewards.length],
        Int32Array.from(rewards, (reward) => Math.sign(reward) + 1),
      ),
    losses: (logits, targets) => softmaxCrossEntropy(logits, targets),
    imagine: (logits, pick) => pick(logits),
    read: ({ data }) => Float32Array.from(data as Int32Array, (index) => index - 1),
  },
  'two-hot': {
    outputs: bins,
    spec: (batch) => f32(batch, bins),
    targets: twoHot,
    losses: (logits, targets) => neg(sum(mul(targets, logSoftmax(logits)), { axes: [1] })),
    imagine: (logits) => expectedReward(logits),
    read: ({ data }) => Float32Array.from(data as Float32Array),
  },
};

/** Starting values of the layer that says the reward. That of a two-hot code starts at 0, so that nothing large is expected before anything has been learned. */
export function initRewardHead(
  generator: Generator,
  { width, reward }: Pick<WorldModelConfig, 'width' | 'reward'>,
): Linear {
  const { outputs } = rewardHeads[reward];
  if (reward === 'two-hot') return { kernel: zeros([width, outputs]), bias: zeros([outputs]) };
  return initDense(generator, { inputs: width, outputs, gain: Math.SQRT1_2 });
}
