// Policy and value as plain functions inside a program: code embeddings of all tokens, two shared hidden layers, two heads.
import { elementCount } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, gather, matMul, relu, reshape } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { conv, dense, initEmbedding, normal, orthogonal, zeros } from '@tessera/nn';
import type { Linear } from '@tessera/nn';
import type { BehaviourConfig } from './config.ts';

/** What the networks are built for. */
export interface BehaviourSpec {
  /** Tokens of a frame. */
  readonly tokens: number;
  /** Rows and columns of them. */
  readonly grid: readonly [rows: number, columns: number];
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
  readonly stem?: Linear;
  readonly hidden: readonly Linear[];
  readonly policy: Linear;
  readonly value: Linear;
}

/** Starting values: orthogonal, with a policy head so small that every action begins equally likely. */
export function initBehaviour(
  generator: Generator,
  { embedding, stem, hidden, layers }: BehaviourConfig,
  { tokens, vocabulary, codeDim, actionCount }: BehaviourSpec,
): BehaviourParameters {
  const layer = (inputs: number, outputs: number, gain: number): Linear => ({
    kernel: orthogonal(generator, [inputs, outputs], gain),
    bias: zeros([outputs]),
  });
  return {
    table: initEmbedding(generator, { vocabulary, width: embedding, deviation: 1 }),
    codes: normal(generator, [codeDim, embedding], Math.sqrt(1 / codeDim)),
    ...(stem > 0 && { stem: convolution(layer(9 * embedding, stem, Math.SQRT2), embedding) }),
    hidden: Array.from({ length: layers }, (_, i) =>
      layer(i === 0 ? tokens * (stem > 0 ? stem : embedding) : hidden, hidden, Math.SQRT2),
    ),
    policy: layer(hidden, actionCount, 0.01),
    value: layer(hidden, 1, 1),
  };
}

/** The same numbers as a 3x3 kernel. */
function convolution({ kernel, bias }: Linear, inputs: number): Linear {
  return { kernel: { ...kernel, shape: [3, 3, inputs, bias.shape[0]!] }, bias };
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
  { table, codes: projection, stem, hidden, policy, value }: Traced<BehaviourParameters>,
  { tokens, codes, grid }: { readonly tokens: Tensor; readonly codes: Tensor; readonly grid: BehaviourSpec['grid'] },
): Judgement {
  const [batch] = tokens.shape as [number, number];
  const embedded = gather(add(table, matMul(codes, projection)), tokens); // [batch, tokens, embedding]
  const seen =
    stem === undefined ? embedded : relu(conv(stem, reshape(relu(embedded), [batch, ...grid, table.shape[1]!])));
  let x = reshape(seen, [batch, elementCount(seen.shape) / batch]);
  for (const layer of hidden) x = relu(dense(layer, x));
  return { logits: dense(policy, x), values: reshape(dense(value, x), [batch]) };
}
