// A picture in memory with anti-aliased shapes: polygons by exact area coverage (each edge adds what it covers to a buffer of differences, a running sum along
// the row gives the coverage of each pixel), everything else in terms of polygons. No canvas, no clipping library; pictures only, no text.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number];

export interface RasterOptions {
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  /** The coordinates that shapes are given in: the whole picture is `viewWidth` x `viewHeight` of them. By default pixels. */
  readonly viewHeight?: number;
  readonly viewWidth?: number;
  /** Whether y grows upwards from the lower edge, as in physics; false by default: downwards from the upper edge. */
  readonly yUp?: boolean;
}

/**
 * A picture `uint8 [height, width, 3]`. Shapes may reach beyond it; one with a coordinate that is not finite is not drawn.
 *
 * Polygons are simple (their edges do not cross each other), in either direction; the colour of a pixel is mixed by the area that is covered.
 */
export class Raster {
  readonly height: number;
  readonly width: number;
  /** The pixels in row-major order. */
  readonly data: Uint8Array;
  readonly #scaleX: number;
  readonly #scaleY: number;
  readonly #offsetY: number;
  // For each row, how much the coverage changes from one pixel to the next, one more than there are pixels; all 0 between shapes.
  readonly #steps: Float64Array;
  // What the edges since the last flush touch.
  #top = Infinity;
  #bottom = -1;
  #left = Infinity;
  #right = -1;

  constructor(options: RasterOptions) {
    const { height, width, viewHeight = height, viewWidth = width, yUp = false } = options;
    this.height = height;
    this.width = width;
    this.data = new Uint8Array(height * width * 3);
    this.#scaleX = width / viewWidth;
    this.#scaleY = (yUp ? -height : height) / viewHeight;
    this.#offsetY = yUp ? height : 0;
    this.#steps = new Float64Array(height * (width + 1));
  }

  /** Fills the whole picture. */
  clear([red, green, blue]: Colour): void {
    const { data } = this;
    if (red === green && green === blue) {
      data.fill(red);
      return;
    }
    for (let at = 0; at < data.length; at += 3) {
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
    }
  }

  /** Becomes equal to a picture of the same size: a background that was drawn once. */
  copyFrom(background: Raster): void {
    this.data.set(background.data);
  }

  /** The picture as it is now, as an array of its own. */
  toFrame(): NdArray<'uint8'> {
    return ndarray('uint8', [this.height, this.width, 3], this.data.slice());
  }

