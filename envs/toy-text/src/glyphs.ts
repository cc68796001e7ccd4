// Digits and the letters of playing cards, 5 x 7 dots each, our own.
import type { Colour, Raster } from 'gymnasium-js';

const rows = 7;
const columns = 5;
const dots: Readonly<Record<string, string>> = {
  '0': '.###. #...# #...# #...# #...# #...# .###.',
  '1': '..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.',
  '2': '.###. #...# ....# ...#. ..#.. .#... #####',
  '3': '.###. #...# ....# ..##. ....# #...# .###.',
  '4': '...#. ..##. .#.#. #..#. ##### ...#. ...#.',
  '5': '##### #.... ####. ....# ....# #...# .###.',
  '6': '..##. .#... #.... ####. #...# #...# .###.',
  '7': '##### ....# ...#. ..#.. ..#.. .#... .#...',
  '8': '.###. #...# #...# .###. #...# #...# .###.',
  '9': '.###. #...# #...# .#### ....# ...#. .##..',
  A: '.###. #...# #...# ##### #...# #...# #...#',
  J: '..### ...#. ...#. ...#. ...#. #..#. .##..',
  Q: '.###. #...# #...# #...# #.#.# #..#. .##.#',
  K: '#...# #..#. #.#.. ##... #.#.. #..#. #...#',
};

/** Draws a text of these letters, centred at (x, y) and `height` high; other letters are left out. */
export function drawText(
  raster: Raster,
  text: string,
  place: { x: number; y: number; height: number },
  colour: Colour,
): void {
  const dot = place.height / rows;
  const width = (text.length * (columns + 1) - 1) * dot;
  const top = place.y - place.height / 2;
  for (const [i, letter] of text.split('').entries()) {
    const left = place.x - width / 2 + i * (columns + 1) * dot;
    for (const [row, line] of (dots[letter] ?? '').split(' ').entries()) {
      // Neighbouring dots are one rectangle, and rows overlap a little, or seams would show.
      for (const { index, 0: run } of line.matchAll(/#+/g)) {
        raster.fillRect(left + index * dot, top + row * dot, run.length * dot, 1.2 * dot, colour);
      }
    }
  }
}
