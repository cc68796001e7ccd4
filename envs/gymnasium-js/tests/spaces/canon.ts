// Values of spaces as the canonical lines of golden/make_spaces.py, and its streams of them.
import { createHash } from 'node:crypto';
import { MultiBinary } from 'gymnasium-js';
import type { SampleOptions, Space } from 'gymnasium-js';
import { expect } from 'vitest';

/** Lines as golden/make_spaces.py keeps them. */
export interface Stream {
  readonly count: number;
  readonly first: readonly string[];
  readonly sha256: string;
}

const realBytes = (x: number): string => Buffer.from(Float64Array.of(x).buffer).toString('hex');

/** json.dumps of a text: only ASCII. */
function quote(text: string): string {
  const escape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replaceAll(/[^ -~]/g, escape);
}

/** One line for a value: floats by their bytes, whole numbers of integer arrays and of Discrete in decimal. With `reals`, all numbers by bytes. */
export function canon(x: unknown, reals = false): string {
  if (x === null || x === undefined) return 'null';
  if (typeof x === 'string') return quote(x);
  if (typeof x === 'number' || typeof x === 'bigint') return reals ? realBytes(Number(x)) : String(x);
  if (ArrayBuffer.isView(x)) {
    const isReal = reals || x instanceof Float32Array || x instanceof Float64Array;
    const values = Array.from(x as unknown as ArrayLike<number | bigint>);
    return `[${values.map((value) => (isReal ? realBytes(Number(value)) : String(value))).join(' ')}]`;
  }
  if (Array.isArray(x)) return `(${x.map((value) => canon(value, reals)).join(',')})`;
  // By code points, as Python sorts.
  const order = (key: string): string =>
    Array.from(key, (c) => c.codePointAt(0)!.toString(16).padStart(6, '0')).join('');
  const entries = Object.entries(x).toSorted(([a], [b]) => (order(a) < order(b) ? -1 : 1));
  return `{${entries.map(([key, value]) => `${quote(key)}:${canon(value, reals)}`).join(',')}}`;
}

export function expectLines(stream: Stream, draw: () => string): void {
  const lines = Array.from({ length: stream.count }, draw);
  expect(lines.slice(0, stream.first.length).map((line) => line.slice(0, 300))).toEqual(stream.first);
  expect(createHash('sha256').update(lines.join('\n')).digest('hex')).toBe(stream.sha256);
}

/** NumPy arrays know their shape, masks of ours are flat. */
export function optionsOf(space: Space<unknown>, { mask, probability }: SampleOptions): SampleOptions {
  const flat = (values: unknown): unknown => (space instanceof MultiBinary ? (values as number[]).flat() : values);
  if (mask !== undefined) return { mask: flat(mask) };
  return probability === undefined ? {} : { probability: flat(probability) };
}
