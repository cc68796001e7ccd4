// Chunks as bytes: several of them in one safetensors file, their rows one after another, so that any language reads them with one call. What comes back from a
// file is checked as if the file were hostile.

import { decodeSafetensors, encodeSafetensors, FormatError, ndarray, ShapeError, TesseraError } from '@tessera/core';
import type { NdArray } from '@tessera/core';
import { chunkSteps, plainMetadata, validateChunk } from './chunk.ts';
import type { Chunk, ChunkMetadata } from './chunk.ts';
import { describeValue } from './settings.ts';

/** Version of the files that this package writes and reads. */
export const chunkFileVersion = 2;

const kind = 'tessera-chunks';
const rowNames = ['actions', 'executedActions', 'rewards', 'terminated', 'truncated'] as const;
const rowDTypes = {
  actions: 'int32',
  executedActions: 'int32',
  rewards: 'float32',
  terminated: 'uint8',
  truncated: 'uint8',
} as const;
const tensorNames: readonly string[] = ['frames', ...rowNames, 'steps'];

/** Chunks read from a file. */
export interface ChunkFile {
  readonly chunks: Chunk[];
  /** The number of the first among all chunks of its replay; undefined when the file belongs to none. */
  readonly firstChunkId: number | undefined;
}

/**
 * One safetensors file with all rows of `chunks`, n of them with S steps in all: `frames` uint8 `[S + n, H, W, C]`, `actions` and `executedActions` int32 `[S]`, `rewards` float32
 * `[S]`, `terminated` and `truncated` uint8 `[S]`, `steps` int32 `[n]`. Equal chunks give equal bytes.
 *
 * Throws what `validateChunk` throws, and ShapeError for no chunks and for frames of several shapes.
 */
export function encodeChunks(chunks: readonly Chunk[]): Uint8Array<ArrayBuffer> {
  return encodeChunkFile(chunks, {});
}

/** The chunks of a file of `encodeChunks`, each in memory of its own. Throws FormatError for anything else; `source` names the file in messages. */
export function decodeChunks(bytes: Uint8Array, options: { readonly source?: string } = {}): Chunk[] {
  return decodeChunkFile(bytes, options).chunks;
}

/** `encodeChunks` with the place of the chunks in a replay. */
export function encodeChunkFile(
  chunks: readonly Chunk[],
  options: { readonly firstChunkId?: number; readonly where?: string },
): Uint8Array<ArrayBuffer> {
  const { firstChunkId, where = 'encodeChunks' } = options;
  const [first] = chunks;
  if (first === undefined) throw new ShapeError(`${where}: expected at least one chunk, got none.`);
  for (const [index, chunk] of chunks.entries()) validateChunk(chunk, { where: `${where}: chunk ${index}` });
  const frameShape = first.frames.shape.slice(1);
  for (const [index, { frames }] of chunks.entries()) {
    if (String(frames.shape.slice(1)) !== String(frameShape)) {
      throw new ShapeError(
        `${where}: expected frames of one shape, [${frameShape.join(', ')}], got [${frames.shape.slice(1).join(', ')}] in chunk ${index}.`,
      );
    }
  }
  const steps = Int32Array.from(chunks, chunkSteps);
  const rows = steps.reduce((sum, count) => sum + count, 0);
  const tensors: Record<string, NdArray> = {
    steps: ndarray('int32', [chunks.length], steps),
    frames: joined(chunks, 'frames', ndarray('uint8', [rows + chunks.length, ...frameShape])),
  };
  for (const name of rowNames) tensors[name] = joined(chunks, name, ndarray(rowDTypes[name], [rows]));
  return encodeSafetensors(tensors, {
    format: kind,
    formatVersion: String(chunkFileVersion),
    chunks: JSON.stringify(chunks.map(({ metadata }) => plainMetadata(metadata))),
    ...(firstChunkId !== undefined && { firstChunkId: String(firstChunkId) }),
  });
}

/** `decodeChunks` with the place of the chunks in a replay. */
export function decodeChunkFile(bytes: Uint8Array, options: { readonly source?: string }): ChunkFile {
  const { source } = options;
  const where = source === undefined ? 'decodeChunks' : `chunks '${source}'`;
  const { tensors, metadata } = decodeSafetensors(bytes, options);
  checkKind(metadata, where);
  checkNames(tensors, where);
  const list = parseMetadata(metadata['chunks'], where);
  const steps = checkSteps(tensors, list.length, where);
  const chunks: Chunk[] = [];
  let row = 0;
  for (const [index, count] of steps.entries()) {
    const slice = rowsOf(tensors, row, count);
    const chunk = {
      frames: framesOf(tensors['frames']!, row + index, count + 1),
      actions: slice('actions'),
      executedActions: slice('executedActions'),
      rewards: slice('rewards'),
      terminated: slice('terminated'),
      truncated: slice('truncated'),
      metadata: plainMetadata(list[index]!),
    };
    chunks.push(validated(chunk as Chunk, `${where}: chunk ${index}`));
    row += count;
  }
  return { chunks, firstChunkId: parseFirstChunkId(metadata['firstChunkId'], where) };
}

