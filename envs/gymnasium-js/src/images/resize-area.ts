// Pictures in another size as OpenCV's `resize(image, (width, height), interpolation=INTER_AREA)` makes them from bytes, byte for byte: each new pixel is
// the mean of what it covers. Written from OpenCV's documentation and measured against its results; no other element type, no other method.
import { elementCount, ShapeError } from '@tessera/core';
import { enlarge } from './enlarge.ts';

/** `[height, width, channels]`. */
export type ImageShape = readonly [height: number, width: number, channels: number];

// OpenCV divides twice where once would do, and the last bit decides which of its two ways it takes.
const scaleOf = (from: number, to: number): number => 1 / (to / from);
const wholeScale = (scale: number): number | undefined => {
  const whole = Math.round(scale);
  return Math.abs(scale - whole) < Number.EPSILON ? whole : undefined;
};

/**
 * The picture `uint8 [height, width, channels]` in the size `to = [height, width]`, equal to OpenCV's INTER_AREA in every byte.
 *
 * Where both sides shrink by whole factors: `round(sum / count)` of the covered pixels, a half to the even side (2 x 2 with 1, 3 or 4 channels: up). Where
 * both shrink otherwise: `round(sum_y b_y * (sum_x a_x * pixel))` with the covered shares `a`, `b` and all sums in float32. Where a side grows OpenCV
 * interpolates between neighbours in fixed point, and so does this.
 *
 * Throws ShapeError for sizes that are no whole numbers > 0 and for an image of another length.
 */
export function resizeArea(
  image: Uint8Array,
  from: ImageShape,
  to: readonly [height: number, width: number],
): Uint8Array {
  for (const [name, sizes] of [
    ['from', from],
    ['to', to],
  ] as const) {
    if (sizes.length === (name === 'from' ? 3 : 2) && sizes.every((size) => Number.isSafeInteger(size) && size > 0))
      continue;
    const expected = name === 'from' ? '[height, width, channels]' : '[height, width]';
    throw new ShapeError(`resizeArea: expected ${name} as ${expected} of whole numbers > 0, got [${String(sizes)}].`);
  }
  if (image.length !== elementCount(from)) {
    throw new ShapeError(`resizeArea: expected an image of shape [${from.join(', ')}], got ${image.length} values.`);
  }
  const [height, width, channels] = from;
  if (height === to[0] && width === to[1]) return image.slice();
  const [scaleY, scaleX] = [scaleOf(height, to[0]), scaleOf(width, to[1])];
  if (scaleX < 1 || scaleY < 1) return enlarge(image, from, to);
  const [wholeY, wholeX] = [wholeScale(scaleY), wholeScale(scaleX)];
  if (wholeY !== undefined && wholeX !== undefined) return shrinkWhole(image, from, to, [wholeY, wholeX]);
  const table = { x: coverage(width, to[1], scaleX), y: coverage(height, to[0], scaleY) };
  return shrink(image, width * channels, channels, table);
}

function shrinkWhole(
  image: Uint8Array,
  [, width, channels]: ImageShape,
  [height, newWidth]: readonly [number, number],
  [stepY, stepX]: readonly [number, number],
): Uint8Array {
  const result = new Uint8Array(height * newWidth * channels);
  const share = Math.fround(1 / (stepY * stepX));
  // OpenCV has special code for halves, which rounds a half up.
  const halves = stepY === 2 && stepX === 2 && channels !== 2 && channels <= 4;
  const row = width * channels;
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        const corner = y * stepY * row + x * stepX * channels + channel;
        for (let j = 0; j < stepY; j++) {
          for (let i = 0; i < stepX; i++) sum += image[corner + j * row + i * channels]!;
        }
        result[at++] = halves ? (sum + 2) >> 2 : roundToEven(Math.fround(Math.fround(sum) * share));
      }
    }
  }
  return result;
}

/** New pixel `i` covers the old pixels `first[i], ..., first[i] + count[i] - 1` in the shares `share[offset[i]], ...`. */
interface Coverage {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly offset: Int32Array;
  readonly share: Float32Array;
}

function coverage(from: number, to: number, scale: number): Coverage {
  const [first, count, offset] = [new Int32Array(to), new Int32Array(to), new Int32Array(to)];
  const shares: number[] = [];
  for (let i = 0; i < to; i++) {
    const [begin, end] = [i * scale, i * scale + scale];
    const width = Math.min(scale, from - begin);
    const lastWhole = Math.min(Math.floor(end), from - 1);
    const firstWhole = Math.min(Math.ceil(begin), lastWhole);
    const hasHead = firstWhole - begin > 1e-3;
    offset[i] = shares.length;
    first[i] = hasHead ? firstWhole - 1 : firstWhole;
    if (hasHead) shares.push((firstWhole - begin) / width);
    for (let pixel = firstWhole; pixel < lastWhole; pixel++) shares.push(1 / width);
    if (end - lastWhole > 1e-3) shares.push(Math.min(Math.min(end - lastWhole, 1), width) / width);
    count[i] = shares.length - offset[i]!;
  }
  return { first, count, offset, share: Float32Array.from(shares) };
}

function shrink(image: Uint8Array, row: number, channels: number, table: { x: Coverage; y: Coverage }): Uint8Array {
  const { x, y } = table;
  const [height, newRow] = [y.first.length, x.first.length * channels];
  const result = new Uint8Array(height * newRow);
  const [line, sum] = [new Float32Array(newRow), new Float32Array(newRow)];
  let inLine = -1;
  for (let i = 0; i < height; i++) {
    sum.fill(0);
    for (let k = 0; k < y.count[i]!; k++) {
      const source = y.first[i]! + k;
      // Neighbours share the row at their border.
      if (source !== inLine) shrinkRow(image, source * row, channels, x, line);
      inLine = source;
      const share = y.share[y.offset[i]! + k]!;
      for (let j = 0; j < newRow; j++) sum[j] = sum[j]! + Math.fround(share * line[j]!);
    }
    for (let j = 0; j < newRow; j++) result[i * newRow + j] = Math.min(roundToEven(sum[j]!), 255);
  }
  return result;
}

function shrinkRow(image: Uint8Array, start: number, channels: number, x: Coverage, line: Float32Array): void {
  for (let i = 0; i < x.first.length; i++) {
    const [begin, offset] = [start + x.first[i]! * channels, x.offset[i]!];
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      // Each product and each sum is rounded to float32: OpenCV's own intermediate results.
      for (let k = 0; k < x.count[i]!; k++) {
        sum = Math.fround(sum + Math.fround(image[begin + k * channels + channel]! * x.share[offset + k]!));
      }
      line[i * channels + channel] = sum;
    }
  }
}

/** The nearest whole number to `x >= 0`; of two, the even one. */
function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}
