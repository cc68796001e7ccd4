// The pictures that a tokenizer run leaves: frames beside their reconstructions and codes, and what each code decodes to.
import { ndarray } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { codeColours, framesToPictures, grid, renderCodes, stackRows, upscale } from '@tessera/runs';
import type { Picture } from '@tessera/runs';
import { countCodes, placesOf } from '@tessera/vqvae';
import type { Tokenizer } from '@tessera/vqvae';

const shown = 10;
const cell = 4;
const unusedGrey = 128;

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

/**
 * A tile for each code, most used first: the mean of the patches that it decoded to, under a bar in the code's colour. Unused codes come last, grey.
 *
 * The decoder looks at neighbouring codes too, so a patch is shown as it came out in frames.
 */
export function codebookPicture(
  spec: Tokenizer['spec'],
  decoded: NdArray<'float32'>,
  tokens: NdArray<'int32'>,
): Picture {
  const { vocabulary, frameShape, slots = [vocabulary] } = spec;
  const [rows, columns] = placesOf(spec) as [number, number];
  const [height, width] = [frameShape[0] / rows, frameShape[1] / columns];
  const counts = countCodes(tokens.data, vocabulary);
  const patches = ndarray('float32', [vocabulary, height, width, frameShape[2]]);
  const size = height * width * frameShape[2];
  const [line, stretch] = [frameShape[1] * frameShape[2], width * frameShape[2]];
  for (const [i, code] of tokens.data.entries()) {
    // Tokens of one place stand beside each other.
    const all = Math.floor(i / slots.length);
    const [frame, place] = [Math.floor(all / (rows * columns)), all % (rows * columns)];
    const top = frame * frameShape[0] + Math.floor(place / columns) * height;
    for (let y = 0; y < height; y++) {
      const from = (top + y) * line + (place % columns) * stretch;
      for (let x = 0; x < stretch; x++)
        patches.data[code * size + y * stretch + x]! += decoded.data[from + x]! / counts[code]!;
    }
  }
  const pictures = framesToPictures(patches);
  const colours = codeColours(vocabulary).data;
  const order = [...counts.keys()].toSorted((a, b) => counts[b]! - counts[a]! || a - b);
  const tiles = order.map((code) => {
    const patch = upscale(pictures[code]!, 2 * cell);
    if (counts[code] === 0) patch.data.fill(unusedGrey);
    return stackRows([bar(patch.shape[1]!, colours.subarray(code * 3, code * 3 + 3)), patch]);
  });
  return grid(tiles, { columns: 16, gap: cell });
}

function pick(array: NdArray<'float32'>, rows: readonly number[]): NdArray<'float32'> {
  const size = array.data.length / array.shape[0]!;
  const out = ndarray('float32', [rows.length, ...array.shape.slice(1)]);
  for (const [i, row] of rows.entries()) out.data.set(array.data.subarray(row * size, (row + 1) * size), i * size);
  return out;
}

function bar(width: number, colour: Uint8Array): Picture {
  const out = ndarray('uint8', [cell, width, 3]);
  for (let i = 0; i < cell * width; i++) out.data.set(colour, i * 3);
  return out;
}
