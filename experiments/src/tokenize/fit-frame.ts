// Pictures as a tokenizer's frames: other channels only where nothing is lost, another size only when that is asked for.
import { ndarray, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { resizeArea } from 'gymnasium-js';

/** What frames have to be. */
export interface FrameFit {
  /** `[height, width, channels]`. */
  readonly frameShape: readonly number[];
  /** Whether pictures of other sizes are resized: each pixel the mean of what it covers (OpenCV's INTER_AREA). */
  readonly resize: boolean;
}

/**
 * A picture uint8 [h, w, c] as a frame uint8 [height, width, channels]. Grey becomes RGB, opaque RGBA loses its alpha, and RGB whose channels are equal becomes grey.
 *
 * Throws ShapeError, opened by `where`, when channels would be lost and for another size unless `resize`.
 */
export function fitFrame(where: string, picture: NdArray<'uint8'>, { frameShape, resize }: FrameFit): Uint8Array {
  const [height, width, channels] = frameShape as [number, number, number];
  const { shape, data } = withChannels(where, picture, channels);
  const [h, w] = shape as [number, number];
  if (h === height && w === width) return data;
  if (!resize) {
    throw new ShapeError(
      `${where}: expected ${height} x ${width} pixels (height x width), as the tokenizer was trained on, got ${h} x ${w}. --resize makes them fit.`,
    );
  }
  return resizeArea(data, [h, w, channels], [height, width]);
}

function withChannels(where: string, picture: NdArray<'uint8'>, wanted: number): NdArray<'uint8'> {
  const { shape, data } = picture;
  const [h, w, channels] = shape as [number, number, number];
  if (channels === wanted) return picture;
  const colours = channels === 4 ? 3 : channels;
  const problem = whyNot(data, channels, wanted);
  if (problem !== undefined) {
    throw new ShapeError(
      `${where}: expected a picture of ${wanted} channel${wanted === 1 ? '' : 's'}, as the tokenizer was trained on, got ${problem}.`,
    );
  }
  const out = ndarray('uint8', [h, w, wanted]);
  for (let pixel = 0; pixel < h * w; pixel++) {
    for (let c = 0; c < wanted; c++) out.data[pixel * wanted + c] = data[pixel * channels + Math.min(c, colours - 1)]!;
  }
  return out;
}

/** What would be lost or is not known; undefined where nothing is. */
function whyNot(data: Uint8Array, channels: number, wanted: number): string | undefined {
  if (![1, 3, 4].includes(channels) || ![1, 3].includes(wanted)) return String(channels);
  if (channels === 4 && !isOpaque(data)) return '4 with transparent pixels. Save the pictures without transparency';
  if (wanted === 1 && !isGrey(data, channels)) return `${channels} with colours. Turn the pictures grey first`;
  return undefined;
}

function isOpaque(data: Uint8Array): boolean {
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return false;
  return true;
}

function isGrey(data: Uint8Array, channels: number): boolean {
  for (let i = 0; i < data.length; i += channels) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}
