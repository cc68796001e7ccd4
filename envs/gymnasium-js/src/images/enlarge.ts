// What OpenCV's INTER_AREA does where a side grows: linear interpolation between neighbours with weights of 11 bits, in whole numbers.
import type { ImageShape } from './resize-area.ts';

const one = 2048; // 11 bits

/** New pixel `i` is the mix of old pixels `before[i]` and `after[i]`, with weights out of 2048. */
interface Mix {
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly weightBefore: Int32Array;
  readonly weightAfter: Int32Array;
}

/** The picture in the size `to`, of which at least one side is larger; arguments as `resizeArea` has checked them. */
export function enlarge(
  image: Uint8Array,
  [height, width, channels]: ImageShape,
  to: readonly [height: number, width: number],
): Uint8Array {
  const [x, y] = [mixes(width, to[1]), mixes(height, to[0])];
  const newRow = to[1] * channels;
  const rows = new Int32Array(height * newRow);
  for (let row = 0; row < height; row++) {
    for (let i = 0; i < to[1]; i++) {
      const [left, right] = [(row * width + x.before[i]!) * channels, (row * width + x.after[i]!) * channels];
      const [a, b] = [x.weightBefore[i]!, x.weightAfter[i]!];
      const at = row * newRow + i * channels;
      for (let channel = 0; channel < channels; channel++) {
        rows[at + channel] = image[left + channel]! * a + image[right + channel]! * b;
      }
    }
  }
  const result = new Uint8Array(to[0] * newRow);
  for (let i = 0; i < to[0]; i++) {
    const [upper, lower] = [y.before[i]! * newRow, y.after[i]! * newRow];
    const [a, b] = [y.weightBefore[i]!, y.weightAfter[i]!];
    for (let j = 0; j < newRow; j++) {
      // The shifts keep products within 32 bits; what they cut off is part of the result.
      const mixed = (((a * (rows[upper + j]! >> 4)) >> 16) + ((b * (rows[lower + j]! >> 4)) >> 16) + 2) >> 2;
      result[i * newRow + j] = Math.min(mixed, 255);
    }
  }
  return result;
}

function mixes(from: number, to: number): Mix {
  const [before, after] = [new Int32Array(to), new Int32Array(to)];
  const [weightBefore, weightAfter] = [new Int32Array(to), new Int32Array(to)];
  const inverse = to / from;
  const scale = 1 / inverse;
  for (let i = 0; i < to; i++) {
    const pixel = Math.floor(i * scale);
    const beyond = Math.fround(i + 1 - (pixel + 1) * inverse);
    const share = pixel >= from - 1 || beyond <= 0 ? 0 : Math.fround(beyond - Math.floor(beyond));
    before[i] = Math.min(pixel, from - 1);
    after[i] = Math.min(pixel + 1, from - 1);
    weightBefore[i] = Math.round(Math.fround(1 - share) * one);
    weightAfter[i] = Math.round(share * one);
  }
  return { before, after, weightBefore, weightAfter };
}
