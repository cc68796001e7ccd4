// NumPy's .npy format of one array (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): written byte for byte as `numpy.save` does,
// read in versions 1.0 and 2.0. Row-major and little-endian only: nothing here turns arrays round.
import { FormatError } from '../errors.ts';
import { bytesPerElement, elementCount, ndarray, typedArrayOf } from '../ndarray.ts';
import type { DType, NdArray } from '../ndarray.ts';
import { parseNpyHeader } from './npy-header.ts';
import type { NpyHeader } from './npy-header.ts';

const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59); // \x93NUMPY
/** NumPy leaves room in the header for the first size to grow to this many digits. */
const growthDigits = 21;
const alignment = 64;

const descriptions: Readonly<Record<DType, string>> = {
  float64: '<f8',
  float32: '<f4',
  int32: '<i4',
  int64: '<i8',
  uint8: '|u1',
  bool: '|b1',
  int8: '|i1',
  int16: '<i2',
  uint16: '<u2',
  uint32: '<u4',
  uint64: '<u8',
};
const dtypeOf = new Map((Object.keys(descriptions) as DType[]).map((dtype) => [descriptions[dtype], dtype]));

/** The bytes of a .npy file. Throws ShapeError or DTypeError for an array that is none. */
export function encodeNpy(array: NdArray): Uint8Array<ArrayBuffer> {
  const { dtype, shape, data } = ndarray(array.dtype, array.shape, array.data);
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const growth = shape.length === 0 ? 0 : growthDigits - String(shape[0]).length;
  const fields = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }${' '.repeat(growth)}`;
  // Version 1.0 counts the header in two bytes, 2.0 in four.
  const prefix = (lengthBytes: number): number => magic.length + 2 + lengthBytes;
  const padded = (lengthBytes: number): number =>
    Math.ceil((prefix(lengthBytes) + fields.length + 1) / alignment) * alignment;
  const lengthBytes = padded(2) - prefix(2) < 2 ** 16 ? 2 : 4;
  const dataStart = padded(lengthBytes);
  const headerBytes = dataStart - prefix(lengthBytes);
  const header = `${fields.padEnd(headerBytes - 1)}\n`;
  const bytes = new Uint8Array(dataStart + data.byteLength);
  bytes.set(magic);
  bytes.set([lengthBytes === 2 ? 1 : 2, 0], magic.length);
  for (let i = 0; i < lengthBytes; i++) bytes[magic.length + 2 + i] = (headerBytes >>> (8 * i)) & 0xff;
  bytes.set(new TextEncoder().encode(header), prefix(lengthBytes));
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataStart);
  return bytes;
}

/** Reads a .npy file into an array of its own memory. `source` names the file in messages. Throws FormatError for whatever does not fit the format. */
export function decodeNpy(bytes: Uint8Array, options: { source?: string } = {}): NdArray {
  const { source } = options;
  const where = source === undefined ? 'npy' : `npy '${source}'`;
  const fail: Fail = (text, cause) => {
    throw new FormatError(`${where}: ${text}`, { cause });
  };
  const { text, dataStart } = readHeaderText(bytes, fail);
  let header: NpyHeader;
  try {
    header = parseNpyHeader(text);
  } catch (cause) {
    return fail(`the header is not as numpy.save writes it: ${(cause as Error).message}`, cause);
  }
  const { descr, fortranOrder, shape } = header;
  const dtype = dtypeOf.get(descr) ?? dtypeOf.get(descr.replace(/^[<|](?=[ui]1$|b1$)/, '|'));
  if (dtype === undefined) return fail(wrongDescription(descr));
  if (fortranOrder)
    fail('the array is in Fortran order (column by column). Save numpy.ascontiguousarray(array) instead.');
  const dataBytes = bytes.length - dataStart;
  let expected: number;
  try {
    expected = elementCount(shape) * bytesPerElement(dtype);
  } catch (cause) {
    return fail(`the shape (${shape.join(', ')}) is too large.`, cause);
  }
  if (dataBytes !== expected) {
    fail(
      `shape (${shape.join(', ')}) and dtype '${descr}' take ${expected} bytes, but ${dataBytes} follow the header. The file is cut off or holds more than one array.`,
    );
  }
  // A copy: the data may start at any byte of a larger buffer.
  const data = new Uint8Array(bytes.subarray(dataStart));
  const wrong = dtype === 'bool' ? data.findIndex((value) => value > 1) : -1;
  if (wrong >= 0) fail(`the array is of dtype bool, expected 0 or 1, got ${data[wrong]} at element ${wrong}.`);
  return ndarray(dtype, shape, new (typedArrayOf(dtype))(data.buffer));
}

type Fail = (text: string, cause?: unknown) => never;

function readHeaderText(bytes: Uint8Array, fail: Fail): { text: string; dataStart: number } {
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte))
    fail('it does not start as a .npy file does. Is it one, and complete?');
  const [major, minor] = [bytes[6]!, bytes[7]!];
  if (!((major === 1 || major === 2) && minor === 0)) fail(`expected version 1.0 or 2.0, got ${major}.${minor}.`);
  const lengthBytes = major === 1 ? 2 : 4;
  const prefix = 8 + lengthBytes;
  if (bytes.length < prefix) fail('it is cut off in the length of its header.');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (prefix + length > bytes.length)
    fail(`the header claims ${length} bytes, but only ${bytes.length - prefix} follow. The file is cut off.`);
  return {
    text: new TextDecoder('latin1').decode(bytes.subarray(prefix, prefix + length)),
    dataStart: prefix + length,
  };
}

function wrongDescription(descr: string): string {
  const known = [...dtypeOf.keys()].join(', ');
  if (descr.startsWith('>'))
    return `the array is big-endian ('${descr}'). Save array.astype(array.dtype.newbyteorder('<')) instead.`;
  return `expected a dtype out of ${known}, got ${JSON.stringify(descr)}. Convert it with array.astype first.`;
}
