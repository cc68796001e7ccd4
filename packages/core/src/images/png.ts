// PNG pictures of 8 bits a channel (https://www.w3.org/TR/png-3/), by the fast-png package.
import { decode, encode } from 'fast-png';
import { FormatError, ShapeError } from '../errors.ts';
import { elementCount, ndarray } from '../ndarray.ts';
import type { NdArray } from '../ndarray.ts';

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const channelsOfColourType = new Map([
  [0, 1],
  [2, 3],
  [6, 4],
]);

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
 * Reads a PNG of 8 bits a channel, grey, RGB or RGBA, into an image [height, width, 1, 3 or 4]. `source` names the file in messages.
 *
 * Throws FormatError for damaged files, other kinds of PNG and images of more than `maxPixels` (default `2^26`).
 */
export function decodePng(bytes: Uint8Array, options: { source?: string; maxPixels?: number } = {}): NdArray<'uint8'> {
  const { source, maxPixels = 2 ** 26 } = options;
  const where = source === undefined ? 'png' : `png '${source}'`;
  const fail = (text: string, cause?: unknown): never => {
    throw new FormatError(`${where}: ${text}`, { cause });
  };
  // The size is read here first, for the decoder takes the memory that the file asks for.
  if (bytes.length < 26 || signature.some((byte, i) => bytes[i] !== byte))
    fail('it does not start as a PNG does. Is it one, and complete?');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [width, height, depth, colourType] = [
    view.getUint32(16),
    view.getUint32(20),
    view.getUint8(24),
    view.getUint8(25),
  ];
  const channels = channelsOfColourType.get(colourType);
  if (depth !== 8 || channels === undefined) {
    return fail(
      `expected 8 bits a channel of grey, RGB or RGBA, got ${depth} bits of colour type ${colourType}. Save it as 8-bit RGB.`,
    );
  }
  if (width === 0 || height === 0 || width * height > maxPixels) {
    fail(`expected 1 to ${maxPixels} pixels, got ${width} x ${height}.`);
  }
  const shape = [height, width, channels];
  try {
    const { data } = decode(bytes, { checkCrc: true });
    if (data.length !== elementCount(shape))
      fail(`expected ${elementCount(shape)} values, got ${data.length}. The file is damaged.`);
    return ndarray('uint8', shape, new Uint8Array(data));
  } catch (cause) {
    if (cause instanceof FormatError) throw cause;
    return fail(`the file is damaged (${(cause as Error).message}).`, cause);
  }
}
