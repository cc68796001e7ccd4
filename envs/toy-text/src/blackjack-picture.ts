// What Blackjack looks like: Gymnasium's table of 600 x 500 with the dealer's two cards and the player's sum, y downwards; drawings of our own.
import type { Colour, PictureLayout, Raster } from 'gymnasium-js';
import { drawText } from './glyphs.ts';

const felt: Colour = [7, 99, 36];
const white: Colour = [255, 255, 255];
const gold: Colour = [255, 210, 60];
const red: Colour = [200, 30, 40];
const black: Colour = [20, 20, 20];
const back: Colour = [40, 60, 140];
const card = { width: 150, height: 210 };
const top = 40;
const openX = 140;
const hiddenX = 310;
const playerY = 370;

export const blackjackLayout: PictureLayout = {
  modes: ['rgb_array'],
  viewHeight: 500,
  viewWidth: 600,
  drawBackground(raster) {
    raster.clear(felt);
    raster.fillRect(openX, top, card.width, card.height, white);
    raster.fillRect(hiddenX, top, card.width, card.height, white);
    raster.fillRect(hiddenX + 12, top + 12, card.width - 24, card.height - 24, back);
    const [x, y] = [hiddenX + card.width / 2, top + card.height / 2];
    raster.fillPolygon([x, y - 70, x + 45, y, x, y + 70, x - 45, y], [110, 130, 210]);
  },
};

/** What is to be seen: the dealer's open card as suit and value (`HQ`), the player's sum, and whether an ace counts 11 in it: then it is golden, with an A beside it. */
export interface BlackjackScene {
  readonly openCard: string;
  readonly sum: number;
  readonly usableAce: boolean;
}

export function drawBlackjack(raster: Raster, { openCard, sum, usableAce }: BlackjackScene): void {
  const suit = openCard[0]!;
  const colour = suit === 'D' || suit === 'H' ? red : black;
  const x = openX + card.width / 2;
  drawText(raster, openCard.slice(1), { x, y: top + 60, height: 85 }, colour);
  drawSuit(raster, suit, x, top + 155, 40, colour);
  drawText(raster, String(sum), { x: 300, y: playerY, height: 130 }, usableAce ? gold : white);
  if (usableAce) drawText(raster, 'A', { x: 480, y: playerY, height: 90 }, gold);
}

// Within a square of side 2 * size about (x, y).
function drawSuit(raster: Raster, suit: string, x: number, y: number, size: number, colour: Colour): void {
  const half = size / 2;
  if (suit === 'D') {
    raster.fillPolygon([x, y - size, x + 0.7 * size, y, x, y + size, x - 0.7 * size, y], colour);
    return;
  }
  if (suit === 'H') {
    for (const side of [-1, 1]) raster.fillCircle(x + side * half, y - 0.35 * size, 0.52 * size, colour);
    raster.fillPolygon([x - 0.95 * size, y - 0.1 * size, x + 0.95 * size, y - 0.1 * size, x, y + size], colour);
    return;
  }
  raster.fillPolygon([x, y, x + 0.35 * size, y + size, x - 0.35 * size, y + size], colour);
  for (const side of [-1, 1]) raster.fillCircle(x + side * half, y + 0.2 * size, 0.46 * size, colour);
  if (suit === 'C') raster.fillCircle(x, y - half, 0.46 * size, colour);
  else raster.fillPolygon([x, y - size, x + 0.9 * size, y + 0.1 * size, x - 0.9 * size, y + 0.1 * size], colour);
}
