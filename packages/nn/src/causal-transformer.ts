// A causal transformer over tokens as plain functions inside a program: the model of IRIS (arXiv 2209.00588) and of every GPT, token by token.
import { ConfigError } from '@tessera/core';
import type { Generator, NdArray } from '@tessera/core';
import { add, gather, gelu, matMul, reshape, slice } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { cachedAttention, prefixAttention } from './key-value-cache.ts';
import type { CachePlace, FreshTokens, KeyValueCache } from './key-value-cache.ts';
import { dense, initEmbedding } from './linear.ts';
import { initNorm, norm } from './norms.ts';
import type { Norm } from './norms.ts';
import { block, initBlock } from './transformer.ts';
import type { Block } from './transformer.ts';

/** Sizes of a causal transformer. */
export interface CausalTransformerConfig {
  readonly vocabulary: number;
  /** How many of the tokens can come next: the first so many. The others are only read, like one that begins a sequence. Default all. */
  readonly predicted?: number;
  /** Most tokens of a sequence. */
  readonly length: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
}

/** Parameters of a causal transformer. */
export interface CausalTransformer {
  /** [vocabulary, width]; also what the logits are made with. */
  readonly tokens: NdArray<'float32'>;
  /** [length, width] */
  readonly positions: NdArray<'float32'>;
  readonly blocks: readonly Block[];
  readonly norm: Norm;
}

/** Starting values. Throws ConfigError when `heads` does not divide the width and when more tokens are predicted than there are. */
export function initCausalTransformer(
  generator: Generator,
  { vocabulary, predicted = vocabulary, length, width, layers, heads }: CausalTransformerConfig,
): CausalTransformer {
  if (!Number.isInteger(width / heads)) {
    throw new ConfigError(`causal transformer: a width of ${width} does not divide into ${heads} heads.`);
  }
  if (!(Number.isInteger(predicted) && predicted >= 1 && predicted <= vocabulary)) {
    throw new ConfigError(`causal transformer: expected 1 to ${vocabulary} predicted tokens, got ${predicted}.`);
  }
  return {
    tokens: initEmbedding(generator, { vocabulary, width }),
    positions: initEmbedding(generator, { vocabulary: length, width }),
    blocks: Array.from({ length: layers }, () => initBlock(generator, { width })),
    norm: initNorm(width),
  };
}

/** Logits [batch, tokens, predicted] of what comes after each of `tokens` int32 [batch, tokens]. */
export function causalLogits(
  parameters: Traced<CausalTransformer>,
  tokens: Tensor,
  { heads, predicted }: Pick<CausalTransformerConfig, 'heads' | 'predicted'>,
): Tensor {
  const [, count] = tokens.shape as [number, number];
  const width = parameters.tokens.shape[1]!;
  let x = add(gather(parameters.tokens, tokens), slice(parameters.positions, [0, 0], [count, width]));
  for (const weights of parameters.blocks) x = block(weights, x, { heads, causal: true });
  return logitsOf(parameters, x, predicted);
}

/** What a program has added to the sequences, layer by layer, and has yet to write into the caches. */
export type FreshLayers = readonly FreshTokens[];

/**
 * Logits [batch, predicted] of what comes after the last of new tokens, int32 [batch, tokens], that follow those in `caches` (one a layer) and `fresh`, those of the
 * same program before them. `places` int32 [tokens] are their positions. Also `fresh` with the new tokens.
 */
export function nextLogits(
  parameters: Traced<CausalTransformer>,
  caches: Traced<readonly KeyValueCache[]>,
  {
    tokens,
    places,
    heads,
    predicted,
    position,
    fresh,
  }: Omit<CachePlace, 'fresh'> & {
    readonly predicted?: number | undefined;
    readonly tokens: Tensor;
    readonly places: Tensor;
    readonly fresh?: FreshLayers | undefined;
  },
): { readonly logits: Tensor; readonly fresh: FreshLayers } {
  const [batch, count] = tokens.shape as [number, number];
  const width = parameters.tokens.shape[1]!;
  const x = add(gather(parameters.tokens, tokens), gather(parameters.positions, places));
  const { hidden, fresh: grown } = nextBlocks(parameters.blocks, caches, x, { heads, position, fresh });
  const last = reshape(slice(hidden, [0, count - 1, 0], [batch, 1, width]), [batch, width]);
  return { logits: logitsOf(parameters, last, predicted), fresh: grown };
}

/** Causal blocks over sequences from their beginning, [batch, tokens, width], and what `nextBlocks` has to know of them. */
export function prefixBlocks(
  blocks: Traced<readonly Block[]>,
  x: Tensor,
  { heads }: Pick<CachePlace, 'heads'>,
): { readonly hidden: Tensor; readonly fresh: FreshLayers } {
  let hidden = x;
  const fresh = blocks.map((weights) => {
    const attended = prefixAttention(weights.attention, norm(weights.attentionNorm, hidden), { heads });
    hidden = withMlp(weights, add(hidden, attended.y));
    return attended.fresh;
  });
  return { hidden, fresh };
}

/**
 * The same blocks over new tokens alone, [batch, tokens, width], that follow those in `caches` (one a block, of which `position` tokens count) and `fresh`, those of
 * the same program before them. Also `fresh` with the new tokens.
 */
export function nextBlocks(
  blocks: Traced<readonly Block[]>,
  caches: Traced<readonly KeyValueCache[]>,
  x: Tensor,
  { heads, position, fresh }: Omit<CachePlace, 'fresh'> & { readonly fresh?: FreshLayers | undefined },
): { readonly hidden: Tensor; readonly fresh: FreshLayers } {
  let hidden = x;
  const grown = blocks.map((weights, layer) => {
    const before = fresh && { fresh: fresh[layer]! };
    const normalised = norm(weights.attentionNorm, hidden);
    const attended = cachedAttention(weights.attention, caches[layer]!, normalised, { heads, position, ...before });
    hidden = withMlp(weights, add(hidden, attended.y));
    return attended.fresh;
  });
  return { hidden, fresh: grown };
}

function withMlp(weights: Traced<Block>, x: Tensor): Tensor {
  return add(x, dense(weights.down, gelu(dense(weights.up, norm(weights.mlpNorm, x)))));
}

function logitsOf({ tokens, norm: last }: Traced<CausalTransformer>, x: Tensor, predicted?: number): Tensor {
  const [vocabulary, width] = tokens.shape as [number, number];
  return matMul(norm(last, x), slice(tokens, [0, 0], [predicted ?? vocabulary, width]), { transposeB: true });
}
