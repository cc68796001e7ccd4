// Small figures that the pictures of this package share. Each is drawn into a square of side `size` whose upper left corner is (x, y), y downwards.
import type { Colour, Raster } from 'gymnasium-js';

/** Where a figure stands. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** Where a person looks to. */
export type Facing = 'left' | 'down' | 'right' | 'up';

const skin: Colour = [240, 200, 160];
const hair: Colour = [150, 100, 50];
const dark: Colour = [40, 40, 40];

/** A person with a coat and a pointed hat; the face shows where it looks to, and the back of the head is hair. */
export function drawPerson(raster: Raster, { x, y, size }: Place, coat: Colour, facing: Facing = 'down'): void {
  const middle = x + 0.5 * size;
  const turn = (facing === 'left' ? -0.08 : facing === 'right' ? 0.08 : 0) * size;
  const [hem, neck] = [y + 0.92 * size, y + 0.4 * size];
  raster.fillPolygon([middle, neck, x + 0.78 * size, hem, x + 0.22 * size, hem], coat);
  raster.fillCircle(middle + turn / 2, neck, 0.17 * size, facing === 'up' ? hair : skin);
  const [tip, brim] = [y + 0.02 * size, y + 0.34 * size];
  raster.fillPolygon([middle - turn, tip, x + 0.7 * size, brim, x + 0.3 * size, brim], coat);
  if (facing === 'up') return;
  const eyes = y + 0.42 * size;
  if (facing !== 'down') {
    raster.fillCircle(middle + 1.5 * turn, eyes, 0.035 * size, dark);
    return;
  }
  for (const side of [-0.06, 0.06]) raster.fillCircle(middle + side * size, eyes, 0.035 * size, dark);
}

/** A stool, the start. */
export function drawStool(raster: Raster, { x, y, size }: Place): void {
  const [wood, shade]: Colour[] = [
    [150, 100, 60],
    [110, 70, 40],
  ];
  for (const leg of [0.25, 0.65]) raster.fillRect(x + leg * size, y + 0.5 * size, 0.1 * size, 0.35 * size, shade!);
  raster.fillCircle(x + 0.5 * size, y + 0.5 * size, 0.33 * size, wood!, 0.13 * size);
}
