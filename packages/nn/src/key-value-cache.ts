// Attention that remembers: keys and values of earlier tokens stay in the state, so that a token that is added costs one row of attention and not a whole pass
// (Pope et al. 2022, arXiv 2211.05102, section 2.1).
import { ConfigError, ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { assignSlice, causalAttention, concat, decodeAttention, mul, reshape, slice, transpose } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { dense } from './linear.ts';
import type { Attention } from './transformer.ts';

/** Sizes of a cache. */
export interface CacheSizes {
  readonly batch: number;
  readonly heads: number;
  /** Channels of a head. */
  readonly depth: number;
  /** Most tokens that are remembered. */
  readonly length: number;
}

/** Keys and values of one layer: [batch * heads, length, depth]. */
export interface KeyValueCache {
  readonly keys: NdArray<'float32'>;
  readonly values: NdArray<'float32'>;
}

/** Keys and values that a program has made and that are not in its cache yet: [batch * heads, tokens, depth]. */
export interface FreshTokens {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/** An empty cache. Throws ConfigError for sizes that are no whole numbers > 0. */
export function initCache({ batch, heads, depth, length }: CacheSizes): KeyValueCache {
  for (const [name, size] of Object.entries({ batch, heads, depth, length })) {
    if (!Number.isInteger(size) || size < 1)
      throw new ConfigError(`initCache: expected a whole ${name} > 0, got ${size}.`);
  }
  const table = () => ndarray('float32', [batch * heads, length, depth]);
  return { keys: table(), values: table() };
}

/** Where new tokens stand. */
export interface CachePlace {
  readonly heads: number;
  /** int32 []: tokens in the cache. */
  readonly position: Tensor;
  /** Tokens that the same program has made before. */
  readonly fresh?: FreshTokens;
}

/**
 * Causal self-attention of new tokens [batch, tokens, width] over themselves, the fresh ones before them and all that are in the cache: the same as `attention` with a
 * causal bias over all of them, at its last rows. Returns the result and the fresh tokens with the new ones; `writeCache` keeps them.
 */
export function cachedAttention(
  parameters: Traced<Attention>,
  cache: Traced<KeyValueCache>,
  x: Tensor,
  { heads, position, fresh }: CachePlace,
): { readonly y: Tensor; readonly fresh: FreshTokens } {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const depth = width / heads;
  const groups = batch * heads;
  const qkv = reshape(dense(parameters.qkv, x), [batch * tokens, 3 * width]);
  // Heads come before tokens in the cache; with one token there is nothing to turn around.
  const byHead = (y: Tensor) => (tokens === 1 ? y : transpose(reshape(y, [batch, tokens, heads, depth]), [0, 2, 1, 3])); // [batch, heads, tokens, depth]
  const part = (i: number) =>
    reshape(byHead(slice(qkv, [0, i * width], [batch * tokens, width])), [groups, tokens, depth]);
  const after = (earlier: Tensor | undefined, added: Tensor) =>
    earlier === undefined ? added : concat([earlier, added], { axis: 1 });
  const all = { keys: after(fresh?.keys, part(1)), values: after(fresh?.values, part(2)) };
  const mixed = decodeAttention(mul(part(0), 1 / Math.sqrt(depth)), { ...cache, position }, all); // [groups, tokens, depth]
  const byToken = tokens === 1 ? mixed : transpose(reshape(mixed, [batch, heads, tokens, depth]), [0, 2, 1, 3]);
  return { y: dense(parameters.output, reshape(byToken, [batch, tokens, width])), fresh: all };
}

/**
 * Causal self-attention of a sequence from its beginning, [batch, tokens, width], with the keys and values that tokens after it will look at: `cachedAttention` takes
 * them as its cache, at a position of all of them.
 */
export function prefixAttention(
  parameters: Traced<Attention>,
  x: Tensor,
  { heads }: Pick<CachePlace, 'heads'>,
): { readonly y: Tensor; readonly fresh: FreshTokens } {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const depth = width / heads;
  const qkv = dense(parameters.qkv, x);
  const part = (i: number) => {
    const own = reshape(slice(qkv, [0, 0, i * width], [batch, tokens, width]), [batch, tokens, heads, depth]);
    return reshape(transpose(own, [0, 2, 1, 3]), [batch * heads, tokens, depth]);
  };
  return { y: dense(parameters.output, causalAttention(qkv, { heads })), fresh: { keys: part(1), values: part(2) } };
}

/** Puts fresh tokens into a cache, from `position` on, when the program has run; the run throws ConfigError when there is no room for them. */
export function writeCache(cache: Traced<KeyValueCache>, fresh: FreshTokens, position: Tensor): void {
  assignSlice(cache.keys, fresh.keys, { at: position, axis: 1 });
  assignSlice(cache.values, fresh.values, { at: position, axis: 1 });
}
