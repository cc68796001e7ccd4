// Vectors along the last axis of sequences [B, T, D], images [B, h, w, D], videos [B, t, h, w, D], or of anything else.
import { ShapeError } from '@tessera/core';
import { reshape } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';
import type { Quantization, QuantizeOptions, Quantizer, TracedQuantizerState } from './quantizer.ts';

/**
 * `quantizer.quantize` of `x` [..., D]: tokens [...] or, where a vector has Q of them, [..., Q]; quantized [..., D]. `mask` is [...].
 *
 * Throws ShapeError for a tensor without axes and a mask of another shape.
 */
export function quantizeAnyRank(
  quantizer: Quantizer,
  state: TracedQuantizerState,
  x: Tensor,
  { mask, random }: QuantizeOptions = {},
): Quantization {
  const grid = x.shape.slice(0, -1);
  const width = x.shape.at(-1);
  if (width === undefined) throw new ShapeError('quantizeAnyRank: expected vectors [..., D], got a scalar.');
  if (mask !== undefined && String(mask.shape) !== String(grid)) {
    throw new ShapeError(
      `quantizeAnyRank: expected a mask of shape [${grid.join(', ')}] for [${x.shape.join(', ')}], got [${mask.shape.join(', ')}].`,
    );
  }
  const rows = grid.reduce((product, length) => product * length, 1);
  const { tokens, quantized, ...rest } = quantizer.quantize(state, reshape(x, [rows, width]), {
    mask: mask && reshape(mask, [rows]),
    random,
  });
  const slots = tokens.shape.slice(1); // [Q] or []
  return { ...rest, tokens: reshape(tokens, [...grid, ...slots]), quantized: reshape(quantized, x.shape) };
}
