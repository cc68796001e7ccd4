// PNG pictures of at most 8 bits a channel (https://www.w3.org/TR/png-3/): written by the fast-png package; read here, as if the file were hostile.
import { encode } from 'fast-png';
import { FormatError, ShapeError } from '../errors.ts';
import { ndarray } from '../ndarray.ts';
import type { NdArray } from '../ndarray.ts';
import { readPngChunks } from './png-chunks.ts';
import type { PngChunk } from './png-chunks.ts';
import { readSamples } from './png-samples.ts';

/** The PNG of an image [height, width, channels], channels 1 (grey), 3 (RGB) or 4 (RGBA, alpha not premultiplied). Throws ShapeError for any other shape, DTypeError unless uint8. */
export function encodePng(image: NdArray<'uint8'>): Uint8Array {
  const [height = 0, width = 0, channels = 0] = image.shape;
  if (image.shape.length !== 3 || height === 0 || width === 0 || ![1, 3, 4].includes(channels)) {
    throw new ShapeError(
      `encodePng: expected an image of shape [height, width, 1, 3 or 4] with at least one pixel, got [${image.shape.join(', ')}].`,
    );
  }
  const { data } = ndarray('uint8', image.shape, image.data);
  return encode({ width, height, channels, depth: 8, data });
}

/**
 * Reads a PNG into an image [height, width, channels]: grey of 1 to 8 bits gives 1 channel, RGB and palettes 3, RGBA, grey with alpha and palettes with
 * transparent colours 4. Interlaced ones too; of an animation, the first picture. `source` names the file in messages.
 *
 * No more memory is taken than an image of the size it claims needs, `maxPixels` (default `2^26`) at most. Throws FormatError for damaged files, data after the
 * end, 16 bits a channel and a single transparent colour of grey or RGB.
 */
export function decodePng(bytes: Uint8Array, options: { source?: string; maxPixels?: number } = {}): NdArray<'uint8'> {
  const { source, maxPixels = 2 ** 26 } = options;
  try {
    return decode(readPngChunks(bytes), maxPixels);
  } catch (cause) {
    const where = source === undefined ? 'png' : `png '${source}'`;
    throw new FormatError(`${where}: ${(cause as Error).message}`, { cause });
  }
}

const [grey, rgb, indexed, greyAlpha, rgba] = [0, 2, 3, 4, 6];
const samplesOf = new Map([
  [grey, 1],
  [rgb, 3],
  [indexed, 1],
  [greyAlpha, 2],
  [rgba, 4],
]);
const depthsOf = (colourType: number): readonly number[] =>
  colourType === grey || colourType === indexed ? [1, 2, 4, 8] : [8];
/** Chunks that change what the picture is; others may be left out. */
const critical = ['IHDR', 'PLTE', 'IDAT', 'IEND'];

function decode(chunks: readonly PngChunk[], maxPixels: number): NdArray<'uint8'> {
  const { width, height, depth, colourType, interlaced } = readHeader(chunks[0]!.data, maxPixels);
  const unknown = chunks.find(({ type }) => /^[A-Z]/.test(type) && !critical.includes(type));
  if (unknown !== undefined) throw new Error(`expected no part ${unknown.type}, which nobody knows how to leave out.`);
  const data = chunks.filter(({ type }) => type === 'IDAT');
  const first = chunks.findIndex(({ type }) => type === 'IDAT');
  if (data.length === 0) throw new Error('expected data of a picture (IDAT), got none.');
  if (chunks[first + data.length - 1]!.type !== 'IDAT') throw new Error('expected its data (IDAT) in one piece.');
  const before = chunks.slice(0, first);
  const colours = colourType === indexed ? readPalette(before) : undefined;
  if (colours === undefined && before.some(({ type }) => type === 'tRNS')) {
    throw new Error('expected no transparent colour of grey or RGB. Save it as RGBA, or without transparency.');
  }
  const layout = { width, height, samples: samplesOf.get(colourType)!, depth, interlaced };
  const samples = readSamples(
    data.map((chunk) => chunk.data),
    layout,
  );
  if (colours !== undefined) return looked(samples, colours, [height, width]);
  if (colourType === greyAlpha) {
    const pixels = Uint8Array.from(
      { length: 2 * samples.length },
      (_, i) => samples[2 * (i >> 2) + (i % 4 === 3 ? 1 : 0)]!,
    );
    return ndarray('uint8', [height, width, 4], pixels);
  }
  if (depth < 8) samples.forEach((value, i) => (samples[i] = (value * 255) / (2 ** depth - 1)));
  return ndarray('uint8', [height, width, layout.samples], samples);
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colourType: number;
  readonly interlaced: boolean;
}

function readHeader(data: Uint8Array, maxPixels: number): Header {
  if (data.length !== 13) throw new Error(`expected 13 bytes of header, got ${data.length}. The file is damaged.`);
  const view = new DataView(data.buffer, data.byteOffset);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colourType, compression, filter, interlace] = data.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (!samplesOf.has(colourType) || !depthsOf(colourType).includes(depth)) {
    throw new Error(
      `expected at most 8 bits a channel of grey, RGB, RGBA or a palette, got ${depth} bits of colour type ${colourType}. Save it as 8-bit RGB.`,
    );
  }
  if (compression !== 0 || filter !== 0 || interlace > 1) {
    throw new Error(
      `expected compression 0, filter 0 and interlacing 0 or 1, got ${compression}, ${filter} and ${interlace}.`,
    );
  }
  if (width === 0 || height === 0 || width * height > maxPixels) {
    throw new Error(`expected 1 to ${maxPixels} pixels, got ${width} x ${height}.`);
  }
  return { width, height, depth, colourType, interlaced: interlace === 1 };
}

/** RGB of each colour, or RGBA where some are transparent. */
function readPalette(chunks: readonly PngChunk[]): Uint8Array[] {
  const [palettes, alphas] = ['PLTE', 'tRNS'].map((name) => chunks.filter(({ type }) => type === name));
  const [palette, ...more] = palettes!;
  const count = (palette?.data.length ?? 0) / 3;
  if (palette === undefined || more.length > 0 || !Number.isInteger(count) || count < 1 || count > 256) {
    throw new Error('expected one palette of 1 to 256 colours before its data.');
  }
  const [alpha] = alphas!;
  if (alphas!.length > 1 || (alpha !== undefined && alpha.data.length > count)) {
    throw new Error(`expected one list of at most ${count} alphas, as many as colours.`);
  }
  return Array.from({ length: count }, (_, i) => {
    const colour = palette.data.subarray(3 * i, 3 * i + 3);
    return alpha === undefined ? colour : Uint8Array.of(...colour, alpha.data[i] ?? 255);
  });
}

function looked(
  indices: Uint8Array,
  colours: readonly Uint8Array[],
  size: readonly [height: number, width: number],
): NdArray<'uint8'> {
  const channels = colours[0]!.length;
  const image = ndarray('uint8', [...size, channels]);
  indices.forEach((index, i) => {
    const colour = colours[index];
    if (colour === undefined)
      throw new Error(`expected colours of a palette of ${colours.length}, got colour ${index}.`);
    image.data.set(colour, i * channels);
  });
  return image;
}
