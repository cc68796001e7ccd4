// Pooling by the largest value.
import { max, reshape } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** The largest of each `size` x `size` pixels: [N, H, W, C] to [N, H / size, W / size, C]. Throws ShapeError when `size` does not divide H and W. */
export function maxPool(x: Tensor, { size }: { readonly size: number }): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const blocks = reshape(x, [batch, height / size, size, width / size, size, channels]);
  return max(blocks, { axes: [2, 4] });
}
