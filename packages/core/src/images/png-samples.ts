// From the compressed data of a PNG to its samples, a byte each: inflating (by the fflate package), filters and interlacing
// (https://www.w3.org/TR/png-3/#7Scanline, #9Filters, #8InterlaceMethods).
import { Unzlib } from 'fflate';

/** What the data of a PNG are. */
export interface SampleLayout {
  readonly width: number;
  readonly height: number;
  /** Samples of a pixel. */
  readonly samples: number;
  /** Bits of a sample: 1, 2, 4 or 8. */
  readonly depth: number;
  readonly interlaced: boolean;
}

/** Pixels (`left + i * right`, `top + j * down`). */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly down: number;
}

const whole: readonly Pass[] = [{ left: 0, top: 0, right: 1, down: 1 }];
const adam7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
].map(([left, top, right, down]) => ({ left: left!, top: top!, right: right!, down: down! }));

// At most a thousand times as much comes out of it before the limit is looked at.
const inflatePiece = 2 ** 14;

/** The samples [height, width, samples] out of the parts of a zlib stream; those of fewer than 8 bits are as they stand, not scaled. Throws an Error that says what is wrong. */
export function readSamples(parts: readonly Uint8Array[], layout: SampleLayout): Uint8Array<ArrayBuffer> {
  const { width, height, samples, depth, interlaced } = layout;
  const passes = (interlaced ? adam7 : whole).flatMap((pass) => {
    const columns = Math.ceil((width - pass.left) / pass.right);
    const rows = Math.ceil((height - pass.top) / pass.down);
    return columns > 0 && rows > 0
      ? [{ ...pass, columns, rows, rowBytes: Math.ceil((columns * samples * depth) / 8) }]
      : [];
  });
  const data = inflate(
    parts,
    passes.reduce((sum, { rows, rowBytes }) => sum + rows * (1 + rowBytes), 0),
  );
  const out = new Uint8Array(height * width * samples);
  const reach = Math.max(1, (samples * depth) / 8);
  const perByte = 8 / depth;
  let at = 0;
  for (const { left, top, right, down, columns, rows, rowBytes } of passes) {
    let above = new Uint8Array(rowBytes);
    for (let j = 0; j < rows; j++) {
      const row = data.subarray(at + 1, at + 1 + rowBytes);
      unfilter(data[at]!, row, above, reach);
      const start = ((top + j * down) * width + left) * samples;
      for (let i = 0; i < columns * samples; i++) {
        // Of several samples in a byte the first has the highest bits.
        const value =
          depth === 8
            ? row[i]!
            : (row[Math.floor(i / perByte)]! >> (8 - depth * ((i % perByte) + 1))) & (2 ** depth - 1);
        out[start + Math.floor(i / samples) * right * samples + (i % samples)] = value;
      }
      above = row;
      at += 1 + rowBytes;
    }
  }
  return out;
}

/** Exactly `length` bytes; a stream that holds more is given up as soon as it shows. */
function inflate(parts: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  let done = 0;
  const inflator = new Unzlib((piece) => {
    if (done + piece.length > length) throw new Error(`its data are more than the ${length} bytes of its size.`);
    out.set(piece, done);
    done += piece.length;
  });
  const tail: number[] = [];
  for (const part of parts) {
    for (let at = 0; at < part.length; at += inflatePiece) {
      const piece = part.subarray(at, at + inflatePiece);
      inflator.push(piece, false);
      tail.push(...piece.subarray(-4));
      tail.splice(0, tail.length - 4);
    }
  }
  inflator.push(new Uint8Array(0), true);
  if (done !== length) throw new Error(`expected ${length} bytes of data, got ${done}. The file is damaged.`);
  const checksum = tail.reduce((sum, byte) => sum * 256 + byte, 0);
  if (adler32(out) !== checksum) throw new Error('the checksum of its data is wrong. The file is damaged.');
  return out;
}

function adler32(bytes: Uint8Array): number {
  let [a, b] = [1, 0];
  // So many sums stay below 2^53.
  for (let start = 0; start < bytes.length; start += 65_536) {
    for (const byte of bytes.subarray(start, start + 65_536)) b += a += byte;
    a %= 65_521;
    b %= 65_521;
  }
  return b * 65_536 + a;
}

/** Undoes a row's filter in place; `reach` is how far back the pixel to the left is. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, reach: number): void {
  if (filter > 4) throw new Error(`expected filters from 0 to 4, got ${filter}. The file is damaged.`);
  if (filter === 0) return;
  for (let i = 0; i < row.length; i++) {
    const left = i < reach ? 0 : row[i - reach]!;
    const up = above[i]!;
    if (filter === 1) row[i] = row[i]! + left;
    else if (filter === 2) row[i] = row[i]! + up;
    else if (filter === 3) row[i] = row[i]! + ((left + up) >> 1);
    else row[i] = row[i]! + paeth(left, up, i < reach ? 0 : above[i - reach]!);
  }
}

/** Of the three, the one nearest to `left + up - corner`; of several, the first. */
function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