function checkKind(metadata: Readonly<Record<string, string>>, where: string): void {
  const { format, formatVersion } = metadata;
  if (format !== kind) {
    throw new FormatError(`${where}: expected a file of chunks, got one of format ${describeValue(format)}.`);
  }
  if (formatVersion !== String(chunkFileVersion)) {
    const newer = Number(formatVersion) > chunkFileVersion;
    throw new FormatError(
      `${where}: expected a file of format version ${chunkFileVersion}, got ${describeValue(formatVersion)}.` +
        (newer ? ' It was written by a newer Tessera: update @tessera/rollouts.' : ''),
    );
  }
}

function checkNames(tensors: Readonly<Record<string, NdArray>>, where: string): void {
  const missing = tensorNames.filter((name) => tensors[name] === undefined);
  const extra = Object.keys(tensors).filter((name) => !tensorNames.includes(name));
  if (missing.length > 0) throw new FormatError(`${where}: the tensor ${missing.join(', ')} is missing.`);
  if (extra.length > 0) {
    throw new FormatError(
      `${where}: expected the tensors ${tensorNames.join(', ')}, got ${describeValue(extra[0])} besides.`,
    );
  }
}

function parseMetadata(text: string | undefined, where: string): ChunkMetadata[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? '');
  } catch (cause) {
    throw new FormatError(`${where}: expected metadata of the chunks as JSON, got ${describeValue(text)}.`, { cause });
  }
  if (!Array.isArray(list) || list.length === 0 || list.some((item) => item === null || typeof item !== 'object')) {
    throw new FormatError(`${where}: expected a list of metadata, one for each chunk, got ${describeValue(list)}.`);
  }
  return list as ChunkMetadata[];
}

/** The steps of each chunk. What the tensors' rows are must follow from them. */
function checkSteps(tensors: Readonly<Record<string, NdArray>>, count: number, where: string): Int32Array {
  const steps = tensors['steps']!;
  if (steps.dtype !== 'int32' || steps.shape.length !== 1 || steps.shape[0] !== count) {
    throw new FormatError(`${where}: expected steps int32 [${count}], got ${described(steps)}.`);
  }
  const data = steps.data as Int32Array;
  const odd = data.findIndex((value) => value < 1);
  if (odd >= 0) throw new FormatError(`${where}: expected at least one step in chunk ${odd}, got ${data[odd]}.`);
  const rows = data.reduce((sum, value) => sum + value, 0);
  for (const name of rowNames) {
    const tensor = tensors[name]!;
    if (tensor.dtype !== rowDTypes[name] || tensor.shape.length !== 1 || tensor.shape[0] !== rows) {
      throw new FormatError(
        `${where}: expected ${name} ${rowDTypes[name]} [${rows}], as the steps of the chunks add up to, got ${described(tensor)}.`,
      );
    }
  }
  const frames = tensors['frames']!;
  const isFrames = frames.dtype === 'uint8' && frames.shape.length === 4 && !frames.shape.includes(0);
  if (!isFrames || frames.shape[0] !== rows + count) {
    throw new FormatError(
      `${where}: expected frames uint8 [${rows + count}, height, width, channels], one more than its steps for each chunk, got ${described(frames)}.`,
    );
  }
  return data;
}

function parseFirstChunkId(text: string | undefined, where: string): number | undefined {
  if (text === undefined) return undefined;
  const id = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(id)) return id;
  throw new FormatError(`${where}: expected a whole number in firstChunkId, got ${describeValue(text)}.`);
}

function validated(chunk: Chunk, where: string): Chunk {
  try {
    return validateChunk(chunk, { where });
  } catch (error) {
    if (error instanceof TesseraError && !(error instanceof FormatError)) {
      throw new FormatError(error.message, { cause: error });
    }
    throw error;
  }
}

function joined<A extends NdArray>(chunks: readonly Chunk[], name: 'frames' | (typeof rowNames)[number], out: A): A {
  let position = 0;
  for (const chunk of chunks) {
    const { data } = chunk[name];
    (out.data as Uint8Array).set(data as Uint8Array, position);
    position += data.length;
  }
  return out;
}

function rowsOf(tensors: Readonly<Record<string, NdArray>>, row: number, count: number) {
  return (name: (typeof rowNames)[number]): NdArray => {
    const { dtype, data } = tensors[name]!;
    return { dtype, shape: [count], data: data.slice(row, row + count) };
  };
}

function framesOf(frames: NdArray, first: number, count: number): NdArray {
  const [all, ...frameShape] = frames.shape as [number, ...number[]];
  const frameSize = frames.data.length / all;
  const data = frames.data.slice(first * frameSize, (first + count) * frameSize);
  return { dtype: 'uint8', shape: [count, ...frameShape], data };
}

function described({ dtype, shape }: NdArray): string {
  return `${dtype} [${shape.join(', ')}]`;
}
