// What Pendulum looks like: Gymnasium's 500 x 500 scene, y upwards; the arrow of the torque is an arc of our own.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { turnedRectangle } from './shapes.ts';

const rodColour: Colour = [204, 77, 77];
const black: Colour = [0, 0, 0];
const scale = 500 / 4.4;
const centre = 250;
const width = 0.2 * scale;
const rod = { left: 0, right: scale, bottom: -width / 2, top: width / 2 };

export const pendulumLayout: PictureLayout = {
  modes: ['rgb_array'],
  viewHeight: 500,
  viewWidth: 500,
  yUp: true,
  drawBackground: (raster) => raster.clear([255, 255, 255]),
};

/** Adds the rod at `theta` radians, 0 upright, and an arrow as large as the torque of the last step. */
export function drawPendulum(raster: Raster, theta: number, torque: number | undefined): void {
  const angle = theta + Math.PI / 2;
  raster.fillPolygon(turnedRectangle(rod, angle, centre, centre), rodColour);
  raster.fillCircle(centre, centre, width / 2, rodColour);
  raster.fillCircle(centre + scale * Math.cos(angle), centre + scale * Math.sin(angle), width / 2, rodColour);
  if (torque !== undefined) drawArrow(raster, torque);
  raster.fillCircle(centre, centre, 0.05 * scale, black);
}

// Three quarters of a circle about the axle with a head where the torque pushes to; positive is counter-clockwise.
function drawArrow(raster: Raster, torque: number): void {
  const radius = (scale * Math.abs(torque)) / 4;
  if (radius < 4) return;
  const turn = torque > 0 ? 1 : -1;
  const points: number[] = [];
  for (let i = 0; i <= 24; i++) {
    const angle = turn * (-0.75 + (1.5 * i) / 24) * Math.PI + Math.PI / 2;
    points.push(centre + radius * Math.cos(angle), centre + radius * Math.sin(angle));
  }
  raster.strokeLine(points, 3, black);
  const end = turn * 0.75 * Math.PI + Math.PI / 2;
  const [x, y] = [centre + radius * Math.cos(end), centre + radius * Math.sin(end)];
  const ahead = end + (turn * Math.PI) / 2;
  const size = Math.min(14, radius / 2);
  const corner = (angle: number, distance: number): [number, number] => [
    x + distance * Math.cos(angle),
    y + distance * Math.sin(angle),
  ];
  raster.fillPolygon([...corner(ahead, size), ...corner(end, size * 0.8), ...corner(end, -size * 0.8)], black);
}
