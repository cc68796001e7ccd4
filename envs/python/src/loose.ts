// Values without a fixed size (texts, sequences, graphs, one of several) as JSON, as python/tessera_bridge/loose.py describes it. Numbers within them are cast to
// the dtype of their space and go as the bytes of an array: nothing is lost on the way.
import { elementCount, FormatError, isBigDType, typedArrayOf } from '@tessera/core';
import type { DType } from '@tessera/core';
import { Discrete, Graph, joinLeaves, leafSpaces, OneOf, Sequence, splitLeaves, Text } from 'gymnasium-js';
import type { FeatureSpace, GraphInstance, Space, TypedArray } from 'gymnasium-js';
import { columnOf, put } from './columns.ts';
import { decodeValue } from './values.ts';

/** JSON of a value that is in the space. */
export function encodeLoose(space: Space<unknown>, value: unknown): unknown {
  if (space instanceof Sequence) {
    const sequence: Sequence<Space<unknown>, boolean> = space;
    return sequence.toItems(value as unknown[]).map((item) => encodeParts(space.featureSpace, item));
  }
  if (space instanceof OneOf) {
    const [index, item] = value as [number, unknown];
    return [index, ...encodeParts(space.spaces[index]!, item)];
  }
  if (!(space instanceof Graph)) return value;
  const { nodes, edges, edgeLinks } = value as GraphInstance;
  const sent = encodeArray(rowDType(space.nodeSpace), nodes);
  if (edges === null || edgeLinks === null) return [sent, null, null];
  return [sent, encodeArray(rowDType(space.edgeSpace!), edges), encodeArray('int32', edgeLinks)];
}

const encodeParts = (space: Space<unknown>, value: unknown): unknown[] => {
  const leaves = leafSpaces(space);
  return splitLeaves(space, value).map((part, i) => encodePart(leaves[i]!, part));
};

function encodePart(space: Space<unknown>, value: unknown): unknown {
  if (isLoose(space)) return encodeLoose(space, value);
  if (space instanceof Discrete) return Number(value);
  return encodeArray(rowDType(space), (typeof value === 'number' ? [value] : value) as TypedArray);
}

function encodeArray(dtype: DType, values: ArrayLike<number | bigint>): unknown[] {
  const column = columnOf(dtype, values.length);
  put(column, 0, values, 0, values.length);
  return ['a', dtype, Buffer.from(column.buffer).toString('base64')];
}

/** The value back, in memory of its own. Throws FormatError for JSON that `encode_loose` of loose.py does not make of a value of this space. */
export function decodeLoose(space: Space<unknown>, sent: unknown): unknown {
  if (space instanceof Text) {
    if (typeof sent !== 'string') throw unfit(space, sent);
    return sent;
  }
  if (!Array.isArray(sent)) throw unfit(space, sent);
  if (space instanceof Sequence) {
    const sequence: Sequence<Space<unknown>, boolean> = space;
    return sequence.fromItems(sent.map((item: unknown) => decodeParts(space.featureSpace, item)));
  }
  if (space instanceof OneOf) {
    const [index, ...item] = sent as [number, ...unknown[]];
    const chosen: Space<unknown> | undefined = space.spaces[index];
    if (chosen === undefined) throw unfit(space, sent);
    return [index, decodeParts(chosen, item)];
  }
  return decodeGraph(space as Graph, sent);
}

function decodeGraph(space: Graph, sent: readonly unknown[]): GraphInstance {
  const rows = (of: FeatureSpace, array: unknown): TypedArray =>
    decodeArray(of, rowDType(of), rowSize(of), array, true);
  const nodes = rows(space.nodeSpace, sent[0]);
  if (space.edgeSpace === null || sent[1] === null) return { nodes, edges: null, edgeLinks: null };
  const edges = rows(space.edgeSpace, sent[1]);
  const links = (edges.length / rowSize(space.edgeSpace)) * 2;
  return { nodes, edges, edgeLinks: decodeArray(space, 'int32', links, sent[2]) as Int32Array };
}

function decodeParts(space: Space<unknown>, sent: unknown): unknown {
  const leaves = leafSpaces(space);
  if (!Array.isArray(sent) || sent.length !== leaves.length) throw unfit(space, sent);
  return joinLeaves(
    space,
    leaves.map((leaf, i) => decodePart(leaf, sent[i])),
  );
}

function decodePart(space: Space<unknown>, sent: unknown): unknown {
  if (isLoose(space)) return decodeLoose(space, sent);
  if (!(space instanceof Discrete)) return decodeArray(space, rowDType(space), rowSize(space), sent);
  if (typeof sent !== 'number') throw unfit(space, sent);
  return sent;
}

/** An array of `size` numbers, or of rows of them. Nothing is allocated for one of another size. */
function decodeArray(
  space: Space<unknown>,
  dtype: DType,
  size: number,
  sent: unknown,
  isRows: boolean = false,
): TypedArray {
  const [kind, name, text] = (Array.isArray(sent) ? sent : []) as unknown[];
  if (kind !== 'a' || name !== dtype || typeof text !== 'string') throw unfit(space, sent);
  const expected = size * typedArrayOf(dtype).BYTES_PER_ELEMENT;
  const bytes = Buffer.byteLength(text, 'base64');
  if (isRows ? bytes % expected !== 0 : bytes !== expected) {
    const what = `${isRows ? 'rows of ' : ''}${expected} bytes`;
    throw new FormatError(`python: expected ${what} for a value of ${space.toString()}, got ${bytes}.`);
  }
  return decodeValue(sent) as TypedArray;
}

const isLoose = (space: Space<unknown>): boolean =>
  space instanceof Text || space instanceof Sequence || space instanceof OneOf || space instanceof Graph;

const rowSize = (space: Space<unknown>): number => elementCount(space.shape ?? []);

// Whole numbers within 32 bits need no bigints.
function rowDType(space: Space<unknown>): DType {
  if (!(space instanceof Discrete) || !isBigDType(space.dtype)) return space.dtype as DType;
  return Math.max(-space.start, space.start + space.n) <= 2 ** 31 ? 'int32' : space.dtype;
}

function unfit(space: Space<unknown>, sent: unknown): FormatError {
  const text = JSON.stringify(sent) ?? 'nothing';
  const got = text.length > 100 ? `${text.slice(0, 100)}...` : text;
  return new FormatError(`python: expected a value of ${space.toString()}, got ${got}.`);
}
