// The chunks of a PNG (https://www.w3.org/TR/png-3/#5DataRep): length, type, data and a checksum each. Read as if the file were hostile.
import { concatBytes } from '../formats/concat-bytes.ts';

export const pngSignature: Uint8Array = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** A part of a PNG; its memory is the file's. */
export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** The whole chunk, as it is in the file. */
  readonly bytes: Uint8Array;
}

/** All chunks of a file that is IHDR, others and IEND, nothing after it, with right lengths and checksums. Throws an Error that says what is wrong. */
export function readPngChunks(png: Uint8Array): PngChunk[] {
  if (png.length < pngSignature.length || pngSignature.some((byte, i) => png[i] !== byte)) {
    throw new Error('it does not start as a PNG does. Is it one?');
  }
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: PngChunk[] = [];
  for (let at = pngSignature.length; at < png.length;) {
    const left = png.length - at;
    const length = left < 12 ? Infinity : view.getUint32(at);
    if (length > left - 12) throw new Error(`a part at byte ${at} is longer than the file. The file is cut off.`);
    const end = at + 12 + length;
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (!/^[a-zA-Z]{4}$/.test(type)) throw new Error(`expected a type of four letters at byte ${at + 4}.`);
    if (crc32(png.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw new Error(`the checksum of the part ${type} at byte ${at} is wrong. The file is damaged.`);
    }
    chunks.push({ type, data: png.subarray(at + 8, end - 4), bytes: png.subarray(at, end) });
    at = end;
  }
  const only = (type: string): boolean => chunks.filter((chunk) => chunk.type === type).length === 1;
  if (chunks[0]?.type !== 'IHDR' || !only('IHDR')) throw new Error('expected it to start with its size (IHDR).');
  if (chunks.at(-1)!.type !== 'IEND' || !only('IEND')) {
    throw new Error(
      'expected it to end with IEND and nothing after. The file is cut off, or holds more than a picture.',
    );
  }
  return chunks;
}

/** A chunk as it stands in a file. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const body = concatBytes([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), data]);
  const numbers = new DataView(new ArrayBuffer(8));
  numbers.setUint32(0, data.length);
  numbers.setUint32(4, crc32(body));
  const [length, checksum] = [new Uint8Array(numbers.buffer, 0, 4), new Uint8Array(numbers.buffer, 4)];
  return concatBytes([length, body, checksum]);
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ crcTable[(crc ^ byte) & 255]!;
  return (crc ^ 0xffffffff) >>> 0;
}
