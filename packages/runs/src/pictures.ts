// Arranges pictures: conversion from frames, enlarging without smoothing, grids and rows. Pictures are uint8 arrays
// [height, width, 3]; every function returns a new one. Drawing codes is in `code-pictures.ts`, files in `RunFolder`.

import { ConfigError, ndarray, NonFiniteError, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';

/** An RGB picture, uint8 `[height, width, 3]`. */
export type Picture = NdArray<'uint8'>;

/** Red, green and blue from 0 to 255. */
export type Colour = readonly [number, number, number];

/** Space between pictures in pixels and what fills it. */
export interface GapOptions {
  /** Default 2, unit pixels. */
  readonly gap?: number;
  /** Default white. */
  readonly background?: Colour;
}

const WHITE: Colour = [255, 255, 255];

/**
 * The frames of a batch as pictures. `frames` is `[B, H, W, C]` with C = 1 (grey), 3, or a multiple of 3: stacked frames, of which the last is shown; float32 in [0, 1], clipped, or uint8.
 * Throws ShapeError, and NonFiniteError for NaN or infinite values.
 */
export function framesToPictures(frames: NdArray<'float32'> | NdArray<'uint8'>): Picture[] {
  const [count = 0, height = 0, width = 0, channels = 0] = frames.shape;
  if (frames.shape.length !== 4 || (channels !== 1 && (channels === 0 || channels % 3 !== 0))) {
    throw new ShapeError(`framesToPictures: expected [B, H, W, 1 or a multiple of 3], got ${shapeText(frames)}.`);
  }
  const scale = frames.dtype === 'float32' ? 255 : 1;
  const pixels = height * width;
  return Array.from({ length: count }, (_, index) => {
    const picture = ndarray('uint8', [height, width, 3]);
    for (let i = 0; i < pixels * 3; i++) {
      const pixel = Math.floor(i / 3);
      const value = frames.data[(index * pixels + pixel) * channels + (channels === 1 ? 0 : channels - 3 + (i % 3))]!;
      if (!Number.isFinite(value)) throw new NonFiniteError(`framesToPictures: frame ${index} holds ${value}.`);
      picture.data[i] = Math.round(Math.min(Math.max(value * scale, 0), 255));
    }
    return picture;
  });
}

/** Each pixel becomes a square of `factor` by `factor` pixels, `[H * factor, W * factor, 3]`. Throws ConfigError and ShapeError. */
export function upscale(picture: Picture, factor: number): Picture {
  const [height, width] = sizeOf(picture, 'upscale');
  if (!Number.isSafeInteger(factor) || factor < 1) {
    throw new ConfigError(`upscale: expected a whole factor >= 1, got ${factor}.`);
  }
  const large = ndarray('uint8', [height * factor, width * factor, 3]);
  for (let y = 0; y < height * factor; y++) {
    for (let x = 0; x < width * factor; x++) {
      const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * 3;
      large.data.set(picture.data.subarray(from, from + 3), (y * width * factor + x) * 3);
    }
  }
  return large;
}

/**
 * Pictures of one size, left to right and top to bottom, `columns` in a row, with gaps between them but none around.
 * Throws ConfigError for no pictures or bad options, ShapeError for pictures of different sizes.
 */
export function grid(pictures: readonly Picture[], options: GapOptions & { readonly columns: number }): Picture {
  const { columns } = options;
  if (!Number.isSafeInteger(columns) || columns < 1) {
    throw new ConfigError(`grid: expected a whole number of columns >= 1, got ${columns}.`);
  }
  const [first] = pictures;
  if (!first) throw new ConfigError('grid: expected at least one picture, got none.');
  const odd = pictures.findIndex((picture) => shapeText(picture) !== shapeText(first));
  if (odd > 0) {
    throw new ShapeError(
      `grid: expected pictures of one size, got ${shapeText(first)} and, at ${odd}, ${shapeText(pictures[odd]!)}. Upscale them to one size first.`,
    );
  }
  const rows: Picture[] = [];
  for (let at = 0; at < pictures.length; at += columns) {
    rows.push(place(pictures.slice(at, at + columns), { ...options, direction: 'right', where: 'grid' }));
  }
  return stackRows(rows, options);
}

/** Pictures below each other, left-aligned on the background, as wide as the widest. Throws as `grid` does. */
export function stackRows(rows: readonly Picture[], options: GapOptions = {}): Picture {
  return place(rows, { ...options, direction: 'down', where: 'stackRows' });
}

function place(
  pictures: readonly Picture[],
  options: GapOptions & { readonly direction: 'right' | 'down'; readonly where: string },
): Picture {
  const { gap = 2, background = WHITE, direction, where } = options;
  if (pictures.length === 0) throw new ConfigError(`${where}: expected at least one picture, got none.`);
  if (!Number.isSafeInteger(gap) || gap < 0) throw new ConfigError(`${where}: expected a whole gap >= 0, got ${gap}.`);
  const sizes = pictures.map((picture) => sizeOf(picture, where));
  const gaps = gap * (pictures.length - 1);
  const total = (axis: 0 | 1): number => sizes.reduce((sum, size) => sum + size[axis], gaps);
  const largest = (axis: 0 | 1): number => Math.max(...sizes.map((size) => size[axis]));
  const height = direction === 'down' ? total(0) : largest(0);
  const width = direction === 'down' ? largest(1) : total(1);
  const canvas = filled(height, width, background);
  let offset = 0;
  for (const [index, picture] of pictures.entries()) {
    const [rows, columns] = sizes[index]!;
    for (let y = 0; y < rows; y++) {
      const to = direction === 'down' ? (offset + y) * width : y * width + offset;
      canvas.data.set(picture.data.subarray(y * columns * 3, (y + 1) * columns * 3), to * 3);
    }
    offset += (direction === 'down' ? rows : columns) + gap;
  }
  return canvas;
}

function filled(height: number, width: number, colour: Colour): Picture {
  const picture = ndarray('uint8', [height, width, 3]);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = colour[i % 3]!;
  return picture;
}

function sizeOf(picture: Picture, where: string): readonly [number, number] {
  const [height, width, channels] = picture.shape;
  if (picture.dtype !== 'uint8' || picture.shape.length !== 3 || channels !== 3) {
    throw new ShapeError(`${where}: expected a picture uint8 [H, W, 3], got ${picture.dtype} ${shapeText(picture)}.`);
  }
  return [height!, width!];
}

function shapeText(array: NdArray): string {
  return `[${array.shape.join(', ')}]`;
}
