// Attention and transformer blocks in the pre-norm form (Vaswani et al. 2017, arXiv 1706.03762; Xiong et al. 2020, arXiv 2002.04745).
import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { add, attention as attentionOf, causalAttention, gelu, relu } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { dense, initDense } from './linear.ts';
import type { Linear } from './linear.ts';
import { initNorm, norm } from './norms.ts';
import type { Norm } from './norms.ts';

/** Parameters of self-attention: one product makes queries, keys and values. */
export interface Attention {
  /** [width, 3 * width]: queries, keys, values, each head by head. */
  readonly qkv: Linear;
  readonly output: Linear;
}

/** Starting values for `width` channels. */
export function initAttention(generator: Generator, width: number): Attention {
  const gain = Math.SQRT1_2;
  return {
    qkv: initDense(generator, { inputs: width, outputs: 3 * width, gain }),
    output: initDense(generator, { inputs: width, outputs: width, gain }),
  };
}

/** How attention looks at its tokens. */
export interface AttentionOptions {
  readonly heads: number;
  /** Added to the scores before the softmax: [heads, tokens, tokens]. */
  readonly bias?: Tensor;
  /** Whether a token sees itself and those before it alone; default no. Not together with a bias. */
  readonly causal?: boolean;
  /** Whether nobody wants gradients, default no: an engine may then do more at once. */
  readonly inference?: boolean;
}

/** Multi-head self-attention: [batch, tokens, width] to the same shape. Throws ConfigError when `heads` does not divide the width, and for a bias of causal attention. */
export function attention(
  parameters: Traced<Attention>,
  x: Tensor,
  { heads, bias, causal = false, inference = false }: AttentionOptions,
): Tensor {
  if (causal && bias !== undefined) throw new ConfigError('attention: expected a bias or causal, got both.');
  const qkv = dense(parameters.qkv, x);
  const mixed = causal ? causalAttention(qkv, { heads }) : attentionOf(qkv, { heads, bias, inference });
  return dense(parameters.output, mixed);
}

/** Parameters of a transformer block. */
export interface Block {
  readonly attentionNorm: Norm;
  readonly attention: Attention;
  readonly mlpNorm: Norm;
  readonly up: Linear;
  readonly down: Linear;
}

/** Starting values; the MLP is `expansion` times as wide as the block, 4 by default. */
export function initBlock(
  generator: Generator,
  { width, expansion = 4 }: { width: number; expansion?: number },
): Block {
  return {
    attentionNorm: initNorm(width),
    attention: initAttention(generator, width),
    mlpNorm: initNorm(width),
    up: initDense(generator, { inputs: width, outputs: expansion * width }),
    down: initDense(generator, { inputs: expansion * width, outputs: width, gain: Math.SQRT1_2 }),
  };
}

/** How a block is built. */
export interface BlockOptions extends AttentionOptions {
  /** Between the two layers of the MLP; GELU by default, ReLU is the cheaper one. */
  readonly activation?: 'gelu' | 'relu';
}

/** `x + attention(norm(x))`, then `x + mlp(norm(x))`: [batch, tokens, width] to the same shape. */
export function block(parameters: Traced<Block>, x: Tensor, options: BlockOptions): Tensor {
  const attended = add(x, attention(parameters.attention, norm(parameters.attentionNorm, x), options));
  const up = dense(parameters.up, norm(parameters.mlpNorm, attended));
  const hidden = options.activation === 'relu' ? relu(up) : gelu(up);
  return add(attended, dense(parameters.down, hidden));
}
