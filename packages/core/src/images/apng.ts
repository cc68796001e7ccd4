// Animated PNGs (https://www.w3.org/TR/png-3/#apng-frame-based-animation): exact in all colours, readable wherever PNG is, where only the first
// frame may be shown. Each frame is the PNG of fast-png with its data under another name.
import { ConfigError, ShapeError } from '../errors.ts';
import { concatBytes } from '../formats/concat-bytes.ts';
import type { NdArray } from '../ndarray.ts';
import type { GifOptions } from './gif.ts';
import { encodePng } from './png.ts';
import { pngChunk, pngSignature, readPngChunks } from './png-chunks.ts';

const maxDelayMs = 65535;

/**
 * The animated PNG of frames [height, width, channels], all of one shape; channels 1 (grey), 3 (RGB) or 4 (RGBA).
 *
 * Throws ShapeError for frames of other shapes or none at all, DTypeError unless uint8, ConfigError for a delay outside [0, 65535].
 */
export function encodeApng(frames: readonly NdArray<'uint8'>[], options: GifOptions): Uint8Array {
  const { delayMs, loop = true } = options;
  if (!(delayMs >= 0 && delayMs <= maxDelayMs)) {
    throw new ConfigError(`encodeApng: expected delayMs in [0, ${maxDelayMs}], got ${String(delayMs)}.`);
  }
  const [first] = frames;
  if (first === undefined) throw new ShapeError('encodeApng: expected at least one frame, got none.');
  const shape = first.shape.join(', ');
  const parts: Uint8Array[] = [];
  let sequence = 0;
  for (const [i, frame] of frames.entries()) {
    if (frame.shape.join(', ') !== shape) {
      throw new ShapeError(
        `encodeApng: expected all frames of shape [${shape}], got [${frame.shape.join(', ')}] for frame ${i}.`,
      );
    }
    const png = encodePng(frame);
    const chunks = readPngChunks(png);
    if (i === 0) {
      parts.push(pngSignature);
      parts.push(...chunks.filter(({ type }) => type === 'IHDR').map(({ bytes }) => bytes));
      parts.push(pngChunk('acTL', numbers(4, [frames.length, loop ? 0 : 1])));
    }
    parts.push(pngChunk('fcTL', frameControl(sequence++, frame.shape, Math.round(delayMs))));
    for (const { type, bytes, data } of chunks) {
      if (type !== 'IDAT') continue;
      parts.push(i === 0 ? bytes : pngChunk('fdAT', concatBytes([numbers(4, [sequence++]), data])));
    }
  }
  parts.push(pngChunk('IEND', new Uint8Array(0)));
  return concatBytes(parts);
}

function frameControl(sequence: number, [height, width]: readonly number[], delayMs: number): Uint8Array {
  // Each frame covers all of the one before: no offset, nothing disposed, nothing blended.
  return concatBytes([numbers(4, [sequence, width!, height!, 0, 0]), numbers(2, [delayMs, 1000]), new Uint8Array(2)]);
}

function numbers(bytes: 2 | 4, values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes * values.length));
  for (const [i, value] of values.entries()) {
    if (bytes === 4) view.setUint32(4 * i, value);
    else view.setUint16(2 * i, value);
  }
  return new Uint8Array(view.buffer);
}
