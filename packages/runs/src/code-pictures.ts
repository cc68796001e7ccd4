// Discrete codes as pictures: a colour for each code, and a token map as coloured cells. The colour of code k never depends
// on the size of the codebook, so pictures of different runs can be compared.

import { ConfigError, ndarray, ShapeError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import type { Picture } from './pictures.ts';

/** Steps of a sequence that fills a cube evenly, `1 / p, 1 / p^2, 1 / p^3` with `p^4 = p + 1` (Roberts 2018, "R sequences"). */
const HUE_STEP = 0.8191725133961645;
const SATURATION_STEP = 0.6710436067037893;
const VALUE_STEP = 0.5497004779019703;

/** Rounded to 24 bits the sequence first repeats itself at 347,080. */
const MOST_CODES = 2 ** 18;

/**
 * `K` different colours, uint8 `[K, 3]`: an evenly spread sequence over hue, saturation and brightness. The first colours are the
 * same for every K. Throws ConfigError for K outside `[1, 2^18]`.
 */
export function codeColours(K: number): NdArray<'uint8'> {
  if (!Number.isSafeInteger(K) || K < 1 || K > MOST_CODES) {
    throw new ConfigError(`codeColours: expected a whole number of codes from 1 to ${MOST_CODES}, got ${K}.`);
  }
  const colours = ndarray('uint8', [K, 3]);
  for (let code = 0; code < K; code++) {
    const saturation = 0.45 + 0.55 * fraction(code * SATURATION_STEP);
    const value = 0.5 + 0.5 * fraction(code * VALUE_STEP);
    const packed = hsv(fraction(code * HUE_STEP), saturation, value);
    colours.data.set([packed >> 16, (packed >> 8) & 255, packed & 255], code * 3);
  }
  return colours;
}

/**
 * A token map `[h, w]` as squares of `cell` pixels in the colours of their codes, `[h * cell, w * cell, 3]`.
 * Throws ShapeError for another rank, ConfigError for tokens outside `[0, K)` or a bad cell size.
 */
export function renderCodes(
  tokens: NdArray<'int32'>,
  options: { readonly codes: number; readonly cell: number },
): Picture {
  const { codes, cell } = options;
  const [height = 0, width = 0] = tokens.shape;
  if (tokens.shape.length !== 2) {
    throw new ShapeError(`renderCodes: expected tokens of shape [h, w], got [${tokens.shape.join(', ')}].`);
  }
  if (!Number.isSafeInteger(cell) || cell < 1) {
    throw new ConfigError(`renderCodes: expected a whole cell size >= 1 pixel, got ${cell}.`);
  }
  const wrong = tokens.data.find((token) => token < 0 || token >= codes);
  if (wrong !== undefined) throw new ConfigError(`renderCodes: expected tokens in [0, ${codes}), got ${wrong}.`);
  const colours = codeColours(codes).data;
  const picture = ndarray('uint8', [height * cell, width * cell, 3]);
  for (let y = 0; y < height * cell; y++) {
    for (let x = 0; x < width * cell; x++) {
      const token = tokens.data[Math.floor(y / cell) * width + Math.floor(x / cell)]!;
      picture.data.set(colours.subarray(token * 3, token * 3 + 3), (y * width * cell + x) * 3);
    }
  }
  return picture;
}

function fraction(value: number): number {
  return value - Math.floor(value);
}

/** Hue, saturation and value in [0, 1] as a 24-bit RGB number (Smith 1978). */
function hsv(hue: number, saturation: number, value: number): number {
  const channel = (offset: number): number => {
    const k = (offset + hue * 6) % 6;
    return Math.round(255 * (value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return (channel(5) << 16) | (channel(3) << 8) | channel(1);
}
