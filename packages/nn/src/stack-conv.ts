// Convolutions of the gated PixelCNN's two stacks (van den Oord et al. 2016, arXiv 1606.05328, section 2.3): one looks at the rows above, the other to the left.
// Kernels hold only the taps that may look, and the input is moved under them: nothing is masked, so nothing of what comes later is ever multiplied.
import { ConfigError } from '@tessera/core';
import type { Generator } from '@tessera/core';
import { biasAdd, conv2d, pad, slice } from '@tessera/engine';
import type { Tensor, Traced } from '@tessera/engine';
import { heNormal, zeros } from './initialisers.ts';
import type { ConvSizes, Linear } from './linear.ts';

/** What an output of a stack's convolution sees, of a kernel `size` pixels wide. */
export interface StackView {
  /** `vertical`: rows above, `size` wide; `horizontal`: the own row, to the left. */
  readonly stack: 'vertical' | 'horizontal';
  /** `A`: not the own row (vertical) or pixel (horizontal), for the layer that reads what is to be predicted; `B`: it too, for the layers after it. */
  readonly mask: 'A' | 'B';
}

// Rows and columns of the kernel.
function taps(size: number, { stack, mask }: StackView): readonly [rows: number, columns: number] {
  const behind = (size - 1) / 2 + (mask === 'B' ? 1 : 0);
  return stack === 'vertical' ? [behind, size] : [1, behind];
}

/**
 * Starting values: He normal kernel, zero bias. The kernel is what a masked one of `size` x `size` (or 1 x `size`) pixels would not hide: [(size - 1) / 2, size, inputs,
 * outputs] vertical and [1, (size - 1) / 2, inputs, outputs] horizontal, with mask B one row or column more. Throws ConfigError unless `size` is odd and at least 3.
 */
export function initStackConv(generator: Generator, { size, inputs, outputs, ...view }: ConvSizes & StackView): Linear {
  if (!Number.isInteger(size) || size < 3 || size % 2 === 0) {
    throw new ConfigError(`initStackConv: expected an odd kernel size of at least 3, got ${size}.`);
  }
  const [rows, columns] = taps(size, view);
  return {
    kernel: heNormal(generator, [rows, columns, inputs, outputs], { fanIn: rows * columns * inputs }),
    bias: zeros([outputs]),
  };
}

/** Convolution and bias: [N, H, W, inputs] to [N, H, W, outputs], zeros outside of the picture. */
export function stackConv({ kernel, bias }: Traced<Linear>, x: Tensor, { stack, mask }: StackView): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = kernel.shape as [number, number];
  const shift = mask === 'A' ? 1 : 0;
  const side = (columns - 1) / 2;
  // A shifted view ends one row or column earlier and begins one earlier.
  const [above, left, right] = stack === 'vertical' ? [rows - 1 + shift, side, side] : [0, columns - 1 + shift, 0];
  const padded = pad(x, [
    [0, 0],
    [above, 0],
    [left, right],
    [0, 0],
  ]);
  const seen = slice(
    padded,
    [0, 0, 0, 0],
    stack === 'vertical'
      ? [batch, height + rows - 1, width + 2 * side, channels]
      : [batch, height, width + columns - 1, channels],
  );
  return biasAdd(conv2d(seen, kernel, { padding: 'valid' }), bias);
}
