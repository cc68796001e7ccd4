// What FrozenLake looks like: tiles of our own, 64 units wide, y downwards.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { drawPerson, drawStool } from './figures.ts';
import type { Facing } from './figures.ts';

const cell = 64;
const ice: Colour = [222, 238, 250];
const line: Colour = [180, 200, 230];
const rim: Colour = [150, 185, 215];
const water: Colour = [40, 75, 120];
const crack: Colour = [245, 250, 255];
const gift: Colour = [200, 50, 60];
const ribbon: Colour = [250, 215, 90];
const coat: Colour = [40, 140, 70];
const facings: readonly Facing[] = ['left', 'down', 'right', 'up'];

/** The scene of a map; the map is read when the background is drawn. */
export function frozenLakeLayout(modes: readonly string[], map: { readonly rows: readonly string[] }): PictureLayout {
  return {
    modes,
    viewHeight: map.rows.length * cell,
    viewWidth: map.rows[0]!.length * cell,
    drawBackground(raster) {
      raster.clear(ice);
      for (const [row, tiles] of map.rows.entries()) {
        for (const [column, tile] of tiles.split('').entries()) drawTile(raster, tile, column * cell, row * cell);
      }
    },
  };
}

function drawTile(raster: Raster, tile: string, x: number, y: number): void {
  if (tile === 'H') drawHole(raster, x, y);
  else if (tile === 'G') drawGift(raster, x, y);
  else if (tile === 'S') drawStool(raster, { x, y, size: cell });
  raster.strokeLine([x, y, x + cell, y, x + cell, y + cell, x, y + cell, x, y], 1, line);
}

function drawHole(raster: Raster, x: number, y: number): void {
  raster.fillCircle(x + cell / 2, y + cell / 2, 27, rim, 25);
  raster.fillCircle(x + cell / 2, y + cell / 2 + 2, 23, water, 20);
}

function drawGift(raster: Raster, x: number, y: number): void {
  raster.fillRect(x + 12, y + 24, 40, 30, gift);
  raster.fillRect(x + 8, y + 18, 48, 10, gift);
  raster.fillRect(x + 28, y + 18, 8, 36, ribbon);
  raster.fillCircle(x + 24, y + 13, 8, ribbon, 6);
  raster.fillCircle(x + 40, y + 13, 8, ribbon, 6);
}

/** Adds the elf, or what is to be seen of it when it has fallen into a hole: cracks. `facing` is an action. */
export function drawElf(raster: Raster, elf: { row: number; column: number; isInHole: boolean; facing: number }): void {
  const [x, y] = [elf.column * cell, elf.row * cell];
  if (!elf.isInHole) {
    drawPerson(raster, { x, y, size: cell }, coat, facings[elf.facing]!);
    return;
  }
  drawHole(raster, x, y);
  const [middleX, middleY] = [x + cell / 2, y + cell / 2];
  for (let i = 0; i < 7; i++) {
    const angle = (i * 2 * Math.PI) / 7 + 0.3;
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    raster.strokeLine([middleX + 14 * dx, middleY + 14 * dy, middleX + 31 * dx, middleY + 31 * dy], 3, crack);
  }
  raster.fillPolygon([middleX, middleY - 16, middleX + 10, middleY + 6, middleX - 10, middleY + 6], coat);
}
