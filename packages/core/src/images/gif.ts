// Animated GIFs (https://www.w3.org/Graphics/GIF/spec-gif89a.txt), by the gifenc package. Exact while 256 colours are enough.
// oxlint-disable-next-line typescript/triple-slash-reference -- the other packages compile this source too, and would not find the types otherwise.
/// <reference path="./gifenc.d.ts" />
import * as gifencModule from 'gifenc';
import type { Gifenc, Palette } from 'gifenc';
import { ConfigError, ShapeError } from '../errors.ts';
import { ndarray } from '../ndarray.ts';
import type { NdArray } from '../ndarray.ts';

// Named exports in a bundle, properties of the default export in Node.
const found: Partial<Gifenc> & { readonly default: Gifenc } = gifencModule;
const gifenc = found.GIFEncoder === undefined ? found.default : (found as Gifenc);
const maxColours = 256;
const maxSide = 65535;
const maxDelayMs = 655350;

/** How a GIF plays. */
export interface GifOptions {
  /** Time of each frame in ms, rounded to the format's 10 ms; most viewers slow down below 20. */
  readonly delayMs: number;
  /** Whether it starts again at its end (default true). */
  readonly loop?: boolean;
}

/**
 * The GIF of frames [height, width, 3], all of one shape.
 *
 * Exact when all frames together have at most 256 colours; else each frame gets a palette of its own, and is exact if 256 are enough for it.
 * Throws ShapeError for frames of other shapes or none at all, DTypeError unless uint8, ConfigError for a delay outside [0, 655350].
 */
export function encodeGif(frames: readonly NdArray<'uint8'>[], options: GifOptions): Uint8Array {
  const { delayMs, loop = true } = options;
  if (!(delayMs >= 0 && delayMs <= maxDelayMs)) {
    throw new ConfigError(`encodeGif: expected delayMs in [0, ${maxDelayMs}], got ${String(delayMs)}.`);
  }
  const [height, width] = frameSize(frames);
  const stream = gifenc.GIFEncoder();
  const shared = exactPalette(frames);
  frames.forEach((frame, i) => {
    const palette = shared ?? exactPalette([frame]);
    const { colours, index } =
      palette === undefined ? quantized(frame) : { colours: palette.colours, index: indexed(frame, palette) };
    // The first frame's palette is that of the whole file; a later one is written only where it differs.
    const own = i === 0 || shared === undefined ? { palette: colours } : {};
    stream.writeFrame(index, width, height, { ...own, delay: delayMs, repeat: loop ? 0 : -1 });
  });
  stream.finish();
  return stream.bytes();
}

function frameSize(frames: readonly NdArray<'uint8'>[]): readonly [number, number] {
  const [first] = frames;
  if (first === undefined) throw new ShapeError('encodeGif: expected at least one frame, got none.');
  const [height = 0, width = 0, channels] = first.shape;
  const sides = [height, width];
  if (first.shape.length !== 3 || channels !== 3 || sides.some((side) => side === 0 || side > maxSide)) {
    throw new ShapeError(
      `encodeGif: expected frames of shape [height, width, 3] with sides of 1 to ${maxSide}, got [${first.shape.join(', ')}].`,
    );
  }
  for (const [i, frame] of frames.entries()) {
    if (frame.shape.join() !== first.shape.join()) {
      throw new ShapeError(
        `encodeGif: expected all frames of shape [${first.shape.join(', ')}], got [${frame.shape.join(', ')}] for frame ${i}.`,
      );
    }
    ndarray('uint8', frame.shape, frame.data);
  }
  return [height, width];
}

interface ExactPalette {
  readonly colours: Palette;
  /** Place of a colour `red * 65536 + green * 256 + blue`. */
  readonly places: ReadonlyMap<number, number>;
}

const colourAt = (data: Uint8Array, i: number): number => (data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!;

/** The colours of all frames, in the order in which they come; undefined when they are too many. */
function exactPalette(frames: readonly NdArray<'uint8'>[]): ExactPalette | undefined {
  const places = new Map<number, number>();
  for (const { data } of frames) {
    for (let i = 0; i < data.length; i += 3) {
      const colour = colourAt(data, i);
      if (places.has(colour)) continue;
      if (places.size === maxColours) return undefined;
      places.set(colour, places.size);
    }
  }
  const colours = [...places.keys()].map((colour) => [colour >>> 16, (colour >>> 8) & 255, colour & 255]);
  return { colours, places };
}

function indexed({ data }: NdArray<'uint8'>, { places }: ExactPalette): Uint8Array {
  return Uint8Array.from({ length: data.length / 3 }, (_, pixel) => places.get(colourAt(data, 3 * pixel))!);
}

function quantized({ data }: NdArray<'uint8'>): { colours: Palette; index: Uint8Array } {
  const rgba = new Uint8Array((data.length / 3) * 4).fill(255);
  for (let pixel = 0; pixel < data.length / 3; pixel++) rgba.set(data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
  const colours = gifenc.quantize(rgba, maxColours);
  return { colours, index: gifenc.applyPalette(rgba, colours) };
}
