// Masked vectors: as if they were not there, whatever their numbers.
import {
  constant,
  div,
  greaterEqual,
  maximum,
  mean,
  mul,
  reshape,
  sum,
  toFloat,
  toInt,
  where,
  zeros,
} from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** `x` [N, ...] with zeros where `mask` [N] is 0; NaN and infinity go as well. */
export function masked(x: Tensor, mask: Tensor | undefined): Tensor {
  return mask === undefined ? x : where(mask, x, zeros(x));
}

/** Tokens, int32 [N] or [N, Q], with -1 where `mask` [N] is 0. */
export function maskedTokens(tokens: Tensor, mask: Tensor | undefined): Tensor {
  if (mask === undefined) return tokens;
  const { shape } = tokens;
  const size = shape.reduce((product, length) => product * length, 1);
  return where(mask, tokens, constant({ dtype: 'int32', shape, data: new Int32Array(size).fill(-1) }));
}

/** The mean over the rows of `x` [N, ...] where `mask` [N] is 1; 0 without any. */
export function meanRows(x: Tensor, mask: Tensor | undefined): Tensor {
  const [rows, ...rest] = x.shape as [number, ...number[]];
  if (rows === 0) return zeros({ shape: rest });
  if (mask === undefined) return mean(x, { axes: [0] });
  const weights = reshape(mask, [rows, ...rest.map(() => 1)]);
  return div(sum(mul(x, weights), { axes: [0] }), maximum(sum(mask), 1));
}

/** `decode` of tokens, int32 [N], with zeros for those that are -1. */
export function decodeMasked(decode: (tokens: Tensor) => Tensor, tokens: Tensor): Tensor {
  const numbers = toFloat(tokens);
  return masked(decode(toInt(maximum(numbers, 0))), greaterEqual(numbers, 0));
}
