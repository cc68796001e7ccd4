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
const dark: Colour = [40, 40, 40];

/** A person with a coat and a pointed hat; the face shows where it looks to, and the back of the head is hair. */
export function drawPerson(raster: Raster, { x, y, size }: Place, coat: Colour, facing: Facing = 'down'): void {
  const at = (u: number, v: number): [number, number] => [x + u * size, y + v * size];
  raster.fillPolygon([...at(0.5, 0.4), ...at(0.78, 0.92), ...at(0.22, 0.92)], coat);
  const turn = facing === 'left' ? -0.08 : facing === 'right' ? 0.08 : 0;
  raster.fillCircle(...at(0.5 + turn / 2, 0.4), 0.17 * size, facing === 'up' ? [150, 100, 50] : skin);
  raster.fillPolygon([...at(0.5 - turn, 0.02), ...at(0.7, 0.34), ...at(0.3, 0.34)], coat);
  if (facing === 'up') return;
  for (const eye of facing === 'down' ? [-0.06, 0.06] : [turn]) {
    raster.fillCircle(...at(0.5 + turn + eye / (turn === 0 ? 1 : 2), 0.42), 0.035 * size, dark);
  }
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
