// What Taxi looks like: Gymnasium's scene of 550 x 350, a letter of the map 50 wide and high, y downwards; drawings of our own.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { drawPerson } from './figures.ts';
import { inTaxi, places, taxiMap } from './taxi-grid.ts';
import type { TaxiState } from './taxi-grid.ts';

const cell = 50;
const road: Colour = [170, 170, 165];
const wall: Colour = [95, 85, 75];
const placeColours: readonly Colour[] = [
  [255, 0, 0],
  [0, 255, 0],
  [255, 255, 0],
  [0, 0, 255],
];
const cabColour: Colour = [245, 190, 20];
const glass: Colour = [60, 70, 90];
const tyre: Colour = [30, 30, 30];
const houseColour: Colour = [150, 60, 120];
const passengerColour: Colour = [30, 90, 190];

const viewX = (column: number): number => (2 * column + 1) * cell;
const viewY = (row: number): number => (row + 1) * cell;

/** The scene: road, walls, four places. */
export function taxiLayout(modes: readonly string[]): PictureLayout {
  return {
    modes,
    viewHeight: taxiMap.length * cell,
    viewWidth: taxiMap[0].length * cell,
    drawBackground(raster) {
      raster.clear(road);
      const [width, height] = [taxiMap[0].length * cell, taxiMap.length * cell];
      // Outside walls, then those within: one rectangle each, or seams would show.
      for (const y of [15, height - 35]) raster.fillRect(15, y, width - 30, 20, wall);
      for (const x of [15, width - 35]) raster.fillRect(x, 35, 20, height - 70, wall);
      for (const { x, y, rows } of innerWalls()) raster.fillRect(x * cell + 15, y * cell, 20, rows * cell, wall);
      for (const [i, [row, column]] of places.entries()) {
        raster.fillRect(viewX(column), viewY(row), cell, cell, placeColours[i]!, 0.5);
      }
    },
  };
}

// Runs of | from top to bottom, in letters of the map.
function innerWalls(): { x: number; y: number; rows: number }[] {
  const runs: { x: number; y: number; rows: number }[] = [];
  const isWall = (x: number, y: number): boolean => taxiMap[y]![x] === '|';
  for (let x = 1; x < taxiMap[0].length - 1; x++) {
    for (let y = 1; y < taxiMap.length - 1; y++) {
      const above = runs.find((run) => run.x === x && run.y + run.rows === y);
      if (isWall(x, y) && above !== undefined) above.rows += 1;
      else if (isWall(x, y)) runs.push({ x, y, rows: 1 });
    }
  }
  return runs;
}

/** Adds passenger, destination and taxi; `heading` is the action of its last move. A passenger in the taxi sits behind its windows. */
export function drawTaxi(raster: Raster, state: TaxiState, heading: number): void {
  const { row, column, passenger, destination } = state;
  if (passenger < inTaxi) {
    const [r, c] = places[passenger]!;
    drawPerson(raster, { x: viewX(c), y: viewY(r), size: cell }, passengerColour);
  }
  const [toRow, toColumn] = places[destination]!;
  // What is further down is in front.
  if (toRow <= row) drawHouse(raster, viewX(toColumn), viewY(toRow) - cell / 2);
  drawCab(raster, viewX(column), viewY(row), heading, passenger === inTaxi ? passengerColour : glass);
  if (toRow > row) drawHouse(raster, viewX(toColumn), viewY(toRow) - cell / 2);
}

function drawHouse(raster: Raster, x: number, y: number): void {
  raster.fillRect(x + 8, y + 2, 34, 46, houseColour, 0.7);
  for (const [dx, dy] of [
    [13, 8],
    [29, 8],
    [13, 22],
    [29, 22],
  ] as const) {
    raster.fillRect(x + dx, y + dy, 8, 8, [250, 240, 170], 0.8);
  }
  raster.fillRect(x + 20, y + 36, 10, 12, [60, 30, 40], 0.8);
}

function drawCab(raster: Raster, x: number, y: number, heading: number, window: Colour): void {
  if (heading >= 2) {
    // From the side; west is the mirror image of east.
    const at = (u: number, width: number): number => (heading === 2 ? x + u : x + cell - u - width);
    raster.fillRect(at(11, 24), y + 12, 24, 14, cabColour);
    raster.fillRect(at(3, 44), y + 22, 44, 16, cabColour);
    raster.fillRect(at(14, 8), y + 15, 8, 8, window);
    raster.fillRect(at(25, 8), y + 15, 8, 8, window);
    raster.fillRect(at(44, 3), y + 26, 3, 5, [255, 255, 220]);
    for (const wheel of [9, 31]) raster.fillCircle(at(wheel, 10) + 5, y + 38, 6, tyre);
    return;
  }
  raster.fillRect(x + 9, y + 34, 7, 10, tyre);
  raster.fillRect(x + 34, y + 34, 7, 10, tyre);
  raster.fillRect(x + 12, y + 8, 26, 16, cabColour);
  raster.fillRect(x + 8, y + 20, 34, 18, cabColour);
  raster.fillRect(x + 15, y + 11, 20, 9, window);
  const lamp: Colour = heading === 0 ? [255, 255, 220] : [200, 30, 30];
  raster.fillRect(x + 11, y + 26, 7, 5, lamp);
  raster.fillRect(x + 32, y + 26, 7, 5, lamp);
}
