// Errors where it matters: on the pixels of small moving things, which whole frames hide.
import { ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/**
 * `10 log10(1 / MSE)` in dB over the pixels that `mask` names, of each frame, averaged over frames that have any; a frame's MSE counts as at least 1e-10. Frames are
 * float32 [N, H, W, C] in [0, 1], the mask uint8 [N, H, W], 0 for background. NaN without any foreground. Throws ShapeError for shapes that do not fit.
 */
export function foregroundPsnr(
  frames: NdArray<'float32'>,
  decoded: NdArray<'float32'>,
  mask: NdArray<'uint8'>,
): number {
  const [count = 0, height = 0, width = 0, channels = 0] = frames.shape;
  if (
    String(frames.shape) !== String(decoded.shape) ||
    frames.shape.length !== 4 ||
    String(mask.shape) !== String([count, height, width])
  ) {
    throw new ShapeError(
      `foregroundPsnr: expected frames [N, H, W, C], decoded ones alike and a mask [N, H, W], got [${frames.shape.join(', ')}], [${decoded.shape.join(', ')}] and [${mask.shape.join(', ')}].`,
    );
  }
  const pixels = height * width;
  let [decibels, counted] = [0, 0];
  for (let frame = 0; frame < count; frame++) {
    let [errors, elements] = [0, 0];
    for (let pixel = frame * pixels; pixel < (frame + 1) * pixels; pixel++) {
      if (mask.data[pixel] === 0) continue;
      elements += channels;
      for (let i = pixel * channels; i < (pixel + 1) * channels; i++)
        errors += (frames.data[i]! - decoded.data[i]!) ** 2;
    }
    if (elements === 0) continue;
    counted++;
    decibels -= 10 * Math.log10(Math.max(1e-10, errors / elements));
  }
  return decibels / counted;
}
