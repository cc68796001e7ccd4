// Policy and value as plain functions inside a program: code embeddings of all tokens, two shared hidden layers, two heads.
import type { Generator, NdArray } from '@tessera/core';
import { add, gather, matMul, relu, reshape } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { dense, initEmbedding, normal, orthogonal, zeros } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import type { BehaviourConfig } from './config.ts';

/** What the networks are built for. */
export interface BehaviourSpec {
  /** Tokens of a frame. */
  readonly tokens: number;
  readonly vocabulary: number;
  readonly codeDim: number;
  readonly actionCount: number;
}

/** Parameters of policy and value. */
export interface BehaviourParameters {
  /** [vocabulary, embedding]: learned for each code. */
  readonly table: NdArray<'float32'>;
  /** [codeDim, embedding]: what codes that lie together have in common. */
  readonly codes: NdArray<'float32'>;
  readonly first: Linear;
  readonly second: Linear;
  readonly policy: Linear;
  readonly value: Linear;
}

/** Starting values: orthogonal, with a policy head so small that every action begins equally likely. */
export function initBehaviour(
  generator: Generator,
  { embedding, hidden }: BehaviourConfig,
  { tokens, vocabulary, codeDim, actionCount }: BehaviourSpec,
): BehaviourParameters {
  const layer = (inputs: number, outputs: number, gain: number): Linear => ({
    kernel: orthogonal(generator, [inputs, outputs], gain),
    bias: zeros([outputs]),
  });
  return {
    table: initEmbedding(generator, { vocabulary, width: embedding, deviation: 1 }),
    codes: normal(generator, [codeDim, embedding], Math.sqrt(1 / codeDim)),
    first: layer(tokens * embedding, hidden, Math.SQRT2),
    second: layer(hidden, hidden, Math.SQRT2),
    policy: layer(hidden, actionCount, 0.01),
    value: layer(hidden, 1, 1),
  };
}

/** What the networks say of states. */
export interface Judgement {
  /** [batch, actionCount]. */
  readonly logits: Tensor;
  /** [batch]. */
  readonly values: Tensor;
}

/** `tokens` int32 [batch, tokens] and `codes` float32 [vocabulary, codeDim] to logits and values. */
export function judge(
  { table, codes: projection, first, second, policy, value }: Traced<BehaviourParameters>,
  { tokens, codes }: { readonly tokens: Tensor; readonly codes: Tensor },
): Judgement {
  const [batch, count] = tokens.shape as [number, number];
  const embedded = gather(add(table, matMul(codes, projection)), tokens); // [batch, tokens, embedding]
  const flat = reshape(embedded, [batch, count * table.shape[1]!]);
  const hidden = relu(dense(second, relu(dense(first, flat))));
  return { logits: dense(policy, hidden), values: reshape(dense(value, hidden), [batch]) };
}
