// Masked vectors: as if they were not there, whatever their numbers.
import { constant, where, zeros } from '@tessera/engine';
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
