// Causal self-attention of whole sequences (Vaswani et al. 2017, arXiv 1706.03762). Our TensorFlow kernels make it without the scores of all pairs of tokens, block by
// block; elsewhere it is the products and the softmax that one would write by hand.
import { ConfigError, InternalError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { activeRecorder, apply, applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { constant } from './constant.ts';
import { onceDifferentiable } from './gradient-op.ts';
import { matMul } from './matmul.ts';
import { reshape, slice, transpose } from './shape.ts';
import { expectFloat, expectRank, shapeText } from './shapes.ts';
import { softmax } from './softmax.ts';

interface AttentionAttrs {
  readonly heads: number;
}

function graphOnly(): never {
  throw new InternalError('causalAttention was recorded as one op for a backend that has none');
}

// Outputs: the mixed values, and the logarithms of the sums of each softmax [batch, heads, tokens].
const causalAttentionOp: Op<AttentionAttrs> = defineOp<AttentionAttrs>({
  name: 'causalAttention',
  infer: ([qkv], { heads }) => {
    const [batch, tokens, width] = qkv!.shape as [number, number, number];
    return [
      { shape: [batch, tokens, width / 3], dtype: 'float32' },
      { shape: [batch, heads, tokens], dtype: 'float32' },
    ];
  },
  gradient: ({ inputs: [qkv], outputs: [y, logSums], attrs }, [dy]) =>
    dy === undefined ? [] : [applyOne(causalAttentionGradOp, [dy, qkv!, y!, logSums!], attrs)],
  kernel: graphOnly,
  graph: (g, [qkv], { heads }) => g.nodes('TesseraCausalAttention', [qkv!, g.int(heads)], 2),
  flops: ([qkv]) => 2 * pairFlops(qkv!),
});

const causalAttentionGradOp: Op<AttentionAttrs> = defineOp<AttentionAttrs>({
  name: 'causalAttentionGrad',
  gradient: onceDifferentiable('causalAttention'),
  infer: ([, qkv]) => [{ shape: qkv!.shape, dtype: 'float32' }],
  kernel: graphOnly,
  graph: (g, [dy, qkv, y, logSums], { heads }) => [
    g.node('TesseraCausalAttentionGrad', [qkv!, g.int(heads), dy!, y!, logSums!]),
  ],
  flops: ([, qkv]) => 4 * pairFlops(qkv!),
});

/** Of one product of all pairs of tokens, counted in full: what the products by hand are counted as. */
function pairFlops({ shape: [batch, tokens, width] }: Spec): number {
  return 2 * batch! * tokens! * tokens! * (width! / 3);
}

/** A bias of scores that hides later tokens: [tokens, tokens], 0 on and below the diagonal, -1e9 above. */
function causalBias(tokens: number): NdArray<'float32'> {
  const bias = ndarray('float32', [tokens, tokens]);
  for (let i = 0; i < tokens; i++) bias.data.fill(-1e9, i * tokens + i + 1, (i + 1) * tokens);
  return bias;
}

/**
 * `softmax(Q K^T / sqrt(depth), of the own token and earlier ones) V`: qkv [batch, tokens, 3 * width] has queries, keys and values side by side, each of them head by
 * head; the result is [batch, tokens, width]. Differentiable, with our TensorFlow kernels once. Throws ConfigError when the heads do not divide the width.
 */
export function causalAttention(qkv: Tensor, { heads }: { readonly heads: number }): Tensor {
  expectFloat('causalAttention', qkv);
  expectRank('causalAttention', 'queries, keys and values', qkv, 3);
  const [batch, tokens, total] = qkv.shape as [number, number, number];
  const depth = total / 3 / heads;
  if (!(Number.isInteger(heads) && heads >= 1 && Number.isInteger(depth))) {
    throw new ConfigError(
      `causalAttention: ${shapeText(qkv.shape)} does not divide into queries, keys and values of ${heads} heads.`,
    );
  }
  if (activeRecorder('causalAttention').ownKernels) return apply(causalAttentionOp, [qkv], { heads })[0]!;
  const split = transpose(reshape(qkv, [batch, tokens, 3, heads, depth]), [2, 0, 3, 1, 4]);
  const part = (i: number) =>
    reshape(slice(split, [i, 0, 0, 0, 0], [1, batch, heads, tokens, depth]), [batch * heads, tokens, depth]);
  const scores = mul(matMul(part(0), part(1), { transposeB: true }), 1 / Math.sqrt(depth)); // [batch * heads, tokens, tokens]
  const mixed = matMul(softmax(add(scores, constant(causalBias(tokens)))), part(2));
  return reshape(transpose(reshape(mixed, [batch, heads, tokens, depth]), [0, 2, 1, 3]), [batch, tokens, total / 3]);
}
