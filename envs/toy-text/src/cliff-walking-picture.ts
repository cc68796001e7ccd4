// What CliffWalking looks like: tiles of our own, 60 units wide, y downwards.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { drawPerson, drawStool } from './figures.ts';
import type { Facing } from './figures.ts';

const cell = 60;
const ground: readonly Colour[] = [
  [126, 168, 96],
  [116, 158, 88],
];
const edge: Colour = [130, 100, 70];
const abyss: Colour = [60, 50, 60];
const rock: Colour = [95, 80, 80];
const cookie: Colour = [205, 150, 90];
const chocolate: Colour = [90, 50, 30];
const coat: Colour = [200, 60, 50];
const facings: readonly Facing[] = ['up', 'right', 'down', 'left'];

/** The scene: start at the lower left, goal at the lower right, and between them the cliff. */
export function cliffWalkingLayout(modes: readonly string[], rows: number, columns: number): PictureLayout {
  return {
    modes,
    viewHeight: rows * cell,
    viewWidth: columns * cell,
    drawBackground(raster) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          raster.fillRect(column * cell, row * cell, cell, cell, ground[(row + column) % 2]!);
        }
      }
      const [top, width] = [(rows - 1) * cell, (columns - 2) * cell];
      raster.fillRect(cell, top, width, cell, abyss);
      raster.fillRect(cell, top - 6, width, 12, edge);
      for (let i = 0; i < columns - 2; i++) {
        const x = cell + i * cell;
        raster.fillPolygon([x, top + cell, x + 30, top + 26, x + cell, top + cell], rock);
      }
      drawStool(raster, { x: 0, y: top, size: cell });
      const [x, y] = [(columns - 0.5) * cell, top + cell / 2];
      raster.fillCircle(x, y, 22, cookie);
      for (const [dx, dy] of [
        [-8, -8],
        [7, -5],
        [-3, 8],
        [10, 9],
      ] as const) {
        raster.fillCircle(x + dx, y + dy, 4, chocolate);
      }
    },
  };
}

/** Adds the walker; `facing` is an action. */
export function drawWalker(raster: Raster, row: number, column: number, facing: number): void {
  drawPerson(raster, { x: column * cell, y: (row - 0.1) * cell, size: cell }, coat, facings[facing]!);
}
