// Finds the tip of CartPole's pole in a frame, also in one that a tokenizer has decoded: the truth behind the metric "pole tip recall".
// The pole is the only thing redder than it is blue: sky, track and cart are grey, the axle is blue, and blends of them keep the difference in proportion.
import { ConfigError, ShapeError } from '@tessera/core';
import { cartPoleLayout, poleRedOverBlue, poleThickness } from './cart-pole-picture.ts';

export interface FindPoleTipOptions {
  /** Height and width of the frame in pixels; 64 and 64 by default. */
  readonly size?: readonly [height: number, width: number];
  /** The value of full brightness; 255 by default for a Uint8Array, 1 for anything else. */
  readonly maximum?: number;
}

/** A place in a frame in pixels from its upper left corner, with fractions: the first pixel's middle is (0.5, 0.5). */
export interface Point {
  readonly x: number;
  readonly y: number;
}

// Of the share of a pixel that a pole of its thickness could cover at most: what is less is rounding, or a decoder's noise.
const faintest = 1 / 4;
// Of the pole's thickness, summed over a row: the first row with as much has the tip in it, or a little above.
const enough = 0.4;

/**
 * The middle of the upper end of the pole in a frame `[height, width, 3]` of CartPole; undefined when there is no pole. In frames of 32 to 128 pixels a side that show the whole
 * tip it is within a pixel of the place where the environment's state has it.
 *
 * Throws ConfigError for a size that is no whole numbers > 0, ShapeError when the frame has another one.
 */
export function findPoleTip(frame: ArrayLike<number>, options: FindPoleTipOptions = {}): Point | undefined {
  const { size = [64, 64], maximum = frame instanceof Uint8Array ? 255 : 1 } = options;
  if (size.length !== 2 || !size.every((side) => Number.isInteger(side) && side > 0)) {
    throw new ConfigError(`findPoleTip: expected whole numbers > 0 of pixels as size, got [${size.join(', ')}].`);
  }
  const [height, width] = size;
  if (frame.length !== height * width * 3) {
    throw new ShapeError(
      `findPoleTip: expected a frame of shape [${height}, ${width}, 3], got ${frame.length} values. Check size.`,
    );
  }
  const thickness = (poleThickness * width) / cartPoleLayout.viewWidth;
  const full = (poleRedOverBlue / 255) * maximum;
  const cover = (row: number): { readonly amount: number; readonly moment: number } => {
    let [amount, moment] = [0, 0];
    for (let column = 0; row < height && column < width; column++) {
      const at = (row * width + column) * 3;
      const share = Math.min(1, (frame[at]! - frame[at + 2]!) / full);
      if (!(share > faintest * Math.min(1, thickness))) continue;
      amount += share;
      moment += share * (column + 0.5);
    }
    return { amount, moment };
  };
  for (let row = 0; row < height; row++) {
    const { amount, moment } = cover(row);
    if (amount < enough * thickness) continue;
    // The row below shows what a row full of pole covers, also where the frame's edge cuts the pole.
    return { x: moment / amount, y: row + 1 - Math.min(1, amount / cover(row + 1).amount) };
  }
  return undefined;
}
