// Attention that remembers: keys and values of earlier tokens stay in the state, so that a token that is added costs one row of attention and not a whole pass
// (Pope et al. 2022, arXiv 2211.05102, section 2.1). The cache is cut into segments, and a program looks at those that are in use alone.
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import {
  add,
  assignRows,
  concat,
  constant,
  greaterEqual,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  toFloat,
  transpose,
} from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { dense } from './linear.ts';
import { causalBias } from './transformer.ts';
import type { Attention } from './transformer.ts';

/** Sizes of a cache. */
export interface CacheSizes {
  readonly batch: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly depth: number;
  /** Most tokens that are remembered. */
  readonly length: number;
  /** Tokens of a segment; default 64. What is added at once must not reach into the next one. */
  readonly segment?: number;
}

/** Keys and values of one layer: segments [batch * heads * segment, depth], token by token within each batch entry and head. */
export interface KeyValueCache {
  readonly keys: readonly NdArray<'float32'>[];
  readonly values: readonly NdArray<'float32'>[];
}

const defaultSegment = 64;

/** An empty cache. Throws ConfigError for sizes that are no whole numbers > 0. */
export function initCache({ batch, heads, depth, length, segment = defaultSegment }: CacheSizes): KeyValueCache {
  for (const [name, size] of Object.entries({ batch, heads, depth, length, segment })) {
    if (!Number.isInteger(size) || size < 1)
      throw new ConfigError(`initCache: expected a whole ${name} > 0, got ${size}.`);
  }
  const segments = () =>
    Array.from({ length: Math.ceil(length / segment) }, () => ndarray('float32', [batch * heads * segment, depth]));
  return { keys: segments(), values: segments() };
}

/** Where new tokens stand. */
export interface CachePlace {
  readonly heads: number;
  /** Segments before the one that the new tokens go into. */
  readonly full: number;
  /** int32 []: tokens in the cache so far; `full` segments and some. */
  readonly position: Tensor;
  /** int32 [batch * heads * tokens]: the rows of the segment that the new tokens get, as `cacheRows` says. */
  readonly rows: Tensor;
}

/** The rows that `tokens` tokens from `position` on get in their segment, int32 [batch * heads * tokens]. Throws ConfigError when they do not fit into it. */
export function cacheRows(
  { batch, heads, segment = defaultSegment, length }: CacheSizes,
  { position, tokens }: { readonly position: number; readonly tokens: number },
): NdArray<'int32'> {
  const first = position % segment;
  if (position + tokens > length || first + tokens > segment) {
    throw new ConfigError(
      `cacheRows: ${tokens} tokens from ${position} on do not fit into a cache of ${length} in segments of ${segment}. Begin anew, or add fewer at once.`,
    );
  }
  const out = ndarray('int32', [batch * heads * tokens]);
  for (let i = 0; i < out.data.length; i++) out.data[i] = Math.floor(i / tokens) * segment + first + (i % tokens);
  return out;
}

/**
 * Causal self-attention of new tokens [batch, tokens, width] over themselves and all that are in the cache, to which they are added when the program has run.
 * The same as `attention` with a causal bias over all tokens so far, at its last rows.
 */
export function cachedAttention(
  parameters: Traced<Attention>,
  cache: Traced<KeyValueCache>,
  x: Tensor,
  { heads, full, position, rows }: CachePlace,
): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const depth = width / heads;
  const groups = batch * heads;
  const split = transpose(reshape(dense(parameters.qkv, x), [batch, tokens, 3, heads, depth]), [2, 0, 3, 1, 4]); // [3, batch, heads, tokens, depth]
  const part = (i: number) =>
    reshape(slice(split, [i, 0, 0, 0, 0], [1, batch, heads, tokens, depth]), [groups, tokens, depth]);
  const [query, key, value] = [mul(part(0), 1 / Math.sqrt(depth)), part(1), part(2)];
  const segment = cache.keys[0]!.shape[0]! / groups;
  const looked = Array.from({ length: full + 1 }, (_, i) => i);
  const segmentOf = (table: Tensor) => reshape(table, [groups, segment, depth]);
  const scores = looked.map((i) => {
    const seen = matMul(query, segmentOf(cache.keys[i]!), { transposeB: true }); // [groups, tokens, segment]
    return i < full ? seen : add(seen, unfilled(segment, full, position));
  });
  const own = add(matMul(query, key, { transposeB: true }), constant(causalBias(tokens))); // [groups, tokens, tokens]
  const weights = softmax(concat([...scores, own], { axis: 2 })); // [groups, tokens, segments * segment + tokens]
  const weightsOf = (start: number, count: number) => slice(weights, [0, 0, start], [groups, tokens, count]);
  const mixed = looked
    .map((i) => matMul(weightsOf(i * segment, segment), segmentOf(cache.values[i]!)))
    .reduce((sum, next) => add(sum, next), matMul(weightsOf((full + 1) * segment, tokens), value)); // [groups, tokens, depth]
  assignRows(cache.keys[full]!, rows, reshape(key, [groups * tokens, depth]));
  assignRows(cache.values[full]!, rows, reshape(value, [groups * tokens, depth]));
  const joined = reshape(transpose(reshape(mixed, [batch, heads, tokens, depth]), [0, 2, 1, 3]), [
    batch,
    tokens,
    width,
  ]);
  return dense(parameters.output, joined);
}

/** [segment]: 0 where a token of the segment is there already, -1e9 where none is. */
function unfilled(segment: number, full: number, position: Tensor): Tensor {
  const places = ndarray('float32', [segment]);
  for (let i = 0; i < segment; i++) places.data[i] = full * segment + i;
  return mul(greaterEqual(constant(places), toFloat(position)), -1e9);
}
