// What both MountainCars look like: Gymnasium's 600 x 400 scene, y upwards, with the goal's flag where the goal is.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { turnedRectangle } from './shapes.ts';

const black: Colour = [0, 0, 0];
const wheelColour: Colour = [128, 128, 128];
const flagColour: Colour = [204, 204, 0];
const minPosition = -1.2;
const scale = 600 / 1.8;
const clearance = 10;
const car = { left: -20, right: 20, bottom: 0, top: 20 };
const wheelRadius = 8;

const height = (position: number): number => Math.sin(3 * position) * 0.45 + 0.55;
const viewX = (position: number): number => (position - minPosition) * scale;

/** The scene with its goal at `goalPosition`. */
export function mountainCarLayout(goalPosition: number): PictureLayout {
  return {
    modes: ['rgb_array'],
    viewHeight: 400,
    viewWidth: 600,
    yUp: true,
    drawBackground(raster) {
      raster.clear([255, 255, 255]);
      const hill: number[] = [];
      for (let i = 0; i < 100; i++) {
        const position = minPosition + (1.8 * i) / 99;
        hill.push(viewX(position), height(position) * scale);
      }
      raster.strokeLine(hill, 1, black);
      const [flagX, foot] = [viewX(goalPosition), height(goalPosition) * scale];
      raster.strokeLine([flagX, foot, flagX, foot + 50], 1, black);
      raster.fillPolygon([flagX, foot + 50, flagX, foot + 40, flagX + 25, foot + 45], flagColour);
    },
  };
}

/** Adds the car, turned as Gymnasium turns it: by cos(3 position) radians, about the slope under it. */
export function drawMountainCar(raster: Raster, position: number): void {
  const angle = Math.cos(3 * position);
  const [x, y] = [viewX(position), height(position) * scale + clearance];
  raster.fillPolygon(turnedRectangle(car, angle, x, y), black);
  for (const offset of [car.right / 2, car.left / 2]) {
    raster.fillCircle(x + offset * Math.cos(angle), y + offset * Math.sin(angle), wheelRadius, wheelColour);
  }
}
