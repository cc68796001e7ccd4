// The losses of a policy and its value function: of proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347, equations 7 and 9), with the clipped value
// loss of its authors' code, and of REINFORCE with a baseline (Williams 1992), as IRIS (arXiv 2209.00588, equations 7 and 8) and DreamerV2 learn by it.
import {
  add,
  div,
  exp,
  equal,
  fill,
  maximum,
  minimum,
  mul,
  neg,
  square,
  stopGradient,
  sub,
  sum,
  logSoftmax,
  softmaxCrossEntropy,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { BehaviourConfig, PolicyObjective } from './config.ts';
import type { Judgement } from './networks.ts';

/** The settings of the loss. */
export interface PolicyLossConfig extends Pick<BehaviourConfig, 'clip' | 'valueWeight'> {
  /** Default `ppo`. */
  readonly objective?: PolicyObjective;
  /** A number, or a scalar tensor such as an input of the program. */
  readonly entropy: number | Tensor;
  /** What a slow critic says of the rows, [batch], and how much the value function is held to that. */
  readonly slow?: { readonly values: Tensor; readonly weight: number };
}

/** Rows of experience with what was thought of them when they were made; all [batch] float32 but `actions`, int32. */
export interface PolicyRows {
  readonly actions: Tensor;
  readonly logProbabilities: Tensor;
  readonly values: Tensor;
  readonly returns: Tensor;
  readonly advantages: Tensor;
  /** 1 for a row, 0 for padding. */
  readonly weights: Tensor;
}

/** The losses of a minibatch, scalars. */
export interface PolicyLosses {
  /** What training lowers. */
  readonly total: Tensor;
  readonly policy: Tensor;
  readonly value: Tensor;
  /** Mean entropy of the policy, in nats. */
  readonly entropy: Tensor;
  /** Share of the rows whose ratio lies outside the clip range; 0 with REINFORCE, which has none. */
  readonly clipped: Tensor;
}

/**
 * `policy + valueWeight value - entropy E[H]`, with `r = pi(a) / pi_old(a)`, advantages A and returns R:
 *
 * | objective | policy                       | value                                  |
 * | --------- | ---------------------------- | -------------------------------------- |
 * | ppo       | `-E[min(r A, clip(r) A)]`    | `E[max((v - R)^2, (clip(v) - R)^2)]`   |
 * | reinforce | `-E[log pi(a) A]`            | `E[(v - R)^2]`                         |
 *
 * A slow critic adds `weight E[(v - v_slow)^2]` to the value loss. Returns, advantages and what the slow critic says are given; no gradient passes through them.
 */
export function policyLoss(
  { logits, values }: Judgement,
  rows: PolicyRows,
  { objective = 'ppo', clip, valueWeight, entropy: entropyWeight, slow }: PolicyLossConfig,
): PolicyLosses {
  const count = maximum(sum(rows.weights), 1);
  const average = (x: Tensor) => div(sum(mul(x, rows.weights)), count);
  const logProbability = neg(softmaxCrossEntropy(logits, rows.actions));
  const parts = { logProbability, values, rows, clip };
  const { gain, miss, within } = objective === 'ppo' ? clippedTerms(parts) : plainTerms(parts);
  const policy = neg(average(gain));
  const near = average(miss);
  const value =
    slow === undefined ? near : add(near, mul(average(square(sub(values, stopGradient(slow.values)))), slow.weight));
  const all = logSoftmax(logits);
  const entropy = average(neg(sum(mul(exp(all), all), { axes: [-1] })));
  const total = add(sub(policy, mul(entropy, entropyWeight)), mul(value, valueWeight));
  const clipped = sub(1, average(within));
  return { total, policy, value, entropy, clipped };
}

interface LossParts extends Pick<PolicyLossConfig, 'clip'> {
  readonly logProbability: Tensor;
  readonly values: Tensor;
  readonly rows: PolicyRows;
}

/** What rows gain, how far their values miss, and 1 where nothing was clipped; each [batch]. */
type Terms = Readonly<Record<'gain' | 'miss' | 'within', Tensor>>;

function clippedTerms({ logProbability, values, rows, clip }: LossParts): Terms {
  const ratio = exp(sub(logProbability, rows.logProbabilities));
  const near = minimum(maximum(ratio, 1 - clip), 1 + clip);
  const nearValue = add(rows.values, minimum(maximum(sub(values, rows.values), -clip), clip));
  return {
    gain: minimum(mul(ratio, rows.advantages), mul(near, rows.advantages)),
    miss: maximum(square(sub(values, rows.returns)), square(sub(nearValue, rows.returns))),
    within: equal(ratio, near),
  };
}

function plainTerms({ logProbability, values, rows }: LossParts): Terms {
  return {
    gain: mul(logProbability, rows.advantages),
    miss: square(sub(values, rows.returns)),
    within: fill(rows.weights.shape, 1),
  };
}
