// What CartPole looks like: Gymnasium's 600 x 400 scene, y upwards.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { turnedRectangle } from './shapes.ts';

const black: Colour = [0, 0, 0];
const poleColour: Colour = [202, 152, 101];
const axleColour: Colour = [129, 132, 203];
const scale = 600 / 4.8;
const track = 100;
const axleHeight = 7.5;
const cart = { left: -25, right: 25, bottom: -15, top: 15 };
const pole = { left: -5, right: 5, bottom: -5, top: scale - 5 };

/** Of the pole, in the scene's units. */
export const poleThickness: number = pole.right - pole.left;
/** By how much of 255 the pole is redder than it is blue. */
export const poleRedOverBlue: number = poleColour[0] - poleColour[2];

export const cartPoleLayout: PictureLayout = {
  modes: ['rgb_array'],
  viewHeight: 400,
  viewWidth: 600,
  yUp: true,
  drawBackground(raster) {
    raster.clear([255, 255, 255]);
    raster.strokeLine([0, track, 600, track], 1, black);
  },
};

/** Adds cart and pole to the background; `x` in metres, `theta` in radians, 0 upright. */
export function drawCartPole(raster: Raster, x: number, theta: number): void {
  const cartX = x * scale + 300;
  raster.fillRect(cartX + cart.left, track + cart.bottom, cart.right - cart.left, cart.top - cart.bottom, black);
  raster.fillPolygon(turnedRectangle(pole, -theta, cartX, track + axleHeight), poleColour);
  raster.fillCircle(cartX, track + axleHeight, 5, axleColour);
}