  /** Fills a polygon with corners `[x0, y0, x1, y1, ...]`; `opacity` is 0 to 1. */
  fillPolygon(points: ArrayLike<number>, colour: Colour, opacity = 1): void {
    if (this.#addPolygon(points)) this.#flush(colour, opacity);
  }

  /** Fills a rectangle from its corner of least x and y. */
  fillRect(x: number, y: number, width: number, height: number, colour: Colour, opacity = 1): void {
    if (!Number.isFinite(x + y + width + height)) return;
    const [top, bottom] = ordered(y * this.#scaleY + this.#offsetY, (y + height) * this.#scaleY + this.#offsetY);
    const [left, right] = ordered(x * this.#scaleX, (x + width) * this.#scaleX);
    const [endRow, endColumn] = [Math.min(this.height, Math.ceil(bottom)), Math.min(this.width, Math.ceil(right))];
    for (let row = Math.max(0, Math.floor(top)); row < endRow; row++) {
      const cover = (Math.min(row + 1, bottom) - Math.max(row, top)) * opacity;
      for (let column = Math.max(0, Math.floor(left)); column < endColumn; column++) {
        const share = Math.min(column + 1, right) - Math.max(column, left);
        this.#mix(row * this.width + column, colour, cover * share);
      }
    }
  }

  /** Fills a circle, or with a second radius an ellipse along the axes. */
  fillCircle(x: number, y: number, radius: number, colour: Colour, radiusY: number = radius): void {
    this.fillPolygon(this.#ellipse(x, y, radius, radiusY), colour);
  }

  /** Draws a line through points, at least one pixel wide so that it never fades; ends are cut square. */
  strokeLine(points: ArrayLike<number>, lineWidth: number, colour: Colour, opacity = 1): void {
    const pixels = Math.max(1, lineWidth * Math.sqrt(Math.abs(this.#scaleX * this.#scaleY)));
    let isDrawn = false;
    for (let i = 0; i + 3 < points.length; i += 2) {
      const x0 = points[i]! * this.#scaleX;
      const y0 = points[i + 1]! * this.#scaleY + this.#offsetY;
      const x1 = points[i + 2]! * this.#scaleX;
      const y1 = points[i + 3]! * this.#scaleY + this.#offsetY;
      const length = Math.sqrt((x1 - x0) * (x1 - x0) + (y1 - y0) * (y1 - y0));
      if (!(length > 0 && length < Infinity)) continue;
      const dx = ((x1 - x0) / length) * (pixels / 2);
      const dy = ((y1 - y0) / length) * (pixels / 2);
      // All in the same direction, so that where two pieces meet the coverage adds up and is cut at 1.
      this.#addEdge(x0 + dy, y0 - dx, x1 + dy, y1 - dx);
      this.#addEdge(x1 + dy, y1 - dx, x1 - dy, y1 + dx);
      this.#addEdge(x1 - dy, y1 + dx, x0 - dy, y0 + dx);
      this.#addEdge(x0 - dy, y0 + dx, x0 + dy, y0 - dx);
      isDrawn = true;
    }
    if (isDrawn) this.#flush(colour, opacity);
  }

  // Corners of a polygon that is nowhere further than a twentieth of a pixel from the ellipse.
  #ellipse(x: number, y: number, radiusX: number, radiusY: number): Float64Array {
    const pixels = Math.max(Math.abs(radiusX * this.#scaleX), Math.abs(radiusY * this.#scaleY));
    const corners = Math.min(256, 4 * Math.max(2, Math.ceil(Math.sqrt(pixels) * 2.5)));
    const unit = unitCircle(corners);
    const points = new Float64Array(2 * corners);
    for (let i = 0; i < 2 * corners; i += 2) {
      points[i] = x + radiusX * unit[i]!;
      points[i + 1] = y + radiusY * unit[i + 1]!;
    }
    return points;
  }

  #addPolygon(points: ArrayLike<number>): boolean {
    const { length } = points;
    for (let i = 0; i < length; i++) if (!Number.isFinite(points[i])) return false;
    if (length < 6) return false;
    let x0 = points[length - 2]! * this.#scaleX;
    let y0 = points[length - 1]! * this.#scaleY + this.#offsetY;
    for (let i = 0; i + 1 < length; i += 2) {
      const x1 = points[i]! * this.#scaleX;
      const y1 = points[i + 1]! * this.#scaleY + this.#offsetY;
      this.#addEdge(x0, y0, x1, y1);
      x0 = x1;
      y0 = y1;
    }
    return true;
  }

  // What is to the right of the edge is covered, positively for an edge that goes down. In pixels.
  #addEdge(x0: number, y0: number, x1: number, y1: number): void {
    const isDown = y0 < y1;
    const direction = isDown ? 1 : -1;
    const top = isDown ? y0 : y1;
    const start = isDown ? x0 : x1;
    const from = Math.max(0, top);
    const to = Math.min(this.height, isDown ? y1 : y0);
    if (!(from < to)) return;
    const slope = (x1 - x0) / (y1 - y0);
    const firstRow = Math.floor(from);
    const endRow = Math.ceil(to);
    if (firstRow < this.#top) this.#top = firstRow;
    if (endRow > this.#bottom) this.#bottom = endRow;
    for (let row = firstRow; row < endRow; row++) {
      const upper = Math.max(row, from);
      const lower = Math.min(row + 1, to);
      const a = start + (upper - top) * slope;
      const b = start + (lower - top) * slope;
      if (a < b) this.#addRow(row, a, b, direction * (lower - upper));
      else this.#addRow(row, b, a, direction * (lower - upper));
    }
  }

  // A piece of an edge within one row, from x = `left` to `right`, as high as `height` says.
  #addRow(row: number, left: number, right: number, height: number): void {
    const { width } = this;
    const steps = this.#steps;
    const at = row * (width + 1);
    if (left < 0) {
      // What lies left of the picture covers whole rows of it.
      const outside = right <= 0 ? height : (height * -left) / (right - left);
      steps[at]! += outside;
      this.#left = 0;
      if (this.#right < 0) this.#right = 0;
      if (right <= 0) return;
      this.#addRow(row, 0, right, height - outside);
      return;
    }
    if (left >= width) {
      // What is covered left of the edge goes on to the end of the row.
      this.#right = width;
      return;
    }
    if (right > width) {
      this.#right = width;
      this.#addRow(row, left, width, (height * (width - left)) / (right - left));
      return;
    }
    const first = Math.floor(left);
    const end = Math.ceil(right);
    if (first < this.#left) this.#left = first;
    if (end > this.#right) this.#right = end;
    const middle = (left + right) / 2;
    const double = 2 * (right - left);
    // area(x): what is covered left of x, for a height of 1; its differences are coverages, and theirs the steps.
    let areaBefore = 0;
    let coverBefore = 0;
    for (let x = first; x < end; x++) {
      const border = x + 1;
      const area = border >= right ? border - middle : ((border - left) * (border - left)) / double;
      const cover = area - areaBefore;
      steps[at + x]! += height * (cover - coverBefore);
      areaBefore = area;
      coverBefore = cover;
    }
    steps[at + end]! += height * (1 - coverBefore);
  }

  #mix(pixel: number, colour: Colour, cover: number): void {
    if (cover < 1e-3) return;
    const { data } = this;
    const at = 3 * pixel;
    // + 0.5 rounds, as storing in bytes cuts off.
    data[at] = data[at]! + (colour[0] - data[at]!) * cover + 0.5;
    data[at + 1] = data[at + 1]! + (colour[1] - data[at + 1]!) * cover + 0.5;
    data[at + 2] = data[at + 2]! + (colour[2] - data[at + 2]!) * cover + 0.5;
  }

  // Mixes the colour into the pixels that the edges so far cover, and forgets the edges.
  #flush(colour: Colour, opacity: number): void {
    const { width } = this;
    const steps = this.#steps;
    const right = Math.min(width, this.#right + 1);
    for (let row = this.#top; row < this.#bottom; row++) {
      const at = row * (width + 1);
      let sum = 0;
      for (let x = this.#left; x < right; x++) {
        sum += steps[at + x]!;
        steps[at + x] = 0;
        const cover = Math.min(1, Math.abs(sum)) * opacity;
        this.#mix(row * width + x, colour, cover);
      }
      steps[at + width] = 0;
    }
    this.#top = Infinity;
    this.#bottom = -1;
    this.#left = Infinity;
    this.#right = -1;
  }
}

const ordered = (a: number, b: number): readonly [number, number] => (a < b ? [a, b] : [b, a]);
const unitCircles = new Map<number, Float64Array>();

function unitCircle(corners: number): Float64Array {
  let points = unitCircles.get(corners);
  if (points === undefined) {
    points = Float64Array.from({ length: 2 * corners }, (_, i) => {
      const angle = (Math.PI * 2 * Math.floor(i / 2)) / corners;
      return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
    });
    unitCircles.set(corners, points);
  }
  return points;
}
