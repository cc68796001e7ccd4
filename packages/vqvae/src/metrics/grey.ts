// Frames as grey pictures, which the measures of structure and sharpness look at.
import { ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Grey pictures of one size, row by row. */
export interface GreyPictures {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

/** Red, green and blue weighted as Rec. 601 does (0.299, 0.587, 0.114); other numbers of channels are averaged. Frames are [N, H, W, C]; throws ShapeError for other ranks and for none. */
export function greyOf(where: string, { shape, data }: NdArray<'float32'>): GreyPictures {
  const [count = 0, height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 4 || data.length === 0) {
    throw new ShapeError(`${where}: expected frames [N, H, W, C], at least one, got [${shape.join(', ')}].`);
  }
  const weights = channels === 3 ? [0.299, 0.587, 0.114] : Array<number>(channels).fill(1 / channels);
  const grey = new Float64Array(count * height * width);
  for (let i = 0; i < data.length; i++) grey[Math.floor(i / channels)]! += weights[i % channels]! * data[i]!;
  return { count, height, width, data: grey };
}
