// The safetensors format of named arrays (https://github.com/huggingface/safetensors): 8 bytes of header length, a JSON header, the data.
// Written byte for byte as the reference implementation does; read as if the file were hostile. Names are data, never paths.
import { ConfigError, DTypeError, FormatError } from '../errors.ts';
import { bytesPerElement, elementCount, ndarray, typedArrayOf } from '../ndarray.ts';
import type { DType, NdArray } from '../ndarray.ts';
import { duplicateKey } from './json-keys.ts';

/** What a safetensors file holds. */
export interface Safetensors {
  /** By name; the object has no prototype, so that a name such as `constructor` is absent unless it is in the file. */
  readonly tensors: Record<string, NdArray>;
  readonly metadata: Record<string, string>;
}

const metadataName = '__metadata__';
const maxHeaderBytes = 100_000_000; // the reference implementation's limit

// In the order in which the reference implementation lays tensors out: wide elements first, so that each is aligned.
const formatNames: Readonly<Record<DType, string>> = {
  uint64: 'U64',
  int64: 'I64',
  float64: 'F64',
  float32: 'F32',
  uint32: 'U32',
  int32: 'I32',
  uint16: 'U16',
  int16: 'I16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
const order = Object.keys(formatNames) as DType[];
const dtypeOf = new Map(order.map((dtype) => [formatNames[dtype], dtype]));

/** The bytes of a safetensors file; equal tensors and metadata give equal bytes, whatever the order of their names. Throws ShapeError, DTypeError, ConfigError for a name or metadata that the format cannot hold. */
export function encodeSafetensors(
  tensors: Record<string, NdArray>,
  metadata: Record<string, string> = {},
): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(tensors).toSorted(
    ([a, x], [b, y]) => order.indexOf(x.dtype) - order.indexOf(y.dtype) || compareUtf8(a, b),
  );
  const fields = metadataFields(metadata);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, array] of entries) {
    checkName(name);
    const { dtype, shape, data } = ndarray(array.dtype, array.shape, array.data);
    checkBooleans(dtype, data, (text) => new DTypeError(`encodeSafetensors: tensor ${JSON.stringify(name)} ${text}`));
    const end = offset + data.byteLength;
    const info = { dtype: formatNames[dtype], shape, data_offsets: [offset, end] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  const header = new TextEncoder().encode(`{${fields.join(',')}}`);
  const dataStart = 8 + Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(dataStart + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  bytes.fill(0x20, 8, dataStart).set(header, 8);
  let position = dataStart;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

/** Reads a safetensors file into arrays of their own memory. `source` names the file in messages. Throws FormatError for whatever does not fit the format. */
export function decodeSafetensors(bytes: Uint8Array, options: { source?: string } = {}): Safetensors {
  const { source } = options;
  const where = source === undefined ? 'safetensors' : `safetensors '${source}'`;
  const fail: Fail = (text, cause) => {
    throw new FormatError(`${where}: ${text}`, { cause });
  };
  const { header, dataStart } = readHeader(bytes, fail);
  const { [metadataName]: metadata = {}, ...infos } = header;
  const dataBytes = bytes.length - dataStart;
  const entries = Object.entries(infos).map(([name, info]) => readEntry(name, info, dataBytes, fail));
  // Before any copy: tensors that overlap could take any amount of memory.
  checkPlaces(entries, dataBytes, fail);
  const tensors = emptyRecord<NdArray>();
  for (const { name, dtype, shape, begin, end } of entries) {
    // A copy: in the file the data may start at any byte.
    const data = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end));
    checkBooleans(dtype, data, (text) => fail(`tensor ${JSON.stringify(name)} ${text}`));
    tensors[name] = ndarray(dtype, shape, new (typedArrayOf(dtype))(data.buffer));
  }
  return { tensors, metadata: readMetadata(metadata, fail) };
}

type Fail = (text: string, cause?: unknown) => never;

interface Entry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Its bytes in the data: `begin` up to `end`, which is excluded. */
  readonly begin: number;
  readonly end: number;
}

