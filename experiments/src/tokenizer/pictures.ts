// The pictures that a tokenizer run leaves: frames beside their reconstructions and codes, and what each code decodes to.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeColours, framesToPictures, grid, renderCodes, stackRows, upscale } from '@tessera/runs';
import type { Picture } from '@tessera/runs';
import { countCodes } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';

const shown = 10;
const cell = 4;

/** Three rows: frames, their reconstructions, their codes as colours. */
export function reconstructionPicture(
  { vocabulary, tokenShape }: Tokenizer['spec'],
  frames: NdArray<'float32'>,
  decoded: NdArray<'float32'>,
  tokens: NdArray<'int32'>,
): Picture {
  const count = Math.min(shown, frames.shape[0]!);
  const step = Math.floor(frames.shape[0]! / count);
  const chosen = Array.from({ length: count }, (_, i) => i * step);
  const rows = [frames, decoded].map((array) => {
    const pictures = framesToPictures(pick(array, chosen)).map((picture) => upscale(picture, cell));
    return grid(pictures, { columns: count, gap: cell });
  });
  const pixels = (frames.shape[1]! / tokenShape[0]!) * cell;
  const [h, w] = tokenShape as [number, number];
  const codes = chosen.map((i) => {
    const map = ndarray('int32', [h, w], tokens.data.slice(i * h * w, (i + 1) * h * w));
    return renderCodes(map, { codes: vocabulary, cell: pixels });
  });
  return stackRows([...rows, grid(codes, { columns: count, gap: cell })], { gap: 2 * cell });
}

/** A tile for each code, most used first: the middle patch of a frame that is this code everywhere, under a bar in the code's colour. Unused codes come last, dimmed. */
export function codebookPicture(tokenizer: Tokenizer, used: NdArray<'int32'>): Picture {
  const { vocabulary, tokenShape, frameShape } = tokenizer.spec;
  const [h, w] = tokenShape as [number, number];
  const counts = countCodes(used.data, vocabulary);
  const order = [...counts.keys()].toSorted((a, b) => counts[b]! - counts[a]! || a - b);
  const tokens = ndarray('int32', [vocabulary, h, w]);
  for (const [i, code] of order.entries()) tokens.data.fill(code, i * h * w, (i + 1) * h * w);
  const [height, width] = [frameShape[0] / h, frameShape[1] / w];
  const [top, left] = [Math.floor(h / 2) * height, Math.floor(w / 2) * width];
  const colours = codeColours(vocabulary).data;
  const tiles = framesToPictures(tokenizer.decode(tokens)).map((picture, i) => {
    const patch = upscale(crop(picture, { top, left, height, width }), 2 * cell);
    if (counts[order[i]!] === 0) for (let k = 0; k < patch.data.length; k++) patch.data[k]! >>= 2;
    return stackRows([bar(patch.shape[1]!, colours.subarray(order[i]! * 3, order[i]! * 3 + 3)), patch]);
  });
  return grid(tiles, { columns: 16, gap: cell });
}

function pick<D extends 'float32'>(array: NdArray<D>, rows: readonly number[]): NdArray<'float32'> {
  const size = array.data.length / array.shape[0]!;
  const out = ndarray('float32', [rows.length, ...array.shape.slice(1)]);
  for (const [i, row] of rows.entries()) out.data.set(array.data.subarray(row * size, (row + 1) * size), i * size);
  return out;
}

function crop(
  picture: Picture,
  { top, left, height, width }: { top: number; left: number; height: number; width: number },
): Picture {
  const stride = picture.shape[1]! * 3;
  const out = ndarray('uint8', [height, width, 3]);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * stride + left * 3;
    out.data.set(picture.data.subarray(start, start + width * 3), y * width * 3);
  }
  return out;
}

function bar(width: number, colour: Uint8Array): Picture {
  const out = ndarray('uint8', [cell, width, 3]);
  for (let i = 0; i < cell * width; i++) out.data.set(colour, i * 3);
  return out;
}
