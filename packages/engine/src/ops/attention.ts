// Self-attention of whole sequences (Vaswani et al. 2017, arXiv 1706.03762). Our TensorFlow kernels make it without the scores of all pairs of tokens, block by block;
// elsewhere, and with a bias that learns, it is the products and the softmax that one would write by hand.
import { ConfigError, InternalError, ShapeError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { defineOp } from '../record/op.ts';
import type { Op } from '../record/op.ts';
import { activeRecorder, apply, applyOne } from '../record/recorder.ts';
import type { Spec, Tensor } from '../record/tensor.ts';
import { add, mul } from './arithmetic.ts';
import { constant } from './constant.ts';
import { onceDifferentiable } from './gradient-op.ts';
import { matMul } from './matmul.ts';
import { broadcastTo, reshape, slice, transpose } from './shape.ts';
import { expectFloat, expectRank, sameShape, shapeText } from './shapes.ts';
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

const attentionOp: Op<AttentionAttrs> = defineOp<AttentionAttrs>({
  name: 'attention',
  infer: ([qkv]) => [{ shape: [...qkv!.shape.slice(0, 2), qkv!.shape[2]! / 3], dtype: 'float32' }],
  kernel: graphOnly,
  graph: (g, [qkv, bias], { heads }) => [g.node('TesseraAttention', [qkv!, g.int(heads), bias!])],
  flops: ([qkv]) => 2 * pairFlops(qkv!),
});

/** How attention looks at its tokens. */
export interface AttentionOptions {
  readonly heads: number;
  /** Added to the scores before the softmax: [heads, tokens, tokens]. */
  readonly bias?: Tensor | undefined;
  /** Whether nobody wants gradients: then it may be one op where it is otherwise several. */
  readonly inference?: boolean;
}

function checkHeads(op: string, qkv: Tensor, heads: number): void {
  expectFloat(op, qkv);
  expectRank(op, 'queries, keys and values', qkv, 3);
  if (!(Number.isInteger(heads) && heads >= 1 && Number.isInteger(qkv.shape[2]! / 3 / heads))) {
    throw new ConfigError(`${op}: a width of ${qkv.shape[2]! / 3} does not divide into ${heads} heads.`);
  }
}

/**
 * `softmax(Q K^T / sqrt(depth) + bias) V`: qkv [batch, tokens, 3 * width] has queries, keys and values side by side, each of them head by head; the result is
 * [batch, tokens, width]. Throws ConfigError when the heads do not divide the width and ShapeError for another bias.
 */
export function attention(qkv: Tensor, { heads, bias, inference = false }: AttentionOptions): Tensor {
  checkHeads('attention', qkv, heads);
  const [batch, tokens, total] = qkv.shape as [number, number, number];
  const depth = total / 3 / heads;
  if (bias !== undefined && !sameShape(bias.shape, [heads, tokens, tokens])) {
    throw new ShapeError(`attention: expected a bias [${heads}, ${tokens}, ${tokens}], got ${shapeText(bias.shape)}.`);
  }
  if (inference && bias !== undefined && activeRecorder('attention').ownKernels) {
    return applyOne(attentionOp, [qkv, bias], { heads });
  }
  const split = transpose(reshape(qkv, [batch, tokens, 3, heads, depth]), [2, 0, 3, 1, 4]); // [3, batch, heads, tokens, depth]
  const part = (i: number) =>
    reshape(slice(split, [i, 0, 0, 0, 0], [1, batch, heads, tokens, depth]), [batch, heads, tokens, depth]);
  const scores = mul(matMul(part(0), part(1), { transposeB: true }), 1 / Math.sqrt(depth)); // [batch, heads, tokens, tokens]
  const mixed = matMul(softmax(bias === undefined ? scores : add(scores, bias)), part(2));
  return reshape(transpose(mixed, [0, 2, 1, 3]), [batch, tokens, total / 3]);
}

/**
 * `softmax(Q K^T / sqrt(depth), of the own token and earlier ones) V`: as `attention`, with a bias that hides what comes later. With our TensorFlow kernels it is once
 * differentiable. Throws ConfigError when the heads do not divide the width.
 */
export function causalAttention(qkv: Tensor, { heads }: { readonly heads: number }): Tensor {
  checkHeads('causalAttention', qkv, heads);
  if (activeRecorder('causalAttention').ownKernels) return apply(causalAttentionOp, [qkv], { heads })[0]!;
  const tokens = qkv.shape[1]!;
  return attention(qkv, { heads, bias: broadcastTo(constant(causalBias(tokens)), [heads, tokens, tokens]) });
}
