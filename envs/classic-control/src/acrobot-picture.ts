// What Acrobot looks like: Gymnasium's 500 x 500 scene, y upwards.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { turnedRectangle } from './shapes.ts';

const linkColour: Colour = [0, 204, 204];
const jointColour: Colour = [204, 204, 0];
const scale = 500 / 4.4;
const centre = 250;
const link = { left: 0, right: scale, bottom: -0.1 * scale, top: 0.1 * scale };

export const acrobotLayout: PictureLayout = {
  modes: ['rgb_array'],
  viewHeight: 500,
  viewWidth: 500,
  yUp: true,
  drawBackground(raster) {
    raster.clear([255, 255, 255]);
    raster.strokeLine([0, centre + scale, 500, centre + scale], 1, [0, 0, 0]);
  },
};

/** Adds the two links; `theta1` is the angle of the first one, 0 downwards, `theta2` that between them, in radians. */
export function drawAcrobot(raster: Raster, theta1: number, theta2: number): void {
  const [x, y] = [centre + scale * Math.sin(theta1), centre - scale * Math.cos(theta1)];
  drawLink(raster, centre, centre, theta1);
  drawLink(raster, x, y, theta1 + theta2);
}

function drawLink(raster: Raster, x: number, y: number, theta: number): void {
  raster.fillPolygon(turnedRectangle(link, theta - Math.PI / 2, x, y), linkColour);
  raster.fillCircle(x, y, 0.1 * scale, jointColour);
}
