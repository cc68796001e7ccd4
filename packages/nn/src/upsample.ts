// Nearest-neighbour enlargement of pictures.
import { concat, reshape } from '@tessera/engine';
import type { Tensor } from '@tessera/engine';

/** Every pixel twice in each direction: [N, H, W, C] to [N, 2 H, 2 W, C]. */
export function upsample(x: Tensor): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const wide = concat([x, x]); // [N, H, W, 2 C]: a pixel and its copy lie side by side
  const rows = reshape(wide, [batch, height, 2 * width * channels]);
  return reshape(concat([rows, rows]), [batch, 2 * height, 2 * width, channels]);
}
