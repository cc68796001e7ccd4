// The loss of proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347, equations 7 and 9), with the clipped value loss of its authors' code.
import {
  add,
  div,
  exp,
  equal,
  maximum,
  minimum,
  mul,
  neg,
  square,
  sub,
  sum,
  logSoftmax,
  softmaxCrossEntropy,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { BehaviourConfig } from './config.ts';
import type { Judgement } from './networks.ts';

/** The settings of the loss. */
export type PolicyLossConfig = Pick<BehaviourConfig, 'clip' | 'valueWeight'>;

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
  /** Share of the rows whose ratio lies outside the clip range. */
  readonly clipped: Tensor;
}

/** `E[-min(r A, clip(r) A)] + valueWeight E[max((v - R)^2, (clip(v) - R)^2)] - entropyWeight E[H]` with `r = pi(a) / pi_old(a)`. */
export function policyLoss(
  { logits, values }: Judgement,
  rows: PolicyRows,
  { clip, valueWeight, entropyWeight }: PolicyLossConfig & { readonly entropyWeight: Tensor | number },
): PolicyLosses {
  const count = maximum(sum(rows.weights), 1);
  const average = (x: Tensor) => div(sum(mul(x, rows.weights)), count);
  const logProbability = neg(softmaxCrossEntropy(logits, rows.actions));
  const ratio = exp(sub(logProbability, rows.logProbabilities));
  const near = minimum(maximum(ratio, 1 - clip), 1 + clip);
  const policy = neg(average(minimum(mul(ratio, rows.advantages), mul(near, rows.advantages))));
  const nearValue = add(rows.values, minimum(maximum(sub(values, rows.values), -clip), clip));
  const value = average(maximum(square(sub(values, rows.returns)), square(sub(nearValue, rows.returns))));
  const all = logSoftmax(logits);
  const entropy = average(neg(sum(mul(exp(all), all), { axes: [-1] })));
  const total = add(sub(policy, mul(entropy, entropyWeight)), mul(value, valueWeight));
  const clipped = sub(1, average(equal(ratio, near)));
  return { total, policy, value, entropy, clipped };
}
