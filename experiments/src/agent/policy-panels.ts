// What a policy thinks, as pictures: a bar for each action, as high as the action is likely, and the value of each frame so far as a curve.
import { ndarray } from '@tessera/core';
import { pixelText, textSize } from '@tessera/runs';
import type { Colour, Picture } from '@tessera/runs';

/** Pixels of a panel. */
export interface PanelSize {
  readonly height: number;
  readonly width: number;
}

/** Colours of the panels. */
export const panelColours: Readonly<Record<'background' | 'likely' | 'chosen' | 'line' | 'zero' | 'text', Colour>> = {
  background: [255, 255, 255],
  likely: [150, 170, 200],
  chosen: [230, 130, 40],
  line: [60, 90, 160],
  zero: [210, 210, 210],
  text: [60, 60, 60],
};

const { background, likely, chosen: taken, line, zero, text } = panelColours;
/** Space between texts and what they are about. */
const gap = 3;

/** An empty picture. */
export function blank({ height, width }: PanelSize): Picture {
  const picture = ndarray('uint8', [height, width, 3]);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = background[i % 3]!;
  return picture;
}

/** Bars over the names of the actions; the action that was taken has a colour of its own. All bars together are as high as the room above the names. */
export function policyPanel(
  {
    probabilities,
    chosen,
    names,
  }: {
    readonly probabilities: ArrayLike<number>;
    /** Index of the action that was taken. */
    readonly chosen: number;
    readonly names: readonly string[];
  },
  size: PanelSize,
): Picture {
  const picture = blank(size);
  const column = Math.floor(size.width / names.length);
  const scale = letterScale(names, column);
  const labels = scale === 0 ? 0 : textSize(1, scale)[0] + gap;
  const room = size.height - labels;
  for (const [i, name] of names.entries()) {
    const left = i * column;
    const bar = Math.round(room * probabilities[i]!);
    box(
      picture,
      { left: left + 1, top: room - bar, width: Math.max(1, column - 2), height: bar },
      i === chosen ? taken : likely,
    );
    if (scale > 0) {
      const width = textSize(name.length, scale)[1];
      const label = pixelText(name, { scale, colour: i === chosen ? taken : text, background });
      put(picture, label, { left: left + Math.floor((column - width) / 2), top: room + gap });
    }
  }
  return picture;
}

/** The largest letters, of one or two pixels a point, in which all names fit under their bars; 0 when none do. */
function letterScale(names: readonly string[], column: number): number {
  const longest = Math.max(...names.map((name) => name.length));
  return [2, 1].find((scale) => textSize(longest, scale)[1] <= column - 2) ?? 0;
}

/** The values up to the step `at` as a curve over the whole episode, with the last one as a number above it. The grey line is 0. */
export function valuePanel(values: Float32Array, at: number, size: PanelSize): Picture {
  const picture = blank(size);
  const shown = values.subarray(0, at + 1);
  const label = pixelText(shown.length === 0 ? 'value' : `value ${shown.at(-1)!.toFixed(2)}`, {
    scale: 2,
    colour: text,
    background,
  });
  put(picture, label, { left: 0, top: 0 });
  const top = label.shape[0]! + gap;
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const row = (value: number) =>
    top + Math.round(((high - value) / Math.max(1e-9, high - low)) * (size.height - 1 - top));
  const column = (step: number) => Math.round((step / Math.max(1, values.length - 1)) * (size.width - 1));
  box(picture, { left: 0, top: row(0), width: size.width, height: 1 }, zero);
  for (const [step, value] of shown.entries()) {
    const before = row(shown[Math.max(0, step - 1)]!);
    const left = column(Math.max(0, step - 1));
    const [from, to] = [Math.min(before, row(value)), Math.max(before, row(value))];
    // Sideways at the height before, then up or down.
    box(picture, { left, top: before, width: column(step) - left + 1, height: 1 }, line);
    box(picture, { left: column(step), top: from, width: 1, height: to - from + 1 }, line);
  }
  return picture;
}

/** Fills a rectangle; what lies outside is left out. */
function box(
  { shape, data }: Picture,
  { left, top, width, height }: PanelSize & { readonly left: number; readonly top: number },
  colour: Colour,
): void {
  const [rows, columns] = shape as [number, number, number];
  for (let y = Math.max(0, top); y < Math.min(rows, top + height); y++) {
    for (let x = Math.max(0, left); x < Math.min(columns, left + width); x++) data.set(colour, (y * columns + x) * 3);
  }
}

/** Copies a picture into another one; what does not fit is left out. */
export function put(
  into: Picture,
  picture: Picture,
  { left, top }: { readonly left: number; readonly top: number },
): void {
  const [rows, columns] = into.shape as [number, number, number];
  const [height, width] = picture.shape as [number, number, number];
  const across = Math.min(width, columns - left);
  if (across <= 0) return;
  for (let y = 0; y < Math.min(height, rows - top); y++) {
    into.data.set(picture.data.subarray(y * width * 3, (y * width + across) * 3), ((top + y) * columns + left) * 3);
  }
}