function readHeader(bytes: Uint8Array, fail: Fail): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8)
    fail(`expected 8 bytes of header length, but there are only ${bytes.length} bytes. The file is cut off.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes))
    fail(`the header claims ${length} bytes, more than the ${maxHeaderBytes} allowed. Is it a safetensors file?`);
  const dataStart = 8 + Number(length);
  if (dataStart > bytes.length) {
    fail(
      `the header claims ${length} bytes, but only ${bytes.length - 8} follow. The file is cut off, or no safetensors file.`,
    );
  }
  let header: unknown;
  let text = '';
  try {
    // ignoreBOM keeps a byte order mark as text, which is then no JSON.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
  } catch (cause) {
    return fail('the header is no JSON in UTF-8. Is it a safetensors file?', cause);
  }
  if (!isRecord(header)) return fail(`expected the header to be a JSON object, got ${shown(header)}.`);
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`the name ${JSON.stringify(twice)} stands twice in the header.`);
  return { header, dataStart };
}

function readEntry(name: string, info: unknown, dataBytes: number, fail: Fail): Entry {
  const tensor = `tensor ${JSON.stringify(name)}`;
  if (!isRecord(info)) return fail(`expected ${tensor} to be an object, got ${shown(info)}.`);
  const { dtype: formatName, shape, data_offsets: offsets } = info;
  const dtype = dtypeOf.get(formatName as string);
  if (dtype === undefined) {
    return fail(
      `${tensor} has the dtype ${shown(formatName)}; only ${[...dtypeOf.keys()].join(', ')} are read here. Convert it first.`,
    );
  }
  if (!isCounts(shape))
    return fail(`expected the shape of ${tensor} to be a list of whole numbers >= 0, got ${shown(shape)}.`);
  if (!isCounts(offsets) || offsets.length !== 2)
    return fail(`expected data_offsets [begin, end] of ${tensor}, got ${shown(offsets)}.`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes) {
    fail(
      `${tensor} lies at the bytes [${begin}, ${end}] of ${dataBytes} bytes of data. The file is cut off, or its header is wrong.`,
    );
  }
  let expected: number;
  try {
    expected = elementCount(shape) * bytesPerElement(dtype);
  } catch (cause) {
    return fail(`the shape ${shown(shape)} of ${tensor} is too large.`, cause);
  }
  if (expected !== end - begin) {
    fail(
      `${tensor} of shape ${shown(shape)} and dtype ${shown(formatName)} takes ${expected} bytes, but has ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must cover the data once, without gap or overlap. */
function checkPlaces(entries: readonly Entry[], dataBytes: number, fail: Fail): void {
  let covered = 0;
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      fail(
        `expected tensor ${JSON.stringify(name)} to start at byte ${covered} of the data, where the one before ends, got ${begin}.`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) fail(`the tensors take ${covered} bytes, but ${dataBytes} bytes of data are there.`);
}

function readMetadata(metadata: unknown, fail: Fail): Record<string, string> {
  if (!isRecord(metadata)) return fail(`expected ${metadataName} to be an object, got ${shown(metadata)}.`);
  const strings = emptyRecord<string>();
  for (const [key, value] of Object.entries(metadata)) {
    strings[key] =
      typeof value === 'string'
        ? value
        : fail(`expected ${metadataName} of texts, got ${shown(value)} for ${JSON.stringify(key)}.`);
  }
  return strings;
}

function metadataFields(metadata: Record<string, string>): string[] {
  const entries = Object.entries(metadata).toSorted(([a], [b]) => compareUtf8(a, b));
  for (const [key, value] of entries) {
    checkText(key);
    if (typeof value !== 'string') {
      throw new ConfigError(
        `encodeSafetensors: expected metadata of texts, got ${shown(value)} for ${JSON.stringify(key)}. Turn it into JSON.`,
      );
    }
    checkText(value);
  }
  const fields = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return fields.length === 0 ? [] : [`"${metadataName}":{${fields.join(',')}}`];
}

function checkName(name: string): void {
  if (name === metadataName)
    throw new ConfigError(`encodeSafetensors: a tensor cannot be named ${metadataName}. Choose another name.`);
  checkText(name);
}

function checkText(text: string): void {
  if (/\p{Surrogate}/u.test(text)) {
    throw new ConfigError(
      `encodeSafetensors: expected Unicode text, got ${JSON.stringify(text)} with half a character.`,
    );
  }
}

function checkBooleans(dtype: DType, data: NdArray['data'], wrong: (text: string) => Error): void {
  if (dtype !== 'bool') return;
  const i = (data as Uint8Array).findIndex((value) => value > 1);
  if (i >= 0) throw wrong(`is of dtype bool, expected 0 or 1, got ${data[i]} at element ${i}.`);
}

function emptyRecord<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((x) => Number.isSafeInteger(x) && x >= 0);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** The order of the bytes in UTF-8, which is that of the code points and not that of `<`. */
function compareUtf8(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  const i = x.findIndex((letter, j) => letter !== y[j]);
  if (i < 0) return x.length - y.length;
  return i >= y.length ? 1 : x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
}
